"""The documents of one conversation: read in the background, selected by pages, numbered."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from backends.messages import Document
from tools.documents.base import DocumentError, PasswordNeeded, Reading
from tools.documents.loader import DocumentLoader

log = logging.getLogger(__name__)

State = Literal["waiting", "reading", "ready", "locked", "failed", "cancelled"]
Ranges = tuple[tuple[int, int], ...]
"""Ranges of page numbers, both ends included; sorted, neither overlapping nor adjacent."""

INTERNAL_ERROR = "Something went wrong here while the file was read."
_RANGE = re.compile(r"(\d{1,9})?\s*(?:([-–—~～])\s*(\d{1,9})?)?")


@dataclass(frozen=True)
class Entry:
    """A document and the state of its reading: `done` pages of `total` are read, where the total
    is known.

    `first` is the number by which its page 1 is cited, so that page p has the number
    `first + p - 1`; 0 until the document is ready. `selected` are the pages that the user chose,
    None for all.
    """

    document: Document
    state: State = "waiting"
    done: int = 0
    total: int | None = None
    reading: Reading | None = None
    error: str | None = None
    selected: Ranges | None = None
    first: int = 0

    @property
    def pending(self) -> bool:
        """Whether it is still being read."""
        return self.state in ("waiting", "reading")


@dataclass(frozen=True)
class KeptDocument:
    """What is kept of a document while its conversation is closed: `first` and `selected` as in
    `Entry`, `pages` how many numbers it has for citations."""

    document: Document
    first: int = 0
    pages: int = 0
    selected: Ranges | None = None


@dataclass
class _Item:
    """The current entry of a document, and the event that cancels its reading."""

    entry: Entry
    cancel: threading.Event = field(default_factory=threading.Event)


class DocumentStore:
    """Documents by their names. No method but `wait` blocks: the `loader` reads the files in the
    background, and shares its workers fairly between the owners of stores."""

    def __init__(self, loader: DocumentLoader, owner: Hashable = None) -> None:
        self._loader = loader
        self.owner = self if owner is None else owner
        self._changed = threading.Condition()
        self._items: dict[str, _Item] = {}
        self._next = 1
        self._closed = False

    def entries(self) -> tuple[Entry, ...]:
        """The documents, in the order in which they were added."""
        with self._changed:
            return tuple(item.entry for item in self._items.values())

    def add(self, document: Document) -> None:
        """Begin to read a document. A known name is read again where the document is another one,
        or its reading failed or was cancelled."""
        with self._changed:
            known = self._items.get(document.name)
            if known is not None:
                if known.entry.document == document and known.entry.state not in (
                    "failed",
                    "cancelled",
                ):
                    return
                known.cancel.set()
            self._begin(document, None)

    def kept(self) -> tuple[KeptDocument, ...]:
        """What `restore` needs to have the documents again, with the same numbers."""
        return tuple(
            KeptDocument(each.document, each.first, each.total or 0, each.selected)
            for each in self.entries()
        )

    def restore(self, kept: Sequence[KeptDocument]) -> None:
        """Begin to read the documents of a closed conversation again."""
        with self._changed:
            for each in kept:
                self._begin(each.document, None, each.first, each.selected)
                self._next = max(self._next, each.first + max(1, each.pages))

    def unlock(self, name: str, password: str) -> None:
        """Read a locked document with this password."""
        with self._changed:
            item = self._items.get(name)
            if item is not None and item.entry.state == "locked":
                entry = item.entry
                self._begin(entry.document, password, entry.first, entry.selected)

    def cancel(self, name: str) -> None:
        """Stop reading a document, which stays in the store."""
        with self._changed:
            item = self._items.get(name)
            if item is not None and item.entry.pending:
                item.cancel.set()
                self._show(item, state="cancelled")

    def remove(self, name: str) -> None:
        """Take a document away."""
        with self._changed:
            item = self._items.pop(name, None)
            if item is not None:
                item.cancel.set()
                self._changed.notify_all()

    def select(self, name: str, pages: str) -> None:
        """Select pages: `1-5, 9`, `7-` up to the last one, empty for all.

        Raises `DocumentError` for a text that is no list of ranges, and for numbers that the
        document does not have.
        """
        with self._changed:
            item = self._items.get(name)
            if item is None or item.entry.reading is None:
                raise DocumentError("The pages can be chosen once the document is read.")
            self._show(item, selected=ranges(pages, len(item.entry.reading.pages)))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no document is being read, at most `seconds`; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(item.entry.pending for item in self._items.values()), seconds
            )

    def close(self) -> None:
        """Stop all reading and remove all documents. May be called twice."""
        with self._changed:
            self._closed = True
            for item in self._items.values():
                item.cancel.set()
            self._items.clear()
            self._changed.notify_all()

    def _begin(
        self, document: Document, password: str | None, first: int = 0,
        selected: Ranges | None = None,
    ) -> None:  # fmt: skip
        if self._closed:
            return
        entry = Entry(document, first=first, selected=selected)
        item = self._items[document.name] = _Item(entry)
        self._loader.submit(self.owner, lambda: self._read(item, password))
        self._changed.notify_all()

    def _read(self, item: _Item, password: str | None) -> None:
        """Read one document, on a thread of the loader's."""
        document = item.entry.document

        def progress(done: int, total: int | None) -> None:
            with self._changed:
                if not item.cancel.is_set():
                    self._show(item, done=done, total=total)

        with self._changed:
            if item.cancel.is_set():
                return
            self._show(item, state="reading")
        reading: Reading | None = None
        state: State = "ready"
        error: str | None = None
        try:
            reading = self._loader.read(
                document.path, document.name, password, item.cancel, progress
            )
        except PasswordNeeded as needed:
            state, error = "locked", str(needed)
        except DocumentError as failed:
            state, error = "failed", str(failed)
        except Exception:
            log.exception("a document could not be read")
            state, error = "failed", INTERNAL_ERROR
        with self._changed:
            if item.cancel.is_set():
                return
            if reading is None:
                self._show(item, state=state, error=error)
                return
            count = len(reading.pages)
            first = item.entry.first or self._next
            self._show(item, state="ready", done=count, total=count, reading=reading, first=first)
            self._next = max(self._next, first + max(1, count))

    def _show(self, item: _Item, **changes: Any) -> None:
        item.entry = replace(item.entry, **changes)
        self._changed.notify_all()


def ranges(text: str, count: int) -> Ranges | None:
    """The ranges in a user's text, as in `DocumentStore.select`, for a document of `count` pages;
    None where the text is empty. Raises `DocumentError`."""
    found: list[tuple[int, int]] = []
    for part in filter(None, map(str.strip, re.split(r"[,，;；、]", text))):
        match = _RANGE.fullmatch(part)
        if match is None or not (match[1] or match[3]):
            raise DocumentError(f"“{part[:40]}” is no range of pages; write them as in 1-5, 9.")
        first = int(match[1] or 1)
        last = int(match[3] or count) if match[2] else first
        if match[2] and match[3] and first > last:
            raise DocumentError(f"“{part[:40]}” runs backwards; write {last}-{first}.")
        if not 1 <= first <= last <= count:
            raise DocumentError(f"“{part[:40]}” is not among the pages, which are 1 to {count:,}.")
        found.append((first, last))
    return _merged(found) or None


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
