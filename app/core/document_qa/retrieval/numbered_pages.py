"""The pages that a conversation may ask about, each under the number by which it is cited."""

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
    """What is asked of a document that was given; `first` is the number of its page 1, and
    `selected` are ranges of pages, both ends in them, None for all."""

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
    """A page as it is asked about: a `Source` of citations. `name` is the document's, `unit`
    what a page of it is called, `pages` how many the document has; `pictured` says that it can be
    drawn."""

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
        """The page's text, without what can't be quoted; places in it are those in the page's."""
        return quotable(self.page.text)

    @property
    def first(self) -> int:
        """The number of its document's page 1; no other document has it."""
        return self.id - self.page.number + 1

    @property
    def length(self) -> str:
        """How long its document is, in words."""
        return f"{self.pages} {self.unit}{'' if self.pages == 1 else 's'}"

    @property
    def title(self) -> str:
        return f"{self.name}, {self.unit} {self.page.number}"

    @property
    def where(self) -> str:
        """Where the page stands in its document, and how it was read."""
        parts = [f"{self.unit} {self.page.number} of {self.pages}"]
        return " · ".join([*parts, "text recognised in a picture"] if self.page.ocr else parts)

    @property
    def head(self) -> str:
        """The line that begins the page in a prompt."""
        return f"[{self.id}] {self.title}"

    @cached_property
    def used(self) -> PageUsed:
        """What an answer that was given from it keeps of the page."""
        return PageUsed(self.id, self.name, self.page.number, self.unit, self.pages)

    @property
    def shown(self) -> str:
        """The whole page as a model reads it."""
        return f"{self.head}\n{harmless(self.text).strip()}\n"


def harmless(text: str) -> str:
    """Text of a document as it may stand in a prompt: special tokens and our own marks in it are
    words like any others. What `tools.citations` compares is not changed by it."""
    text = _TOKEN.sub(f"<{WORD_JOINER}", glm4.defuse(quotable(text)))
    return _HEAD.sub(rf"\1[{WORD_JOINER}", text)


def whole(pages: Iterable[NumberedPage]) -> str:
    """Pages as a model reads them, one after another."""
    return "\n".join(page.shown for page in pages)


def selected_pages(entries: Iterable[Entry]) -> tuple[NumberedPage, ...]:
    """The selected pages of all documents that were read, by their numbers."""
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
