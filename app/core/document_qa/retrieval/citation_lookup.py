"""Citations of documents, 【n†exact words】: on which page the words stand, and where.

Words that go on over the end of their page are found, and words that stand on another page, which
is then said.
"""

from __future__ import annotations

from collections.abc import Callable

from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from tools.citations import Citation, Span, claimed, find

MIN_QUOTE_CHARS = 12
"""Characters that a quotation must have to be looked for on other pages: fewer stand anywhere."""
MAX_PAGES = 8
"""Other pages that are looked at."""


class CitationFinder:
    """What the documents of a conversation say: a `CitationSource`, for `citations.Remembering`.

    `corpus` gives the pages that there are at the moment.
    """

    def __init__(self, corpus: Callable[[], Corpus]) -> None:
        self._corpus = corpus

    def source(self, id: int) -> NumberedPage | None:
        """The page that is cited under that number, if it is there."""
        return self._corpus().sheet(id)

    def cited(self, id: int, words: str) -> Citation:
        """Whether the words of a citation stand on that page, or on another one."""
        corpus = self._corpus()
        sheet = corpus.sheet(id)
        if sheet is None:
            return Citation(False)
        words = claimed(words)
        if not words:
            return Citation(True, sheet)
        if spans := _found(corpus, sheet, words):
            return Citation(True, sheet, spans)
        for other in _others(corpus, sheet, words):
            if spans := find(other.text, words):
                return Citation(True, other, spans, meant=sheet)
        return Citation(False, sheet)


def _found(corpus: Corpus, sheet: NumberedPage, words: str) -> tuple[Span, ...]:
    """Where the words stand on the page; those that end on the next one, or began on the one
    before, to the page's edge."""
    if spans := find(sheet.text, words):
        return spans
    after, before = corpus.sheet(sheet.id + 1), corpus.sheet(sheet.id - 1)
    if after is not None and after.first == sheet.first:
        spans = find(f"{sheet.text}\n{after.text}", words)
        spans = _within(spans, 0, len(sheet.text))
    if not spans and before is not None and before.first == sheet.first:
        spans = find(f"{before.text}\n{sheet.text}", words)
        spans = _within(spans, len(before.text) + 1, len(sheet.text))
    return spans


def _within(spans: tuple[Span, ...], begin: int, length: int) -> tuple[Span, ...]:
    cut = ((max(start - begin, 0), min(end - begin, length)) for start, end in spans)
    return tuple((start, end) for start, end in cut if start < end)


def _others(corpus: Corpus, sheet: NumberedPage, words: str) -> list[NumberedPage]:
    """The other pages that share most with the words, those of the same document first."""
    if len(words) < MIN_QUOTE_CHARS:
        return []
    hits = (corpus.passages[at].sheet for at in corpus.ranked(words))
    pages = dict.fromkeys(each for each in hits if each is not sheet)
    return sorted(pages, key=lambda each: each.first != sheet.first)[:MAX_PAGES]
