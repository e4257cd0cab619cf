"""Passages chosen for a question, with their neighbours, and the outline of all documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property, lru_cache
from itertools import groupby

from app.core.document_qa.retrieval.bm25_index import BM25Index
from app.core.document_qa.retrieval.chunking import Chunk, Heading, chunk_pages
from app.core.document_qa.retrieval.numbered_pages import NumberedPage, harmless, whole

HITS = 0.5
"""Share of the room that goes to the best passages before their neighbours get theirs."""
SAMPLES = 16
"""Passages from all over where no word of the question is found."""

_FULL = 0.97  # of a room: nothing of use fits into the rest

Cost = Callable[[Chunk], float]


class Corpus:
    """All pages that a conversation may ask about; what follows from them is made once, when it
    is first needed (about two seconds for a million tokens)."""

    def __init__(self, sheets: Iterable[NumberedPage] = ()) -> None:
        self.sheets = tuple(sheets)

    def renewed(self, sheets: Iterable[NumberedPage]) -> Corpus:
        """A corpus of these pages: this one where they are the same."""
        sheets = tuple(sheets)
        return self if sheets == self.sheets else Corpus(sheets)

    def sheet(self, id: int) -> NumberedPage | None:
        """The page that is cited under that number."""
        return self._by_id.get(id)

    @property
    def passages(self) -> tuple[Chunk, ...]:
        """All passages in their order: together, the text of all pages."""
        return self._cut[0]

    @property
    def headings(self) -> tuple[Heading, ...]:
        return self._cut[1]

    @cached_property
    def whole(self) -> str:
        """All pages as a model reads them."""
        return whole(self.sheets)

    def prepare(self) -> None:
        """Makes what the first question would wait for."""
        _ = self._ranked

    def ranked(self, question: str, before: str = "") -> tuple[int, ...]:
        """Places of the passages that share words with the question, the best first."""
        return self._ranked(question, before)

    def choose(
        self,
        question: str,
        before: str,
        room: float,
        cost: Cost,
        without: Collection[Chunk] = (),
    ) -> tuple[Chunk, ...]:
        """What is to be read for a question, in the order of the text, within `room`.

        The passages `without` which it should do are in the prompt already. Where no word is
        shared, it is how the documents begin, and samples of the rest.
        """
        have = {(each.sheet.id, each.start) for each in without}
        prices: dict[int, float] = {}
        taken: set[int] = set()

        def take(places: Iterable[int], most: float) -> None:
            held = sum(prices[at] for at in taken)
            for at in places:
                if held >= _FULL * most:
                    break
                passage = self.passages[at]
                if at in taken or (passage.sheet.id, passage.start) in have:
                    continue
                if at not in prices:
                    prices[at] = cost(passage)
                if held + prices[at] <= most:
                    held += prices[at]
                    taken.add(at)

        hits = self.ranked(question, before) or tuple(self._samples())
        take(hits[:1], room)
        take(hits, room * HITS)
        take([beside for hit in hits if hit in taken for beside in self._beside(hit)], room)
        take(hits, room)
        return tuple(self.passages[at] for at in sorted(taken))

    def outline(self, room: float, cost: Callable[[str], float]) -> str:
        """The documents with the numbers of their pages, and as many levels of their headings as
        fit; of the first level as many headings as fit."""
        levels = sorted({heading.level for heading in self.headings})
        shown = self._outline(frozenset())
        for depth in range(1, len(levels) + 1):
            deeper = self._outline(frozenset(levels[:depth]))
            if sum(map(cost, deeper)) > room:
                shown = deeper if depth == 1 else shown
                break
            shown = deeper
        lines: list[str] = []
        for line in shown:
            room -= cost(line)
            if room < 0:
                return "\n".join([*lines, "…"])
            lines.append(line)
        return "\n".join(lines)

    # -- what follows from the pages -------------------------------------------------------------

    @cached_property
    def _by_id(self) -> dict[int, NumberedPage]:
        return {sheet.id: sheet for sheet in self.sheets}

    @cached_property
    def _cut(self) -> tuple[tuple[Chunk, ...], tuple[Heading, ...]]:
        return chunk_pages(self.sheets)

    @cached_property
    def _ranked(self) -> Callable[[str, str], tuple[int, ...]]:
        """The index; a conversation's earlier questions are asked again with each new one."""
        about = [
            f"{each.sheet.name} {' '.join(each.headings)} {each.lead}" for each in self.passages
        ]
        index = BM25Index([each.text for each in self.passages], about)
        return lru_cache(maxsize=128)(index.ranked)

    def _samples(self) -> list[int]:
        """How each document begins, then passages from all over."""
        every = len(self.passages)
        firsts = [at for at in range(every) if self._beside(at)[:1] != [at - 1]]
        return [*firsts, *range(0, every, max(1, every // SAMPLES))]

    def _beside(self, at: int) -> list[int]:
        """The passages before and behind one, of the same document."""
        beside = (each for each in (at - 1, at + 1) if 0 <= each < len(self.passages))
        first = self.passages[at].sheet.first
        return [each for each in beside if self.passages[each].sheet.first == first]

    def _outline(self, levels: Collection[int]) -> list[str]:
        lines: list[str] = []
        for _, pages in groupby(self.sheets, key=lambda sheet: sheet.first):
            sheets = list(pages)
            one, last = sheets[0], sheets[-1]
            ids = {sheet.id for sheet in sheets}
            numbers = f"[{one.id}]" if one is last else f"[{one.id}] to [{last.id}]"
            some = f"{len(sheets)} of " if len(sheets) < one.pages else ""
            lines.append(f"{one.name}: {some}{one.length}, {numbers}")
            lines += [
                f"{'  ' * each.level}{harmless(each.text)} [{each.sheet.id}]"
                for each in self.headings
                if each.level in levels and each.sheet.id in ids
            ]
        return lines
