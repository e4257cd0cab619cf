"""What an answer was given from, for those who have no page to look at: which pages were read, and
whether the words that it cites stand there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.core.document_qa.retrieval.numbered_pages import Sheet
from app.core.document_qa.session_documents import Study
from app.core.document_qa.status_text import pages_read
from app.core.rendering.citations import Cited, Remembering, numbered


@dataclass(frozen=True)
class Account:
    """The pages that were read for an answer, and its citations. `way` is how they were read."""

    way: str
    read: str
    pages: tuple[Sheet, ...]
    citations: tuple[Cited, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """As a person reads it."""
        cited = (f"[{_place(each)}] “{each.words}”{_warning(each)}" for each in self.citations)
        return (*([self.read] if self.read else ()), *cited)

    @property
    def values(self) -> dict[str, Any]:
        """As a program reads it."""
        return {
            "way": self.way,
            "pages": [_page(sheet) for sheet in self.pages],
            "citations": [
                _page(each.source)
                | {"words": each.words, "found": each.citation.found, "trouble": each.trouble}
                for each in self.citations
            ],
        }


def account(study: Study, at: int, texts: Iterable[str]) -> Account | None:
    """Of the answer's texts to the question at that place; None where nothing was read for it."""
    prompt = study.prompt(at)
    if prompt is None:
        return None
    look = Remembering(study)
    citations: tuple[Cited, ...] = ()
    for text in texts:
        citations = numbered(text, look, citations).citations
    return Account(prompt.way, pages_read(prompt), prompt.pages, citations)


def _page(source: object) -> dict[str, Any]:
    if not isinstance(source, Sheet):
        return {"number": None, "document": None, "page": None}
    return {"number": source.id, "document": source.name, "page": source.page.number}


def _place(cited: Cited) -> str:
    return cited.source.title if cited.source is not None else "?"


def _warning(cited: Cited) -> str:
    return f" ({cited.trouble})" if cited.trouble else ""
