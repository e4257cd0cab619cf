"""The documents of one conversation: read in the background, selected by pages, numbered."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from backends.messages import Document
from tools.documents.base import DocumentError, PasswordNeeded, Reading
from tools.documents.loader import DocumentLoader

log = logging.getLogger(__name__)

State = Literal["waiting", "reading", "ready", "locked", "failed", "cancelled"]
Ranges = tuple[tuple[int, int], ...]
"""Pages from one to another, both among them; in order, and apart from each other."""

INTERNAL_ERROR = "Something went wrong here while the file was read."
_RANGE = re.compile(r"(\d{1,9})?\s*(?:([-–—~～])\s*(\d{1,9})?)?")


@dataclass(frozen=True)
class Entry:
    """A document and how far it is. `done` pages of `total` are read, where that is known.

    `first` is the number under which its page 1 is cited, page p is `first + p - 1`; 0 until it
    is ready. `selected` are the pages that take part, None for all.
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


@dataclass
class _Item:
    """An entry as it stands, and what stops its reading."""

    entry: Entry
    cancel: threading.Event = field(default_factory=threading.Event)


class DocumentStore:
    """Documents by their names. Every method answers at once; the work is the room's, where all
    desks of one `owner` take turns with those of others."""

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
        """Begin to read. One of the same name is read anew where it isn't the same document, or
        could not be read before."""
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

    def unlock(self, name: str, password: str) -> None:
        """Read a locked document with this password."""
        with self._changed:
            item = self._items.get(name)
            if item is not None and item.entry.state == "locked":
                self._begin(item.entry.document, password)

    def cancel(self, name: str) -> None:
        """Stop reading a document, which stays on the desk."""
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
        """Let these pages take part: `1-5, 9`, `7-` to the last one, empty for all.

        Raises `DocumentError` for what can't be understood, or names no page of it.
        """
        with self._changed:
            item = self._items.get(name)
            if item is None or item.entry.reading is None:
                raise DocumentError("The pages can be chosen once the document is read.")
            self._show(item, selected=ranges(pages, len(item.entry.reading.pages)))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is being read; whether that is so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(item.entry.pending for item in self._items.values()), seconds
            )

    def close(self) -> None:
        """Stop all reading, and take all documents away. May be called twice."""
        with self._changed:
            self._closed = True
            for item in self._items.values():
                item.cancel.set()
            self._items.clear()
            self._changed.notify_all()

    def _begin(self, document: Document, password: str | None) -> None:
        if self._closed:
            return
        item = self._items[document.name] = _Item(Entry(document))
        self._loader.submit(self.owner, lambda: self._read(item, password))
        self._changed.notify_all()

    def _read(self, item: _Item, password: str | None) -> None:
        """Read one document, on a thread of the room's."""
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
            self._show(
                item, state="ready", done=count, total=count, reading=reading, first=self._next
            )
            self._next += max(1, count)

    def _show(self, item: _Item, **changes: Any) -> None:
        item.entry = replace(item.entry, **changes)
        self._changed.notify_all()


def ranges(text: str, count: int) -> Ranges | None:
    """Pages as a person writes them, see `DocumentStore.select`. Raises `DocumentError`."""
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
