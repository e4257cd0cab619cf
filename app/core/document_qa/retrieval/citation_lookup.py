"""Citations of documents, 【n†exact words】: on which page the words stand, and where.

A quotation that runs over the end of its page is found, and so is one that stands on another page
than the cited one; the `Citation` then names both.
"""

from __future__ import annotations

from collections.abc import Callable

from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from tools.citations import Citation, Span, claimed, find

MIN_QUOTE_CHARS = 12
"""Characters that a quotation must have to be looked for on other pages: fewer stand anywhere."""
MAX_PAGES = 8
"""Other pages that are searched for a quotation."""


class CitationFinder:
    """A `CitationSource` over the documents of a conversation. `corpus` returns the pages that
    exist at the moment."""

    def __init__(self, corpus: Callable[[], Corpus]) -> None:
        self._corpus = corpus

    def source(self, id: int) -> NumberedPage | None:
        """The page with that number, if there is one."""
        return self._corpus().page(id)

    def cited(self, id: int, words: str) -> Citation:
        """Whether the quoted words stand on that page or on another one, and where."""
        corpus = self._corpus()
        page = corpus.page(id)
        if page is None:
            return Citation(False)
        words = claimed(words)
        if not words:
            return Citation(True, page)
        if spans := _found(corpus, page, words):
            return Citation(True, page, spans)
        for other in _others(corpus, page, words):
            if spans := find(other.text, words):
                return Citation(True, other, spans, meant=page)
        return Citation(False, page)


def _found(corpus: Corpus, page: NumberedPage, words: str) -> tuple[Span, ...]:
    """Spans of the words on the page. For a quotation that ends on the next page or begins on the
    previous one, the span ends at the page's edge."""
    if spans := find(page.text, words):
        return spans
    after, before = corpus.page(page.id + 1), corpus.page(page.id - 1)
    if after is not None and after.first == page.first:
        spans = find(f"{page.text}\n{after.text}", words)
        spans = _within(spans, 0, len(page.text))
    if not spans and before is not None and before.first == page.first:
        spans = find(f"{before.text}\n{page.text}", words)
        spans = _within(spans, len(before.text) + 1, len(page.text))
    return spans


def _within(spans: tuple[Span, ...], begin: int, length: int) -> tuple[Span, ...]:
    cut = ((max(start - begin, 0), min(end - begin, length)) for start, end in spans)
    return tuple((start, end) for start, end in cut if start < end)


def _others(corpus: Corpus, page: NumberedPage, words: str) -> list[NumberedPage]:
    """The other pages that match the words best, at most `MAX_PAGES`; pages of the same document
    first."""
    if len(words) < MIN_QUOTE_CHARS:
        return []
    hits = (corpus.chunks[at].page for at in corpus.ranked(words))
    pages = dict.fromkeys(each for each in hits if each is not page)
    return sorted(pages, key=lambda each: each.first != page.first)[:MAX_PAGES]
