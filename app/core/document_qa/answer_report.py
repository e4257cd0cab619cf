"""The sources of an answer for the command line and the Python API: the pages that were read, and
whether the quoted words stand on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.document_qa.status_text import pages_read
from app.core.rendering.citations import CitationCache, Cited, numbered
from backends.messages import Message, PageUsed
from tools.citations import CitationSource


@dataclass(frozen=True)
class AnswerReport:
    """The pages that were read for an answer, and its citations. `mode` is how the documents were
    read, `read` the same in a sentence."""

    mode: str
    read: str
    pages: tuple[PageUsed, ...]
    citations: tuple[Cited, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The report as lines of text."""
        cited = (f"[{_place(each)}] “{each.words}”{_warning(each)}" for each in self.citations)
        return (*([self.read] if self.read else ()), *cited)

    @property
    def values(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "way": self.mode,
            "pages": [_page(page) for page in self.pages],
            "citations": [
                _page(each.source.used if isinstance(each.source, NumberedPage) else None)
                | {"words": each.words, "found": each.citation.found, "trouble": each.trouble}
                for each in self.citations
            ],
        }


def account(answers: Sequence[Message], source: CitationSource) -> AnswerReport | None:
    """The report on the messages that answered one question: the pages of the last request with
    documents, and all citations, looked up in `source`. None where no documents were read."""
    read = [each.context for each in answers if each.context is not None and each.context.mode]
    if not read:
        return None
    used, lookup = read[-1], CitationCache(source)
    citations: tuple[Cited, ...] = ()
    for message in answers:
        citations = numbered(message.text, lookup, citations).citations
    return AnswerReport(used.mode or "", pages_read(used), used.pages, citations)


def _page(page: PageUsed | None) -> dict[str, Any]:
    if page is None:
        return {"number": None, "document": None, "page": None}
    return {"number": page.id, "document": page.document, "page": page.number}


def _place(cited: Cited) -> str:
    return cited.source.title if cited.source is not None else "?"


def _warning(cited: Cited) -> str:
    return f" ({cited.trouble})" if cited.trouble else ""
