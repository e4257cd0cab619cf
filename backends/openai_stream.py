"""Server-sent events from bytes: pure. Laxer than the standard, as model servers are."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 16 * 2**20
"""Bytes that are kept while they make no event: more are no answer of any model."""


class Overflow(Exception):
    """The server sends on and on, and nothing that could be read."""


class EventStream:
    """The data of each event, cut from bytes that are cut anywhere.

    Every `data:` line counts as an event: some servers leave out the empty line between two.
    Lines end only where the standard says so, for JSON may hold U+2028 and the like as they are.
    """

    def __init__(self) -> None:
        self.seen = False
        """Whether there was an event at all. Until then `unread` keeps what came."""
        self.unread = bytearray()
        self._line = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """The events that end in `data`. Raises `Overflow`."""
        if not self.seen:
            self.unread += data
        self._line += data
        if max(len(self._line), len(self.unread)) > LONGEST:
            raise Overflow
        if b"\n" not in data and b"\r" not in data:
            return []
        *lines, self._line = self._line.replace(b"\r", b"\n").split(b"\n")
        return self._events(lines)

    def finish(self) -> list[str]:
        """The event of a last line that was not ended."""
        return self._events([self._line])

    def _events(self, lines: list[bytearray]) -> list[str]:
        events = [
            line.removeprefix(b"data:").strip().decode("utf-8", "replace")
            for line in lines
            if line.startswith(b"data:")
        ]
        if events:
            self.seen, self.unread = True, bytearray()
        return [event for event in events if event]
