"""The pages of a conversation's documents, each with the number by which answers cite it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from backends import glm4
from backends.glm4.tokens import WORD_JOINER
from backends.messages import Document, PageUsed
from tools.documents.base import Page, Reading
from tools.text import one_line, quotable

UNITS = {"pptx": "slide", "odp": "slide"}
"""What a page is called in formats that have another word for it. A long sheet or chapter is
several pages, so that their numbers would mislead."""

PICTURED = ("pdf", "picture")
"""Formats whose pages can be drawn."""

_MAX_NAME_CHARS = 120  # characters
# A special token of any model's template: no text of a page may end its message.
_TOKEN = re.compile(r"<(?=\|[^|<>\s]{1,40}\|>)")
# A line that could be taken for the first line of a page.
_HEAD = re.compile(r"^([^\S\n]*+)\[(?=\d{1,7}\].*,\s+(?:page|slide|sheet|chapter)\b)", re.M | re.I)


class Entry(Protocol):
    """What numbering needs of an uploaded document: `first` is the number of its page 1;
    `selected` are ranges of page numbers, both ends included, None for all pages."""

    @property
    def document(self) -> Document: ...

    @property
    def reading(self) -> Reading | None: ...

    @property
    def selected(self) -> tuple[tuple[int, int], ...] | None: ...

    @property
    def first(self) -> int: ...


@dataclass(frozen=True)
class NumberedPage:
    """A page with its number: a `Source` of citations.

    `id` is the number by which it is cited, `name` the document's name, `page` the page as it was
    read, `unit` what a page of this format is called, `pages` how many the document has.
    `pictured` says that an image of the page can be rendered.
    """

    id: int
    name: str
    page: Page
    unit: str = "page"
    pages: int = 1
    pictured: bool = False
    url: str = ""
    read: bool = True

    @cached_property
    def text(self) -> str:
        """The page's text, with characters that can't be quoted replaced; offsets in it are
        offsets in `page.text`."""
        return quotable(self.page.text)

    @property
    def first(self) -> int:
        """The number of its document's page 1, which tells the document from all others."""
        return self.id - self.page.number + 1

    @property
    def length(self) -> str:
        """The length of its document, such as `12 pages`."""
        return f"{self.pages} {self.unit}{'' if self.pages == 1 else 's'}"

    @property
    def title(self) -> str:
        return f"{self.name}, {self.unit} {self.page.number}"

    @property
    def where(self) -> str:
        """The page's place in its document, and whether its text was recognised by OCR."""
        parts = [f"{self.unit} {self.page.number} of {self.pages}"]
        return " · ".join([*parts, "text recognised in a picture"] if self.page.ocr else parts)

    @property
    def head(self) -> str:
        """The line that begins the page in a prompt."""
        return f"[{self.id}] {self.title}"

    @cached_property
    def used(self) -> PageUsed:
        """The record of the page that an answer keeps in its `ContextUsed`."""
        return PageUsed(self.id, self.name, self.page.number, self.unit, self.pages)

    @property
    def shown(self) -> str:
        """The whole page as a model reads it."""
        return f"{self.head}\n{harmless(self.text).strip()}\n"


def harmless(text: str) -> str:
    """A document's text made safe for a prompt: special tokens and lines that look like the first
    line of a page no longer act as such. `tools.citations` compares it as it compared the
    original."""
    text = _TOKEN.sub(f"<{WORD_JOINER}", glm4.defuse(quotable(text)))
    return _HEAD.sub(rf"\1[{WORD_JOINER}", text)


def whole(pages: Iterable[NumberedPage]) -> str:
    """All pages as a model reads them, in one text."""
    return "\n".join(page.shown for page in pages)


def selected_pages(entries: Iterable[Entry]) -> tuple[NumberedPage, ...]:
    """The selected pages of all documents that were read, sorted by their numbers."""
    pages = [page for entry in entries for page in _pages(entry)]
    return tuple(sorted(pages, key=lambda page: page.id))


def _pages(entry: Entry) -> Sequence[NumberedPage]:
    reading = entry.reading
    if reading is None:
        return ()
    name = one_line(harmless(entry.document.name or entry.document.path.name), _MAX_NAME_CHARS)
    unit, pictured = UNITS.get(reading.kind, "page"), reading.kind in PICTURED
    return [
        NumberedPage(entry.first + page.number - 1, name, page, unit, len(reading.pages), pictured)
        for page in reading.pages
        if entry.selected is None
        or any(first <= page.number <= last for first, last in entry.selected)
    ]
