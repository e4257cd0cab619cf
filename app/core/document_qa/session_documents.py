"""One conversation's documents: read in the background, part of the prompt of each question, and
looked up when an answer cites them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args

from app.core.agent.context import DocumentContext, Question
from app.core.document_qa.answering.prompt import PromptForecast, ReadingMode, forecast, prepare
from app.core.document_qa.retrieval.citation_lookup import CitationFinder
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import (
    PICTURED,
    NumberedPage,
    selected_pages,
    whole,
)
from app.core.document_qa.retrieval.token_counter import TokenCounter, Tokens, learn
from app.core.document_qa.status_text import progress
from app.core.document_qa.store import DocumentStore, Entry
from app.core.settings import Settings
from backends.base import Backend, GenerationConfig
from backends.errors import BackendError, ContextExceeded
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.messages import Document, Message, Part, Usage
from tools.citations import Citation, Span
from tools.documents.base import WRONG, DocumentError, Options
from tools.documents.loader import DocumentLoader
from tools.documents.page_images import WIDTH_PX, Marks, areas, render
from tools.documents.worker.reading import MEGABYTE, Limits

READING_MODES: tuple[ReadingMode, ...] = get_args(ReadingMode)
PROSE_SUFFIXES = tuple(
    f".{ending}"
    for ending in (
        "pdf",
        "docx",
        "docm",
        "pptx",
        "pptm",
        "odt",
        "odp",
        "epub",
        "rtf",
        "html",
        "htm",
        "eml",
        "md",
        "txt",
    )
)
_POLL_INTERVAL_S = 0.1
_MAX_PASSWORD_TRIES = 3  # attempts at each locked file in one turn

Ask = Callable[[str, bool], str | None]
"""Asks for the password of a file: its name, and whether the last one was wrong. None: without."""


class SessionDocuments:
    """The documents of one conversation, in a `store` that belongs to it.

    `mode` is the user's choice of how documents are read. With `ahead` they are part of each
    request; without, a tool reads them. `password`, where it is set, is called on a turn's thread
    for each file that turns out to be locked.
    """

    def __init__(self, store: DocumentStore, ahead: bool = True) -> None:
        self.store = store
        self.mode: ReadingMode = "auto"
        self.ahead = ahead
        self.password: Ask | None = None
        self._lock = threading.Lock()
        self._passwords: dict[str, str] = {}
        self._numbered: dict[int, tuple[NumberedPage, ...]] = {}
        self._state: tuple[object, ...] = ()
        self._selected, self._everything = Corpus(), Corpus()
        self._citations = CitationFinder(lambda: self._all_read)
        self._forecast: Callable[..., PromptForecast] = lru_cache(maxsize=4)(forecast)
        self._render = lru_cache(maxsize=16)(_render)
        self._length: Callable[..., Tokens] = lru_cache(maxsize=256)(self._length_of)

    def add(self, parts: Iterable[Part]) -> None:
        """Begin to read the documents of a message.

        In Tools mode, files without one of `PROSE_SUFFIXES` are not read: they are data for code.
        """
        for part in parts:
            if isinstance(part, Document) and (
                self.ahead or part.path.suffix.lower() in PROSE_SUFFIXES
            ):
                self.store.add(part)

    def unlock(self, name: str, password: str) -> None:
        """Reads a locked document with this password."""
        self._passwords[name] = password
        self.store.unlock(name, password)

    def picture(self, entry: Entry, page: int) -> bytes | None:
        """An image of a page, by its number in the document, as PNG; None where it can't be
        rendered or the format has no page images."""
        if entry.reading is None or entry.reading.kind not in PICTURED:
            return None
        return self._picture(entry, page, WIDTH_PX, Marks())

    def _picture(self, entry: Entry, page: int, width: int, marks: Marks) -> bytes | None:
        password = self._passwords.get(entry.document.name)
        try:
            arguments = (entry.document.path, page, width, password, *marks)
            return self._render(entry.first, self.store.owner, *arguments)
        except DocumentError:
            return None

    def marked(self, id: int, spans: Sequence[Span], width: int = WIDTH_PX) -> bytes | None:
        """An image of the page that is cited by the number `id`, as PNG, `width` pixels wide.

        The `spans` of its text are marked as far as they can be located. None where the page can't
        be rendered.
        """
        page = self.source(id)
        entry = None if page is None else self._entry(page)
        if page is None or entry is None:
            return None
        marks = Marks(areas=areas(page.page, spans))
        if not page.page.ocr:
            marks = Marks(words=tuple(page.text[start:end] for start, end in spans))
        return self._picture(entry, page.page.number, width, marks)

    def pictured(self, page: NumberedPage) -> bool:
        """Whether an image of the page can be rendered: not for removed documents and formats
        without page images."""
        return self._entry(page) is not None

    def _entry(self, page: NumberedPage) -> Entry | None:
        entries = self.store.entries() if page.pictured else ()
        return next((each for each in entries if each.reading and each.first == page.first), None)

    def remove(self, name: str) -> None:
        """Removes a document; citations of it still work. Its file is deleted too, except in Tools
        mode, where code may be using it."""
        for entry in self.store.entries():
            if entry.document.name == name:
                self.store.remove(name)
                if self.ahead:
                    entry.document.path.unlink(missing_ok=True)

    @property
    def given(self) -> bool:
        """Whether there is any document."""
        return bool(self.store.entries())

    @property
    def pending(self) -> bool:
        """Whether a file is still being read."""
        return any(each.pending for each in self.store.entries())

    @property
    def corpus(self) -> Corpus:
        """The selected pages of all documents."""
        self._refresh()
        return self._selected

    def tokens(self, entry: Entry, backend: Backend | None) -> Tokens | None:
        """The tokens of a document's selected pages; None before the document is read, and
        without a backend to count with."""
        if backend is None or entry.reading is None:
            return None
        return self._length(entry.first, entry.selected, backend)

    def _length_of(self, first: int, selected: object, backend: Backend) -> Tokens:
        pages = (page for page in self.corpus.pages if page.first == first)
        return TokenCounter(backend).text(whole(pages))

    def forecast(
        self, history: Sequence[Message], backend: Backend | None, config: GenerationConfig
    ) -> PromptForecast | None:
        """The forecast for a question asked now; None without a backend."""
        if backend is None:
            return None
        return self._forecast(self.corpus, tuple(history), self.mode, backend, config.max_tokens)

    # -- citations -------------------------------------------------------------------------------

    def source(self, id: int) -> NumberedPage | None:
        """The page that is cited by that number, also in a removed document."""
        return self._citations.source(id)

    def cited(self, id: int, words: str) -> Citation:
        """Whether the quoted words stand on the page with that number, see `CitationFinder`."""
        return self._citations.cited(id, words)

    # -- the turn --------------------------------------------------------------------------------

    def context(
        self, question: Question, cancel: threading.Event, narrow: bool
    ) -> Generator[ModelEvent, None, DocumentContext | None]:
        """See `DocumentSource`: waits until all files are read, and asks for missing passwords."""
        yield from self._wait(cancel)
        if cancel.is_set():
            yield AnswerFinished("cancelled", Usage())
            return None
        return (yield from prepare(self.corpus, question, self.mode, cancel, narrow))

    def too_long(self, backend: Backend, error: BackendError) -> None:
        """Records the window that the model names in its rejection, if it names one."""
        if isinstance(error, ContextExceeded):
            learn(backend, error)

    def close(self) -> None:
        """Stops all reading and removes all documents."""
        self.store.close()

    def _wait(self, cancel: threading.Event) -> Iterator[Notice]:
        """Waits until no file is being read and no further password is entered."""
        yield from self._read_all(cancel)
        without: set[str] = set()
        for _ in range(_MAX_PASSWORD_TRIES):
            if cancel.is_set() or not self._unlocked(without):
                return
            yield from self._read_all(cancel)

    def _read_all(self, cancel: threading.Event) -> Iterator[Notice]:
        """Waits until no file is being read; yields the progress."""
        shown = ""
        while (text := progress(self.store.entries())) and not cancel.is_set():
            if text != shown:
                yield Notice(text)
                shown = text
            self.store.wait(_POLL_INTERVAL_S)
        if shown:
            yield Notice("")

    def _unlocked(self, without: set[str]) -> bool:
        """Asks for the passwords of locked files; returns whether one was entered. Files without
        a password are added to `without` and not asked for again."""
        found = False
        for entry in self.store.entries():
            name = entry.document.name
            if self.password is None or entry.state != "locked" or name in without:
                continue
            if password := self.password(name, entry.error == WRONG):
                self.unlock(name, password)
                found = True
            else:
                without.add(name)
        return found

    # -- the pages -------------------------------------------------------------------------------

    @property
    def _all_read(self) -> Corpus:
        self._refresh()
        return self._everything

    def _refresh(self) -> None:
        """Renews both corpora after documents were read, selected or removed."""
        entries = [each for each in self.store.entries() if each.reading is not None]
        state = tuple((each.first, each.selected, each.reading) for each in entries)
        with self._lock:
            if state == self._state:
                return
            for entry in entries:
                pages = selected_pages([replace(entry, selected=None)])
                if self._numbered.get(entry.first) != pages:
                    self._numbered[entry.first] = pages
            by_first = {entry.first: entry for entry in entries}
            kept = [page for first in sorted(self._numbered) for page in self._numbered[first]]
            selected = [
                page
                for page in kept
                if page.first in by_first and _takes_part(page, by_first[page.first])
            ]
            self._selected = self._selected.renewed(selected)
            # Equal corpora share one index.
            self._everything = (
                self._selected if len(kept) == len(selected) else self._everything.renewed(kept)
            )
            self._state = state


def document_loader(settings: Settings) -> DocumentLoader:
    """The loader of all conversations' documents, with the limits of the settings."""
    limits = Limits(
        size=settings.document_mb * MEGABYTE,
        memory=settings.document_memory_mb * MEGABYTE,
        seconds=settings.document_seconds,
    )
    return DocumentLoader(limits, Options(max_pages=settings.document_pages))


def _render(first: int, owner: Hashable, *arguments: Any) -> bytes:
    """An image of a page. `first` is part of the cache key only: it tells a document from an
    earlier one at the same path."""
    return render(*arguments, owner=owner)


def _takes_part(page: NumberedPage, entry: Entry) -> bool:
    number = page.page.number
    return entry.selected is None or any(a <= number <= b for a, b in entry.selected)
