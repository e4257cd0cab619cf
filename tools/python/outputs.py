"""Jupyter messages of one execution -> text and pictures, in the order in which they came.

Pure: no kernel, no file. Memory stays bounded whatever arrives.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.python.plain import html_text, overwritten, plain
from tools.python.startup import LEFT_OUT

ITEMS = 500  # outputs of one call that are kept from its beginning, and as many from its end
PICTURE_BYTES = 64 * 1024 * 1024  # of all pictures of one call together
ERROR_LINE = 300  # characters

_OBJECT = re.compile(r"<[\w.]+ object>|<[\w.]+(?: object)? at 0x[0-9a-f]+>")


@dataclass(frozen=True)
class Picture:
    """A displayed image, not yet looked at."""

    data: bytes


@dataclass(frozen=True)
class Gap:
    """Characters that are known to be missing at this place."""

    characters: int


Piece = str | Picture | Gap


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


class Outputs:
    """Hears the messages of one execution.

    `limit`: characters that will be shown; up to twice as many are kept. `pictures`: how many
    are kept. `hidden`: folders of the host that are taken out of errors and warnings.
    """

    def __init__(self, limit: int, pictures: int, hidden: Sequence[str] = ()) -> None:
        self._limit, self._pictures = limit, pictures
        self._hidden = tuple(sorted((f"{path}/" for path in hidden), key=len, reverse=True))
        self._head: list[_Item] = []
        self._tail: deque[_Item] = deque()
        self._between = 0
        self._clear = False
        self.error: str | None = None
        self.last_line = ""

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take in one message; what is of no use or of the wrong shape is passed over."""
        content = message["content"]
        kind = message["msg_type"]
        if kind == "stream" and isinstance(content.get("text"), str):
            self._hear_stream(content["text"], content.get("name") == "stderr")
        elif kind in ("display_data", "execute_result", "update_display_data"):
            if isinstance(content.get("data"), dict):
                self._hear_display(kind, content)
        elif kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._make_room()
        elif kind == "error":
            self._hear_error(content)
        elif kind == "execute_reply":
            payloads = content.get("payload")  # what `name?` has to say
            for payload in payloads if isinstance(payloads, list) else ():
                if isinstance(payload, dict) and isinstance(payload.get("data"), dict):
                    self._add(_Display(self._pieces_of(payload["data"])))

    def pieces(self) -> list[Piece]:
        """What was put out, every part on lines of its own."""
        pieces: list[Piece] = []
        fresh = True
        for item in self._items():
            for piece in item.pieces():
                if isinstance(piece, str):
                    if not piece:
                        continue
                    pieces.append(piece if fresh or isinstance(item, _Stream) else "\n" + piece)
                    fresh = piece.endswith("\n")
                else:
                    if isinstance(piece, Picture) and not fresh:
                        pieces.append("\n")
                    fresh = True
                    pieces.append(piece)
        return pieces

    def _items(self) -> Iterator[_Item]:
        yield from self._head
        if self._between:
            yield _Display([Gap(self._between)])
        yield from self._tail

    def _make_room(self) -> None:
        if self._clear:
            self._clear = False
            self._head.clear()
            self._tail.clear()
            self._between = 0

    def _add(self, item: _Item) -> None:
        self._make_room()
        if len(self._head) < ITEMS:
            self._head.append(item)
            return
        self._tail.append(item)
        if len(self._tail) > ITEMS:
            gone = self._tail.popleft()
            if any(isinstance(piece, Picture) for piece in gone.pieces()):
                self._head.append(gone)
            else:
                self._between += gone.size()

    def _hear_stream(self, text: str, is_error: bool) -> None:
        self._make_room()
        last = next(reversed(self._tail or self._head), None)
        if not isinstance(last, _Stream):
            last = _Stream(self._limit)
            self._add(last)
        last.write(self._hide(text) if is_error else text)
        lines = text[-1000:].rstrip().splitlines()
        if lines:
            self.last_line = plain(lines[-1]).strip()[:200]

    def _hear_display(self, kind: str, content: Mapping[str, Any]) -> None:
        transient = content.get("transient")
        name = transient.get("display_id") if isinstance(transient, dict) else None
        pieces = self._pieces_of(content["data"])
        if kind == "update_display_data":
            for item in (*self._head, *self._tail):
                if isinstance(item, _Display) and name is not None and item.name == name:
                    item.content = pieces
        else:
            self._add(_Display(pieces, name))

    def _hear_error(self, content: Mapping[str, Any]) -> None:
        name, value = (str(content.get(key) or "") for key in ("ename", "evalue"))
        line = self._hide(plain(value)).strip().partition("\n")[0]
        self.error = (f"{name}: {line}" if line else name)[:ERROR_LINE]
        trace = content.get("traceback")
        text = "\n".join(str(part) for part in trace) if isinstance(trace, list) else self.error
        self._add(_Display(self._clipped(self._hide(plain(text)))))

    def _hide(self, text: str) -> str:
        for path in self._hidden:
            text = text.replace(path, "")
        return text

    def _clipped(self, text: str) -> list[Piece]:
        clip = _Clip(self._limit)
        clip.write(text if text.endswith("\n") else text + "\n")
        return clip.pieces()

    def _pieces_of(self, data: Mapping[str, Any]) -> list[Piece]:
        for mime in ("image/png", "image/jpeg"):
            picture = _decoded(data.get(mime))
            if picture is not None:
                kept = [
                    p for item in self._items() for p in item.pieces() if isinstance(p, Picture)
                ]
                size = sum(len(p.data) for p in kept) + len(picture)
                if len(kept) < self._pictures and size <= PICTURE_BYTES:
                    return [Picture(picture)]
                return ["[a figure was left out: there are too many]\n"]
        text = _text_of(data)
        missing = data.get(LEFT_OUT)
        if not isinstance(missing, int):
            return self._clipped(plain(text)) if text else []
        half = len(text) // 2
        ends = _Clip(self._limit)
        ends.write(plain(text[:half]))
        first = ends.pieces()
        return [*first, Gap(missing), *(self._clipped(plain(text[half:])) if text else ())]


class _Clip:
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


class _Stream:
    """Printed text; the line that is not yet ended may still be overwritten, as by a progress
    bar."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done = _Clip(limit)
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


class _Display:
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


_Item = _Stream | _Display


def _decoded(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value) or None
    except (binascii.Error, ValueError):
        return None


def _text_of(data: Mapping[str, Any]) -> str:
    """The plain text, or what says more where that is only an object's address."""
    text = data.get("text/plain")
    if isinstance(text, str) and not _OBJECT.fullmatch(text):
        return text
    for mime in ("text/markdown", "text/latex"):
        if isinstance(data.get(mime), str):
            return str(data[mime])
    if isinstance(data.get("text/html"), str):
        return html_text(data["text/html"])
    return text if isinstance(text, str) else ""
