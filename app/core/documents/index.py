"""Which of many texts answer a question: BM25 over their words, then how many of the question's
words stand in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

from app.core.documents.terms import CUTS, asked, terms

if TYPE_CHECKING:
    import numpy as np

    Scores = np.ndarray[Any, np.dtype[np.float32]]

MOST_HITS = 200
"""Texts that are looked at more closely."""

_FAINT = 0.3  # share of the best score below which a text answers nothing
_OWN_WORDS = 3
_BEFORE = 0.5
"""What the words of the question before count, where a question has enough words of its own."""
_TEXT_ENDS, _SENTENCE_ENDS = CUTS[0], CUTS[1]
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n\s*\n|\n(?=\s*[|*•-])")


class Index:
    """Texts by their words. `contexts`, one a text, are found by too: headings, a name."""

    def __init__(self, texts: Sequence[str], contexts: Sequence[str]) -> None:
        self._texts = texts
        words = [terms(f"{about}\n{text}") for about, text in zip(contexts, texts, strict=True)]
        self._bm25: Any = None
        if any(words):
            import bm25s

            self._bm25 = bm25s.BM25()
            self._bm25.index(words, show_progress=False)

    def ranked(self, question: str, before: str = "") -> tuple[int, ...]:
        """Places of the texts that share words with the question, the best first, at most
        `MOST_HITS`. The words of the question `before` count too."""
        weights = self._weights(question, before)
        if not weights:
            return ()
        import numpy as np

        scores = self._scores(weights)
        best = float(scores.max())
        # Equal ones in the order of the text.
        hits = [int(at) for at in np.argsort(-scores, kind="stable")[:MOST_HITS]]
        close = self._closeness(hits, weights)
        ranks = {at: scores[at] / best + near for at, near in zip(hits, close, strict=True)}
        least = _FAINT * max(ranks.values())
        kept = [at for at, rank in ranks.items() if scores[at] > 0 and rank >= least]
        return tuple(sorted(kept, key=lambda at: -ranks[at]))

    def _weights(self, question: str, before: str) -> dict[str, float]:
        """What each word counts that is there to be found."""
        if self._bm25 is None:
            return {}
        own = asked(question)
        share = _BEFORE if len(own) >= _OWN_WORDS else 1.0
        weights = dict.fromkeys(asked(before), share) if before else {}
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
        # All at once: each call of `terms` costs more than the words of a text.
        for word in terms(_TEXT_ENDS.join(texts)):
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
