"""Text that arrives in pieces, read up to the next marker, which may be incomplete."""

from __future__ import annotations

import re


class Markers:
    """Strings to search for: none is the beginning of another, none has a second `<` or `[`."""

    def __init__(self, *markers: str) -> None:
        self._all = markers
        self.longest = max(map(len, markers))
        self.pattern = re.compile("|".join(map(re.escape, markers)))

    def may_begin(self, text: str) -> bool:
        """Whether `text` is the beginning of a marker."""
        return any(marker.startswith(text) for marker in self._all)


class Reader:
    """A cursor over the text so far. The next `feed` drops the text that was read."""

    def __init__(self) -> None:
        self._text, self._position = "", 0
        self.final = False
        """Whether no more text follows, so that an incomplete marker is plain text."""

    def feed(self, text: str) -> None:
        self._text = self._text[self._position :] + text
        self._position = 0

    def empty(self) -> bool:
        return self._position == len(self._text)

    def peek(self, length: int) -> str:
        """The next `length` characters, fewer where fewer have arrived."""
        return self._text[self._position : self._position + length]

    def skip(self, length: int) -> None:
        self._position += length

    def back(self, length: int) -> None:
        """Moves back by `length` characters, at most to the last `feed`."""
        self._position -= length

    def unread(self, text: str) -> None:
        """Puts `text` before what is not read yet."""
        self._text, self._position = text + self._text[self._position :], 0

    def clear(self) -> None:
        self._position = len(self._text)

    def match(self, pattern: re.Pattern[str]) -> str:
        """Reads and returns the match of `pattern` at the cursor; empty without a match."""
        found = pattern.match(self._text, self._position)
        if found is None:
            return ""
        self._position = found.end()
        return found[0]

    def until(self, markers: Markers) -> tuple[str, str]:
        """Reads the text before the next marker, and that marker, empty if none has arrived."""
        start = self._position
        found = markers.pattern.search(self._text, start)
        if found is not None:
            self._position = found.end()
            return self._text[start : found.start()], found[0]
        self._position = len(self._text)
        last = max(self._text.rfind("<", start), self._text.rfind("[", start))
        if last >= 0 and not self.final and markers.may_begin(self._text[last:]):
            self._position = last
        return self._text[start : self._position], ""

    def waits_for(self, markers: Markers) -> bool:
        """Whether an incomplete marker may begin at the cursor. Try `match` first."""
        return not self.final and markers.may_begin(self.peek(markers.longest))
