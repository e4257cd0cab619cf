"""The requests of one session's answers, as they were sent; bounded, in memory alone.

Noting one is a few references, so that a turn costs the same whether anybody looks or not. The
oldest give way; nothing is stored, so all is gone after a restart.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from backends.messages import Message, Usage
from backends.sent_request import Hear, SentRequest

MAX_REQUESTS = 64
"""Requests that are kept of a session."""
MAX_CHARS = 4_000_000
"""Characters of all requests and raw answers that are kept of a session; the newest request stays
in any case. Most of them are the conversation's own texts, kept once."""
MAX_RAW_CHARS = 200_000
"""Characters that are kept of one raw answer, from its beginning."""


@dataclass(frozen=True)
class Inspected:
    """A request and what came of it so far.

    Attributes:
        request: what was sent.
        message: the id of the answer that it was sent for; empty while that is being written.
        sent_at: when it was sent, in seconds since the epoch.
        raw: the raw answer, or its beginning.
        raw_left_out: characters of the raw answer that were not kept.
        first: seconds from the request to the first piece of the answer, None before that.
        seconds: seconds from the request to the end of its answer, None before that.
        usage: the answer's token counts and times, without counts where several requests were
            sent for it; None for all but the last of these.
    """

    request: SentRequest
    message: str
    sent_at: float
    raw: str
    raw_left_out: int
    first: float | None
    seconds: float | None
    usage: Usage | None


@dataclass
class _Entry:
    request: SentRequest
    size: int
    began: float = field(default_factory=time.monotonic)
    sent_at: float = field(default_factory=time.time)
    pieces: list[str] = field(default_factory=list)
    kept: int = 0
    heard: int = 0
    first: float | None = None
    latest: float | None = None
    message: str = ""
    usage: Usage | None = None

    def hear(self, text: str) -> None:
        if not text:
            return
        self.latest = time.monotonic() - self.began
        if self.first is None:
            self.first = self.latest
        self.heard += len(text)
        if self.kept < MAX_RAW_CHARS:
            text = text[: MAX_RAW_CHARS - self.kept]
            self.kept += len(text)
            self.pieces.append(text)

    def inspected(self) -> Inspected:
        return Inspected(
            self.request,
            self.message,
            self.sent_at,
            self.request.strike("".join(tuple(self.pieces))),
            self.heard - self.kept,
            self.first,
            self.latest if self.message else None,
            self.usage,
        )


class RequestLog:
    """The requests of one session. Thread-safe; one turn at a time is noted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[_Entry] = deque()
        self._chars = 0

    def observe(self, request: SentRequest) -> Hear:
        """An `Observer` for the running turn."""
        entry = _Entry(request, _size(request))
        with self._lock:
            self._entries.append(entry)
            self._chars += entry.size
            while len(self._entries) > 1 and (
                len(self._entries) > MAX_REQUESTS or self._chars > MAX_CHARS
            ):
                gone = self._entries.popleft()
                self._chars -= gone.size
        return entry.hear

    def finished(self, message: Message) -> None:
        """An answer is complete: the requests since the one before were sent for it."""
        with self._lock:
            entries = [entry for entry in self._entries if not entry.message]
            for entry in entries:
                entry.message = message.id
                entry.size += entry.kept
                self._chars += entry.kept
            if len(entries) == 1:
                entries[0].usage = message.usage
            elif entries and message.usage is not None:
                # The counts are those of all these requests together.
                usage = message.usage
                entries[-1].usage = Usage(first_token=usage.first_token, seconds=usage.seconds)

    def of(self, messages: Collection[str]) -> tuple[Inspected, ...]:
        """The requests of answers by their ids, the oldest first; those that were kept."""
        with self._lock:
            found = [entry for entry in self._entries if entry.message in messages]
        return tuple(entry.inspected() for entry in found)

    def clear(self) -> None:
        """Forgets all requests."""
        with self._lock:
            self._entries.clear()
            self._chars = 0


def _size(request: SentRequest) -> int:
    """Characters of a request: its texts, and about as many again as they were rendered."""
    return 2 * sum(
        len(message.text) + (len(message.result.text) if message.result is not None else 0)
        for message in request.messages
    )
