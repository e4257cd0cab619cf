"""One conversation's documents: read in the background, put before the model with each question,
and found again when an answer cites them."""

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
from tools.documents.page_images import WIDTH, Marks, areas, render
from tools.documents.worker.reading import MEGABYTE, Limits

READING_MODES: tuple[ReadingMode, ...] = get_args(ReadingMode)
PROSE = tuple(
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
_POLL_INTERVAL_S = 0.1  # seconds between two looks at files that are being read
_MAX_PASSWORD_TRIES = 3  # times that one turn asks for the password of a file

Ask = Callable[[str, bool], str | None]
"""Asks for the password of a file: its name, and whether the last one was wrong. None: without."""


class SessionDocuments:
    """The documents on a desk, for one conversation. `way` is the user's choice of how they are
    read. With `ahead` they stand in each request; else they wait for a tool that reads in them.
    `password`, where it is set, is asked by the thread of a turn for what turns out to be locked.
    """

    def __init__(self, store: DocumentStore, ahead: bool = True) -> None:
        self.store = store
        self.mode: ReadingMode = "auto"
        self.ahead = ahead
        self.password: Ask | None = None
        self._lock = threading.Lock()
        self._passwords: dict[str, str] = {}
        self._numbered: dict[int, tuple[NumberedPage, ...]] = {}
        self._seen: tuple[object, ...] = ()
        self._asked, self._all = Corpus(), Corpus()
        self._citations = CitationFinder(lambda: self._all_read)
        self._forecast: Callable[..., PromptForecast] = lru_cache(maxsize=4)(forecast)
        self._drawn = lru_cache(maxsize=16)(_drawn)
        self._length: Callable[..., Tokens] = lru_cache(maxsize=256)(self._length_of)

    def add(self, parts_given: Iterable[Part]) -> None:
        """Begins to read what came with a message; beside a tool, what is there to be read, and
        not the data that code works with."""
        for part in parts_given:
            if isinstance(part, Document) and (self.ahead or part.path.suffix.lower() in PROSE):
                self.store.add(part)

    def unlock(self, name: str, password: str) -> None:
        """Reads a locked document with this password."""
        self._passwords[name] = password
        self.store.unlock(name, password)

    def picture(self, entry: Entry, page: int) -> bytes | None:
        """A page as it looks, a PNG; None where it can't be drawn, or the format has none."""
        if entry.reading is None or entry.reading.kind not in PICTURED:
            return None
        return self._picture(entry, page, WIDTH, Marks())

    def _picture(self, entry: Entry, page: int, width: int, marks: Marks) -> bytes | None:
        password = self._passwords.get(entry.document.name)
        try:
            asked = (entry.document.path, page, width, password, *marks)
            return self._drawn(entry.first, self.store.owner, *asked)
        except DocumentError:
            return None

    def marked(self, id: int, spans: Sequence[Span], width: int = WIDTH) -> bytes | None:
        """The page that is cited under that number as it looks, `width` pixels wide, with these
        stretches of its text marked as far as they can be placed, a PNG; None where it can't be
        drawn."""
        page = self.source(id)
        entry = None if page is None else self._entry(page)
        if page is None or entry is None:
            return None
        marks = Marks(areas=areas(page.page, spans))
        if not page.page.ocr:
            marks = Marks(words=tuple(page.text[start:end] for start, end in spans))
        return self._picture(entry, page.page.number, width, marks)

    def pictured(self, page: NumberedPage) -> bool:
        """Whether there is a picture of that page: not where its document was removed, or the
        format has none."""
        return self._entry(page) is not None

    def _entry(self, page: NumberedPage) -> Entry | None:
        entries = self.store.entries() if page.pictured else ()
        return next((each for each in entries if each.reading and each.first == page.first), None)

    def remove(self, name: str) -> None:
        """Takes a document away; what was cited of it stays. Its file goes with it where no tool
        may work with it."""
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
        """The pages that take part."""
        self._look_again()
        return self._asked

    def tokens(self, entry: Entry, backend: Backend | None) -> Tokens | None:
        """The length of a document's selected pages, None while that can't be told."""
        if backend is None or entry.reading is None:
            return None
        return self._length(entry.first, entry.selected, backend)

    def _length_of(self, first: int, selected: object, backend: Backend) -> Tokens:
        mine = (page for page in self.corpus.pages if page.first == first)
        return TokenCounter(backend).text(whole(mine))

    def forecast(
        self, history: Sequence[Message], backend: Backend | None, config: GenerationConfig
    ) -> PromptForecast | None:
        """What a question would meet now; None while there is no model to ask."""
        if backend is None:
            return None
        return self._forecast(self.corpus, tuple(history), self.mode, backend, config.max_tokens)

    # -- citations -------------------------------------------------------------------------------

    def source(self, id: int) -> NumberedPage | None:
        """The page that is cited under that number; those of removed documents too."""
        return self._citations.source(id)

    def cited(self, id: int, words: str) -> Citation:
        """Whether the words stand there."""
        return self._citations.cited(id, words)

    # -- the turn --------------------------------------------------------------------------------

    def context(
        self, question: Question, cancel: threading.Event, narrow: bool
    ) -> Generator[ModelEvent, None, DocumentContext | None]:
        """See `DocumentSource`: waits until all files are read, and asks for passwords."""
        yield from self._wait(cancel)
        if cancel.is_set():
            yield AnswerFinished("cancelled", Usage())
            return None
        return (yield from prepare(self.corpus, question, self.mode, cancel, narrow))

    def too_long(self, backend: Backend, error: BackendError) -> None:
        """Keeps what the model says of its window."""
        if isinstance(error, ContextExceeded):
            learn(backend, error)

    def close(self) -> None:
        """Ends the reading."""
        self.store.close()

    def _wait(self, cancel: threading.Event) -> Iterator[Notice]:
        """Until no file is being read any more, and no password is given for one."""
        yield from self._read_all(cancel)
        without: set[str] = set()
        for _ in range(_MAX_PASSWORD_TRIES):
            if cancel.is_set() or not self._unlocked(without):
                return
            yield from self._read_all(cancel)

    def _read_all(self, cancel: threading.Event) -> Iterator[Notice]:
        """Until no file is being read any more; says how far they are."""
        shown = ""
        while (said := progress(self.store.entries())) and not cancel.is_set():
            if said != shown:
                yield Notice(said)
                shown = said
            self.store.wait(_POLL_INTERVAL_S)
        if shown:
            yield Notice("")

    def _unlocked(self, without: set[str]) -> bool:
        """Whether there was a password to try, for any locked file; those for which there is none
        join `without`, and are not asked for again."""
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
        self._look_again()
        return self._all

    def _look_again(self) -> None:
        """Takes up what was read, selected or removed since the last look."""
        entries = [each for each in self.store.entries() if each.reading is not None]
        seen = tuple((each.first, each.selected, each.reading) for each in entries)
        with self._lock:
            if seen == self._seen:
                return
            for entry in entries:
                pages = selected_pages([replace(entry, selected=None)])
                if self._numbered.get(entry.first) != pages:
                    self._numbered[entry.first] = pages
            there = {entry.first: entry for entry in entries}
            kept = [page for first in sorted(self._numbered) for page in self._numbered[first]]
            asked = [
                page
                for page in kept
                if page.first in there and _takes_part(page, there[page.first])
            ]
            self._asked = self._asked.renewed(asked)
            # One index serves both, as long as they are the same.
            self._all = self._asked if len(kept) == len(asked) else self._all.renewed(kept)
            self._seen = seen


def document_loader(settings: Settings) -> DocumentLoader:
    """Where all conversations' documents are read, within the limits that are set."""
    limits = Limits(
        size=settings.document_mb * MEGABYTE,
        memory=settings.document_memory_mb * MEGABYTE,
        seconds=settings.document_seconds,
    )
    return DocumentLoader(limits, Options(most_pages=settings.document_pages))


def _drawn(first: int, owner: Hashable, *asked: Any) -> bytes:
    """A page; `first` tells a document from one whose file lay in the same place."""
    return render(*asked, owner=owner)


def _takes_part(page: NumberedPage, entry: Entry) -> bool:
    number = page.page.number
    return entry.selected is None or any(a <= number <= b for a, b in entry.selected)
