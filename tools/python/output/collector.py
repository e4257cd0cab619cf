"""Collects the Jupyter messages of one execution as text and pictures, in order of arrival.

Pure: no kernel, no files. Its memory is bounded for any input.
"""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.python.kernels.startup.session import LEFT_OUT
from tools.python.output.mime_bundle import MimeBundle, Picture, shown_form

__all__ = ["MAX_ITEMS", "MimeBundle", "Omitted", "Outputs", "Picture", "Piece", "compose"]

MAX_ITEMS = 500  # outputs kept from the beginning of a call, and as many from its end
MAX_RICH_BYTES = 64 * 1024 * 1024  # of everything but text that one call displays
MAX_ERROR_CHARS = 300

_OBJECT = re.compile(r"<[\w.]+ object>|<[\w.]+(?: object)? at 0x[0-9a-f]+>")


class Outputs:
    """The outputs of one execution, collected from its messages.

    Arguments:
        limit: characters to be shown; up to twice as many are kept.
        pictures: pictures, tables, charts and sounds that are kept, together.
        hidden: folders of the host whose paths are removed from errors and warnings.
    """

    def __init__(self, limit: int, pictures: int, hidden: Sequence[str] = ()) -> None:
        self._limit, self._pictures = limit, pictures
        self._hidden = tuple(sorted((f"{path}/" for path in hidden), key=len, reverse=True))
        self._head: list[Item] = []
        self._tail: deque[Item] = deque()
        self._omitted_chars = 0
        self._clear = False
        self.error: str | None = None
        self.last_line = ""

    def handle(self, message: Mapping[str, Any]) -> None:
        """Add one message; malformed messages and those of other types are ignored."""
        content = message["content"]
        kind = message["msg_type"]
        if kind == "stream" and isinstance(content.get("text"), str):
            self._add_stream(content["text"], content.get("name") == "stderr")
        elif kind in ("display_data", "execute_result", "update_display_data"):
            if isinstance(content.get("data"), dict):
                self._add_display(kind, content)
        elif kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._apply_clear()
        elif kind == "error":
            self._add_error(content)
        elif kind == "execute_reply":
            payloads = content.get("payload")  # the documentation that `name?` prints
            for payload in payloads if isinstance(payloads, list) else ():
                if isinstance(payload, dict) and isinstance(payload.get("data"), dict):
                    self._add(Display(self._pieces_of(payload["data"])))

    def pieces(self) -> list[Piece]:
        """The outputs in order, each beginning on a line of its own."""
        pieces: list[Piece] = []
        fresh = True
        for item in self._items():
            for piece in item.pieces():
                if isinstance(piece, str):
                    if not piece:
                        continue
                    pieces.append(piece if fresh or isinstance(item, Stream) else "\n" + piece)
                    fresh = piece.endswith("\n")
                else:
                    if isinstance(piece, Picture | MimeBundle) and not fresh:
                        pieces.append("\n")
                    fresh = True
                    pieces.append(piece)
        return pieces

    @property
    def text(self) -> str:
        """The text of the outputs."""
        return "".join(piece for piece in self.pieces() if isinstance(piece, str))

    def _items(self) -> Iterator[Item]:
        yield from self._head
        if self._omitted_chars:
            yield Display([Omitted(self._omitted_chars)])
        yield from self._tail

    def _apply_clear(self) -> None:
        if self._clear:
            self._clear = False
            self._head.clear()
            self._tail.clear()
            self._omitted_chars = 0

    def _add(self, item: Item) -> None:
        self._apply_clear()
        if len(self._head) < MAX_ITEMS:
            self._head.append(item)
            return
        self._tail.append(item)
        if len(self._tail) > MAX_ITEMS:
            gone = self._tail.popleft()
            if any(isinstance(piece, Picture | MimeBundle) for piece in gone.pieces()):
                self._head.append(gone)
            else:
                self._omitted_chars += gone.size()

    def _add_stream(self, text: str, is_error: bool) -> None:
        self._apply_clear()
        last = next(reversed(self._tail or self._head), None)
        if not isinstance(last, Stream):
            last = Stream(self._limit)
            self._add(last)
        last.write(self._hide(text) if is_error else text)
        lines = text[-1000:].rstrip().splitlines()
        if lines:
            self.last_line = plain(lines[-1]).strip()[:200]

    def _add_display(self, kind: str, content: Mapping[str, Any]) -> None:
        transient = content.get("transient")
        name = transient.get("display_id") if isinstance(transient, dict) else None
        pieces = self._pieces_of(content["data"], content.get("metadata"))
        if kind == "update_display_data":
            for item in (*self._head, *self._tail):
                if isinstance(item, Display) and name is not None and item.name == name:
                    item.content = pieces
        else:
            self._add(Display(pieces, name))

    def _add_error(self, content: Mapping[str, Any]) -> None:
        name, value = (str(content.get(key) or "") for key in ("ename", "evalue"))
        line = self._hide(plain(value)).strip().partition("\n")[0]
        self.error = (f"{name}: {line}" if line else name)[:MAX_ERROR_CHARS]
        trace = content.get("traceback")
        text = "\n".join(str(part) for part in trace) if isinstance(trace, list) else self.error
        self._add(Display(self._clipped(self._hide(plain(text)))))

    def _hide(self, text: str) -> str:
        for path in self._hidden:
            text = text.replace(path, "")
        return text

    def _clipped(self, text: str) -> list[Piece]:
        clip = BoundedText(self._limit)
        clip.write(text if text.endswith("\n") else text + "\n")
        return clip.pieces()

    def _pieces_of(self, data: Mapping[str, Any], metadata: object = None) -> list[Piece]:
        form = shown_form(data, metadata)
        if form is None:
            return self._text_pieces(data)
        beside = isinstance(form, MimeBundle) and form.includes_text
        pieces = self._text_pieces(data) if beside else []
        if self._has_room(form):
            return [form, *pieces]
        if not beside:
            kind = "figure" if isinstance(form, Picture) else form.kind
            pieces.append(f"[a {kind} was left out: there are too many]\n")
        return pieces

    def _has_room(self, form: Picture | MimeBundle) -> bool:
        kept = [
            piece
            for item in self._items()
            for piece in item.pieces()
            if isinstance(piece, Picture | MimeBundle)
        ]
        size = sum(len(piece.data) for piece in kept) + len(form.data)
        return len(kept) < self._pictures and size <= MAX_RICH_BYTES

    def _text_pieces(self, data: Mapping[str, Any]) -> list[Piece]:
        text = _text_of(data)
        missing = data.get(LEFT_OUT)
        if not isinstance(missing, int):
            return self._clipped(plain(text)) if text else []
        half = len(text) // 2
        ends = BoundedText(self._limit)
        ends.write(plain(text[:half]))
        first = ends.pieces()
        return [*first, Omitted(missing), *(self._clipped(plain(text[half:])) if text else ())]


def _text_of(data: Mapping[str, Any]) -> str:
    """The plain text, or Markdown, LaTeX or HTML where that is only an object's address."""
    text = data.get("text/plain")
    if isinstance(text, str) and not _OBJECT.fullmatch(text):
        return text
    for mime in ("text/markdown", "text/latex"):
        if isinstance(data.get(mime), str):
            return str(data[mime])
    if isinstance(data.get("text/html"), str):
        return html_text(data["text/html"])
    return text if isinstance(text, str) else ""


# -- text of any length in bounded memory ----------------------------------------------------------


@dataclass(frozen=True)
class Omitted:
    """The number of characters that were left out at this place."""

    characters: int


Piece = str | Picture | MimeBundle | Omitted


def compose(pieces: Sequence[str | Omitted], limit: int) -> str:
    """The pieces as one text, cut in the middle to `limit` characters, with a note on the cut."""
    total = sum(piece.characters if isinstance(piece, Omitted) else len(piece) for piece in pieces)
    gaps = [index for index, piece in enumerate(pieces) if isinstance(piece, Omitted)]
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


def _joined(pieces: Sequence[str | Omitted]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


class BoundedText:
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
        return [self.head, *([Omitted(missing)] if missing else ()), self.tail]


class Stream:
    """Printed text. An unfinished last line can still be overwritten, as by a progress bar."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done = BoundedText(limit)
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


# -- text meant for a terminal or a browser, as plain text -----------------------------------------

# Escape sequences of terminals (ECMA-48): CSI, OSC, and the two-character ones.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^_`-~])")
_CONTROL = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def plain(text: str) -> str:
    """Text as a terminal would show it, without colours and control characters."""
    text = _ANSI.sub("", text)
    return overwritten(text).replace("\r", "").translate(_CONTROL)


def overwritten(text: str) -> str:
    """Every line from its last carriage return on; a return at the end of the text is kept."""
    if "\r" not in text:
        return text
    lines = (line.rstrip("\r") for line in text.split("\n"))
    end = "\r" if text.endswith("\r") else ""
    return "\n".join(line[line.rfind("\r") + 1 :] for line in lines) + end


def html_text(markup: str) -> str:
    """HTML as text: one line for each table row, with tabs between its cells.

    Takes linear time for any input, which tree parsers do not.
    """
    parts: list[str] = []
    silent = ""
    for index, part in enumerate(_TAG.split(markup)):
        name = (part or "").lower()
        if index % 2 == 0:
            if not silent:
                parts.append(_SPACES.sub(" ", html.unescape(part)))
        elif silent:
            silent = "" if name == f"/{silent}" else silent
        elif name in ("script", "style"):
            silent = name
        elif name in ("td", "th"):
            parts.append("\t")
        elif name in _BREAKS:
            parts.append("\n")
    lines = map(_cells, "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line.strip())


def _cells(line: str) -> str:
    cells = line.lstrip(" ").removeprefix("\t").split("\t")
    return "\t".join(" ".join(cell.split()) for cell in cells).rstrip()


_SPACES = re.compile(r"\s+")
# A comment, or a tag with its name; either ends before the next one begins.
_TAG = re.compile(r"<(?:!--[^<>]*+|(/?[a-zA-Z][\w-]*+)[^<>]*+)>")
_BREAKS = frozenset(("br", "p", "div", "tr", "li", "table", "h1", "h2", "h3"))
