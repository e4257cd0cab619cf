"""Text that arrives in pieces, read up to the next marker and never into half of one."""

from __future__ import annotations

import re


class Markers:
    """Strings to look for: none is the beginning of another, none holds a second `<` or `[`."""

    def __init__(self, *markers: str) -> None:
        self._all = markers
        self.longest = max(map(len, markers))
        self.pattern = re.compile("|".join(map(re.escape, markers)))

    def may_begin(self, text: str) -> bool:
        """Whether more text could make `text` one of them."""
        return any(marker.startswith(text) for marker in self._all)


class Reader:
    """A cursor over what came so far. What was read is let go with the next `feed`."""

    def __init__(self) -> None:
        self._text, self._at = "", 0
        self.final = False
        """No more text will come, so that half a marker is plain text."""

    def feed(self, text: str) -> None:
        self._text = self._text[self._at :] + text
        self._at = 0

    def empty(self) -> bool:
        return self._at == len(self._text)

    def peek(self, length: int) -> str:
        """The next characters, fewer where no more have come."""
        return self._text[self._at : self._at + length]

    def skip(self, length: int) -> None:
        self._at += length

    def back(self, length: int) -> None:
        """Unread what was read since the last `feed`."""
        self._at -= length

    def clear(self) -> None:
        self._at = len(self._text)

    def match(self, pattern: re.Pattern[str]) -> str:
        """What `pattern` finds right here, read; empty where it finds nothing."""
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def until(self, markers: Markers) -> tuple[str, str]:
        """The plain text before the next marker, and that marker, empty if it is yet to come."""
        start = self._at
        found = markers.pattern.search(self._text, start)
        if found is not None:
            self._at = found.end()
            return self._text[start : found.start()], found[0]
        self._at = len(self._text)
        last = max(self._text.rfind("<", start), self._text.rfind("[", start))
        if last >= 0 and not self.final and markers.may_begin(self._text[last:]):
            self._at = last
        return self._text[start : self._at], ""

    def waits_for(self, markers: Markers) -> bool:
        """Whether one may be beginning here that is yet to come. Try `match` first."""
        return not self.final and markers.may_begin(self.peek(markers.longest))
