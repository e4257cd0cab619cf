"""The pages of all documents: their chunks, chosen for a question, and their outline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property, lru_cache
from itertools import groupby

from app.core.document_qa.retrieval.bm25_index import BM25Index
from app.core.document_qa.retrieval.chunking import Chunk, Heading, chunk_pages
from app.core.document_qa.retrieval.numbered_pages import NumberedPage, harmless, whole

HIT_SHARE = 0.5
"""Share of the budget for the best chunks; their neighbours are chosen next, from the rest."""
MAX_SAMPLES = 16
"""Evenly spaced chunks that are sampled where no term of the question is found."""

_FULL_RATIO = 0.97  # of a budget: what is left is too small for another chunk

Cost = Callable[[Chunk], float]


class Corpus:
    """All pages that a conversation may ask about. Chunks and index are built once, at their first
    use (about two seconds for a million tokens)."""

    def __init__(self, pages: Iterable[NumberedPage] = ()) -> None:
        self.pages = tuple(pages)

    def renewed(self, pages: Iterable[NumberedPage]) -> Corpus:
        """A corpus of these pages: this one, with its index, where the pages are the same."""
        pages = tuple(pages)
        return self if pages == self.pages else Corpus(pages)

    def page(self, id: int) -> NumberedPage | None:
        """The page with that number, if there is one."""
        return self._by_id.get(id)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """All chunks in their order."""
        return self._cut[0]

    @property
    def headings(self) -> tuple[Heading, ...]:
        return self._cut[1]

    @cached_property
    def whole(self) -> str:
        """All pages as a model reads them."""
        return whole(self.pages)

    def prepare(self) -> None:
        """Builds the index, so that the first question need not wait for it."""
        _ = self._ranked

    def ranked(self, question: str, before: str = "") -> tuple[int, ...]:
        """Indices of the chunks that share terms with the question, the best first. `before` is
        the previous question."""
        return self._ranked(question, before)

    def choose(
        self,
        question: str,
        before: str,
        budget: float,
        cost: Cost,
        without: Collection[Chunk] = (),
    ) -> tuple[Chunk, ...]:
        """The chunks for a question, in the order of the text.

        Their costs, in the unit of `cost`, sum up to `budget` at most. `before` is the previous
        question; the chunks in `without` are in the prompt already and are skipped. Where no chunk
        shares a term with the question, the first chunk of each document and samples of the rest
        are chosen.
        """
        have = {(each.page.id, each.start) for each in without}
        costs: dict[int, float] = {}
        chosen: set[int] = set()

        def choose_within(places: Iterable[int], limit: float) -> None:
            spent = sum(costs[index] for index in chosen)
            for index in places:
                if spent >= _FULL_RATIO * limit:
                    break
                chunk = self.chunks[index]
                if index in chosen or (chunk.page.id, chunk.start) in have:
                    continue
                if index not in costs:
                    costs[index] = cost(chunk)
                if spent + costs[index] <= limit:
                    spent += costs[index]
                    chosen.add(index)

        hits = self.ranked(question, before) or tuple(self._samples())
        choose_within(hits[:1], budget)
        choose_within(hits, budget * HIT_SHARE)
        choose_within(
            [beside for hit in hits if hit in chosen for beside in self._beside(hit)], budget
        )
        choose_within(hits, budget)
        return tuple(self.chunks[index] for index in sorted(chosen))

    def outline(self, budget: float, cost: Callable[[str], float]) -> str:
        """The documents with the numbers of their pages, and as many levels of headings as fit
        into `budget`, in the unit of `cost`. Where not even the first level fits, the lines that
        do, and an ellipsis."""
        levels = sorted({heading.level for heading in self.headings})
        shown = self._outline(frozenset())
        for depth in range(1, len(levels) + 1):
            deeper = self._outline(frozenset(levels[:depth]))
            if sum(map(cost, deeper)) > budget:
                shown = deeper if depth == 1 else shown
                break
            shown = deeper
        lines: list[str] = []
        for line in shown:
            budget -= cost(line)
            if budget < 0:
                return "\n".join([*lines, "…"])
            lines.append(line)
        return "\n".join(lines)

    # -- derived from the pages --------------------------------------------------------------------

    @cached_property
    def _by_id(self) -> dict[int, NumberedPage]:
        return {page.id: page for page in self.pages}

    @cached_property
    def _cut(self) -> tuple[tuple[Chunk, ...], tuple[Heading, ...]]:
        return chunk_pages(self.pages)

    @cached_property
    def _ranked(self) -> Callable[[str, str], tuple[int, ...]]:
        """The index's `ranked`, cached: each prompt ranks the conversation's earlier questions
        again."""
        about = [f"{each.page.name} {' '.join(each.headings)} {each.lead}" for each in self.chunks]
        index = BM25Index([each.text for each in self.chunks], about)
        return lru_cache(maxsize=128)(index.ranked)

    def _samples(self) -> list[int]:
        """Indices of each document's first chunk, then of evenly spaced ones."""
        every = len(self.chunks)
        firsts = [index for index in range(every) if self._beside(index)[:1] != [index - 1]]
        return [*firsts, *range(0, every, max(1, every // MAX_SAMPLES))]

    def _beside(self, index: int) -> list[int]:
        """Indices of the previous and the next chunk of the same document."""
        beside = (each for each in (index - 1, index + 1) if 0 <= each < len(self.chunks))
        first = self.chunks[index].page.first
        return [each for each in beside if self.chunks[each].page.first == first]

    def _outline(self, levels: Collection[int]) -> list[str]:
        lines: list[str] = []
        for _, group in groupby(self.pages, key=lambda page: page.first):
            pages = list(group)
            one, last = pages[0], pages[-1]
            ids = {page.id for page in pages}
            numbers = f"[{one.id}]" if one is last else f"[{one.id}] to [{last.id}]"
            some = f"{len(pages)} of " if len(pages) < one.pages else ""
            lines.append(f"{one.name}: {some}{one.length}, {numbers}")
            lines += [
                f"{'  ' * each.level}{harmless(each.text)} [{each.page.id}]"
                for each in self.headings
                if each.level in levels and each.page.id in ids
            ]
        return lines
