"""Text of any length in bounded memory: what was printed, what was displayed, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.python.output.mime_bundle import Picture, Rich
from tools.python.output.plain_text import overwritten, plain


@dataclass(frozen=True)
class Gap:
    """Characters that are known to be missing at this place."""

    characters: int


Piece = str | Picture | Rich | Gap


def compose(pieces: Sequence[str | Gap], limit: int) -> str:
    """The pieces as one text, cut in the middle to `limit` characters, with a word on how much."""
    total = sum(piece.characters if isinstance(piece, Gap) else len(piece) for piece in pieces)
    gaps = [index for index, piece in enumerate(pieces) if isinstance(piece, Gap)]
    before = _joined(pieces[: gaps[0]] if gaps else pieces)
    if not gaps and total <= limit:
        return before
    after = _joined(pieces[gaps[-1] + 1 :]) if gaps else before[limit // 2 :]
    head = before[: max(limit // 2, limit - len(after))]
    room = limit - len(head)
    tail = after[-room:] if room else ""
    missing = total - len(head) - len(tail)
    start = "" if not head or head.endswith("\n") else "\n"
    return f"{head}{start}[… {missing:,} characters left out …]\n{tail}"


def _joined(pieces: Sequence[str | Gap]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


class Clip:
    """Text of any length, of which the first and the last `limit` characters are kept."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.head = self.tail = ""

    def write(self, text: str) -> None:
        self.size += len(text)
        room = self.limit - len(self.head)
        if room:
            self.head += text[:room]
        if len(text) > room:
            self.tail = (self.tail + text[max(room, len(text) - self.limit) :])[-self.limit :]

    def pieces(self) -> list[Piece]:
        missing = self.size - len(self.head) - len(self.tail)
        return [self.head, *([Gap(missing)] if missing else ()), self.tail]


class Stream:
    """Printed text; the line that is not yet ended may still be overwritten, as by a progress
    bar."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done = Clip(limit)
        self.line = ""

    def write(self, text: str) -> None:
        ended, newline, self.line = (self.line + text).rpartition("\n")
        self.done.write(plain(ended + newline))
        self.line = overwritten(self.line)
        if len(self.line) > self.limit:
            self.done.write(plain(self.line))
            self.line = ""

    def pieces(self) -> list[Piece]:
        return [*self.done.pieces(), plain(self.line)]

    def size(self) -> int:
        return self.done.size + len(self.line)


class Display:
    """A result, a displayed object, an error."""

    def __init__(self, content: list[Piece], name: object = None) -> None:
        self.content, self.name = content, name

    def pieces(self) -> list[Piece]:
        return self.content

    def size(self) -> int:
        return sum(
            len(piece) if isinstance(piece, str) else getattr(piece, "characters", 0)
            for piece in self.content
        )


Item = Stream | Display
