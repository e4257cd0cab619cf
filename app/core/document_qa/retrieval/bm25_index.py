"""Which of many texts answer a question: BM25 over their words, then how many of the question's
words stand in one sentence.

The words by which a text is found: whole, in the singular, and by how they begin; Chinese,
Japanese, Korean and Thai by pairs of characters.
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
"""Texts that are looked at more closely."""

_FAINT = 0.3  # share of the best score below which a text answers nothing
_OWN_WORDS = 3
_BEFORE = 0.5
"""What the words of the question before count, where a question has enough words of its own."""

CUTS = "\x1d\x1e"
"""Characters that stand among the terms as they do in the text, to tell its stretches apart."""
_DENSE = f"{WIDE}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_FIRST_DENSE = "\u0e00"
_IS_DENSE = re.compile(f"[{_DENSE}]")
_WORD = re.compile(f"[{_DENSE}]+|[^\\W_{_DENSE}]+|[{CUTS}]")
_BROKEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][ \t]*\n[ \t]*(?=[^\W\d_])|\u00ad")
_ACCENT = re.compile("[\u0300-\u036f]")
_BEGINNING = 5  # letters that other forms of a longer word have in common with it
_ASKING = ("什么", "是什么", "为什么", "怎么样", "是多少", "有多少", "哪些", "哪个", "哪里", "如何",
           "是谁", "请问", "何时", "是否")  # fmt: skip
_TEXT_ENDS, _SENTENCE_ENDS = CUTS[0], CUTS[1]
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n\s*\n|\n(?=\s*[|*•-])")


class BM25Index:
    """Texts by their words. `contexts`, one a text, are found by too: headings, a name."""

    def __init__(self, texts: Sequence[str], contexts: Sequence[str]) -> None:
        self._texts = texts
        words = [tokenize(f"{about}\n{text}") for about, text in zip(contexts, texts, strict=True)]
        self._bm25: Any = None
        if any(words):
            import bm25s

            self._bm25 = bm25s.BM25()
            self._bm25.index(words, show_progress=False)

    def ranked(self, question: str, before: str = "") -> tuple[int, ...]:
        """Places of the texts that share words with the question, the best first, at most
        `MAX_HITS`. The words of the question `before` count too."""
        weights = self._weights(question, before)
        if not weights:
            return ()
        import numpy as np

        scores = self._scores(weights)
        best = float(scores.max())
        # Equal ones in the order of the text.
        hits = [int(at) for at in np.argsort(-scores, kind="stable")[:MAX_HITS]]
        close = self._closeness(hits, weights)
        ranks = {at: scores[at] / best + near for at, near in zip(hits, close, strict=True)}
        least = _FAINT * max(ranks.values())
        kept = [at for at, rank in ranks.items() if scores[at] > 0 and rank >= least]
        return tuple(sorted(kept, key=lambda at: -ranks[at]))

    def _weights(self, question: str, before: str) -> dict[str, float]:
        """What each word counts that is there to be found."""
        if self._bm25 is None:
            return {}
        own = query_terms(question)
        share = _BEFORE if len(own) >= _OWN_WORDS else 1.0
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
        """For each text, how much of the question its best sentence holds; rare words are more."""
        rare = {word: weight * self._rarity(word) for word, weight in weights.items()}
        whole = sum(rare.values())
        texts = (_SENTENCE.sub(_SENTENCE_ENDS, self._texts[at]) for at in hits)
        best, found = [0.0], set[str]()
        # All at once: each call of `tokenize` costs more than the words of a text.
        for word in tokenize(_TEXT_ENDS.join(texts)):
            if word in rare:
                found.add(word)
            elif word in CUTS:
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
    """What a text is found by, in its order."""
    text = _BROKEN.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if word[0] >= _FIRST_DENSE and _IS_DENSE.match(word):
            found += [word] if len(word) == 1 else map("".join, pairwise(word))
            continue
        if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
            word = word[:-1]
        found.append(word)
        if len(word) > _BEGINNING and not word.isdigit():
            found.append(f"{word[:_BEGINNING]}~")
    return found


def query_terms(question: str) -> list[str]:
    """What a question looks for: all that says something, else everything; each once."""
    words = list(dict.fromkeys(tokenize(question)))
    return [word for word in words if word not in _empty()] or words


@cache
def _empty() -> frozenset[str]:
    """Words that every question has."""
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return frozenset(term for word in (*STOPWORDS_EN_PLUS, *_ASKING) for term in tokenize(word))
