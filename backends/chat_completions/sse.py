"""Server-sent events from bytes: pure. Laxer than the standard, as model servers are."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 16 * 2**20
"""Bytes that are kept while they make no event: more are no answer of any model."""


class Overflow(Exception):
    """The server sends on and on, and nothing that could be read."""


class EventStream:
    """The data of each event, cut from bytes that are cut anywhere.

    Every `data:` line counts as an event: some servers leave out the empty line between two.
    Lines end only where the standard says so, for JSON may hold U+2028 and the like as they are.
    Bytes that are no text, as a broken proxy or a fault in transit leaves them, don't take along
    the event that follows them in the same line; `rubbish` counts them.
    """

    def __init__(self) -> None:
        self.seen = False
        """Whether there was an event at all. Until then `unread` keeps what came."""
        self.unread = bytearray()
        self.rubbish = 0
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
            data.removeprefix(b"data:").strip().decode("utf-8", "replace")
            for data in map(self._data, lines)
            if data
        ]
        if events:
            self.seen, self.unread = True, bytearray()
        return [event for event in events if event]

    def _data(self, line: bytearray) -> bytearray:
        """The line from its `data:` on; empty where it has none."""
        if line.startswith(b"data:"):
            return line
        if line.startswith(_OTHER_LINES):
            return bytearray()
        begin = _DATA_WITHIN.search(line)
        if begin is None:
            self.rubbish += 0 if _is_text(line) else len(line)
            return bytearray()
        self.rubbish += begin.start()
        return line[begin.start() :]


_OTHER_LINES = (b":", b"event:", b"id:", b"retry:")
_DATA_WITHIN = re.compile(rb"data: ?(?=\{|\[DONE\])")
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def _is_text(line: bytearray) -> bool:
    """Whether it may be a field that nobody knows: the standard has these passed over."""
    try:
        line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(line) is None
