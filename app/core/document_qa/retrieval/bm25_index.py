"""Texts ranked for a question: BM25 over their terms, then the share of the question's terms that
one sentence holds.

The terms of a text: whole words in the singular, and the first letters of longer words as a stem;
for Chinese, Japanese, Korean and Thai pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Any

from tools.citations import WIDE

if TYPE_CHECKING:
    import numpy as np

    Scores = np.ndarray[Any, np.dtype[np.float32]]

MAX_HITS = 200
"""Texts with the best BM25 scores, which are then ranked by their best sentence."""

_MIN_SCORE_RATIO = 0.3  # ratio to the best score below which a text is no hit
_MIN_OWN_WORDS = 3
_PREVIOUS_WEIGHT = 0.5
"""Weight of the previous question's terms, where a question has `_MIN_OWN_WORDS` of its own."""

SEPARATORS = "\x1d\x1e"
"""Characters that `tokenize` keeps as terms: they mark where a text or a sentence ends."""
_UNSPACED = f"{WIDE}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_FIRST_UNSPACED = "\u0e00"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+|[{SEPARATORS}]")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][ \t]*\n[ \t]*(?=[^\W\d_])|\u00ad")
_ACCENT = re.compile("[\u0300-\u036f]")
_STEM_LETTERS = 5  # letters that other forms of a longer word have in common with it
_QUESTION_WORDS = (
    "什么", "是什么", "为什么", "怎么样", "是多少", "有多少", "哪些", "哪个", "哪里", "如何",
    "是谁", "请问", "何时", "是否",
)  # fmt: skip
_TEXT_ENDS, _SENTENCE_ENDS = SEPARATORS[0], SEPARATORS[1]
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n\s*\n|\n(?=\s*[|*•-])")


class BM25Index:
    """An index over texts. `contexts` holds one string for each text, such as its headings and its
    document's name, whose terms find the text too."""

    def __init__(self, texts: Sequence[str], contexts: Sequence[str]) -> None:
        self._texts = texts
        words = [tokenize(f"{about}\n{text}") for about, text in zip(contexts, texts, strict=True)]
        self._bm25: Any = None
        if any(words):
            import bm25s

            self._bm25 = bm25s.BM25()
            self._bm25.index(words, show_progress=False)

    def ranked(self, question: str, before: str = "") -> tuple[int, ...]:
        """Indices of the texts that share terms with the question, the best first, at most
        `MAX_HITS`. The terms of the previous question, `before`, count too."""
        weights = self._weights(question, before)
        if not weights:
            return ()
        import numpy as np

        scores = self._scores(weights)
        best = float(scores.max())
        # Equal ones in the order of the text.
        hits = [int(index) for index in np.argsort(-scores, kind="stable")[:MAX_HITS]]
        close = self._closeness(hits, weights)
        ranks = {
            index: scores[index] / best + closeness
            for index, closeness in zip(hits, close, strict=True)
        }
        least = _MIN_SCORE_RATIO * max(ranks.values())
        kept = [index for index, rank in ranks.items() if scores[index] > 0 and rank >= least]
        return tuple(sorted(kept, key=lambda index: -ranks[index]))

    def _weights(self, question: str, before: str) -> dict[str, float]:
        """The weight of each term of the questions that the index contains."""
        if self._bm25 is None:
            return {}
        own = query_terms(question)
        share = _PREVIOUS_WEIGHT if len(own) >= _MIN_OWN_WORDS else 1.0
        weights = dict.fromkeys(query_terms(before), share) if before else {}
        weights |= dict.fromkeys(own, 1.0)
        known = self._bm25.vocab_dict
        return {word: weight for word, weight in weights.items() if word and word in known}

    def _scores(self, weights: Mapping[str, float]) -> Scores:
        import numpy as np

        scores: Scores = np.zeros(len(self._texts), dtype=np.float32)
        for weight in set(weights.values()):
            words = [word for word, each in weights.items() if each == weight]
            scores += weight * self._bm25.get_scores(words)
        return scores

    def _closeness(self, hits: Sequence[int], weights: Mapping[str, float]) -> list[float]:
        """For each text, the share of the question that its best sentence holds, from 0 to 1;
        terms are weighted by their rarity."""
        rare = {word: weight * self._rarity(word) for word, weight in weights.items()}
        whole = sum(rare.values())
        texts = (_SENTENCE.sub(_SENTENCE_ENDS, self._texts[index]) for index in hits)
        best, found = [0.0], set[str]()
        # All at once: each call of `tokenize` costs more than the words of a text.
        for word in tokenize(_TEXT_ENDS.join(texts)):
            if word in rare:
                found.add(word)
            elif word in SEPARATORS:
                found.clear()
                best += [0.0] if word == _TEXT_ENDS else []
                continue
            else:
                continue
            best[-1] = max(best[-1], sum(rare[each] for each in found) / whole)
        return best

    def _rarity(self, word: str) -> float:
        """The inverse document frequency."""
        id, begins = self._bm25.vocab_dict[word], self._bm25.scores["indptr"]
        count = int(begins[id + 1] - begins[id])
        return log(1 + (len(self._texts) - count + 0.5) / (count + 0.5))


def tokenize(text: str) -> list[str]:
    """The terms of a text, in the order of the text."""
    text = _HYPHENATED.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if word[0] >= _FIRST_UNSPACED and _IS_UNSPACED.match(word):
            found += [word] if len(word) == 1 else map("".join, pairwise(word))
            continue
        if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
            word = word[:-1]
        found.append(word)
        if len(word) > _STEM_LETTERS and not word.isdigit():
            found.append(f"{word[:_STEM_LETTERS]}~")
    return found


def query_terms(question: str) -> list[str]:
    """The terms of a question without stop words, or all of them where nothing else is left; each
    term once."""
    words = list(dict.fromkeys(tokenize(question)))
    return [word for word in words if word not in _stop_words()] or words


@cache
def _stop_words() -> frozenset[str]:
    """Terms that say nothing about what a question asks for."""
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return frozenset(
        term for word in (*STOPWORDS_EN_PLUS, *_QUESTION_WORDS) for term in tokenize(word)
    )
