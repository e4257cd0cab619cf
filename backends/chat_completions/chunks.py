"""A streamed chat completion: bytes to server-sent events, and their chunks to model events. Pure.

Covers what servers really send: calls in pieces, several at once, with indexes out of order, all
equal or missing; ids missing; names in pieces or repeated; arguments as an object; surrogate pairs
split over two chunks. A completion that is not streamed is one large chunk.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from backends.chat_completions.request import whole_text
from backends.events import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from backends.messages import Finish, Usage
from tools.base import ToolCall


class TextParser(Protocol):
    """Parses what is marked in an answer's text, for servers that don't: see `backends.glm4.Parser`
    and `LeftMarks`."""

    def feed(self, text: str) -> Sequence[ModelEvent]: ...

    def finish(self, complete: bool = True) -> Sequence[ModelEvent]: ...


class ChunkReader:
    """Reads the chunks of one answer.

    `names` maps the names of the offered tools in the request to the app's own. Calls are held
    back until `finish`, which returns them only for an answer that ended properly: with a finish
    reason, or with the stream's end mark (`end`).
    """

    def __init__(
        self, names: Mapping[str, str] | None = None, parser: TextParser | None = None
    ) -> None:
        self.pieces = 0
        """Pieces of text, reasoning and input so far: about one a token on most servers."""
        self._names = dict(names or {})
        self._parser = parser
        self._text, self._reasoning = _SurrogateJoiner(), _SurrogateJoiner()
        self._calls: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._parsed_calls: list[ToolCallReady] = []
        self._reason: str | None = None
        self._end_mark = False
        self._tokens: dict[str, int] = {}

    @property
    def ended(self) -> bool:
        """Whether the answer ended properly."""
        return self._end_mark or self._reason is not None

    @property
    def fault(self) -> str | None:
        """Why the server ended the answer early, a sentence for the user; None for a normal end."""
        match self._reason:
            case "content_filter" | "sensitive":
                return "The server's content filter stopped the answer. Retry, or ask differently."
            case "error" | "abort" | "network_error":
                return "The server gave up and the answer broke off. Retry to ask again."
        return None

    @property
    def finish_reason(self) -> Finish:
        """How an answer ended that ended properly."""
        return "length" if self._reason in ("length", "max_tokens", "model_length") else "stop"

    @property
    def usage(self) -> Usage:
        """The server's token counts; without them `pieces` is the number of completion tokens."""
        return Usage(
            prompt_tokens=self._tokens.get("prompt", 0),
            cached_tokens=self._tokens.get("cached", 0),
            completion_tokens=self._tokens.get("completion", self.pieces),
        )

    def end(self) -> None:
        """Notes the arrival of the stream's end mark (`[DONE]`)."""
        self._end_mark = True

    def feed(self, chunk: Mapping[str, Any]) -> list[ModelEvent]:
        """The events of one chunk. Parts of an unknown form are ignored."""
        self._count(chunk)
        events: list[ModelEvent] = []
        for choice in _mappings(chunk.get("choices")):
            if choice.get("index") not in (0, None):
                continue
            for key in ("delta", "message"):
                if isinstance(delta := choice.get(key), Mapping):
                    events.extend(self._read_delta(delta))
            if isinstance(reason := choice.get("finish_reason"), str) and reason:
                self._reason = reason
        return events

    def finish(self, complete: bool = True) -> list[ModelEvent]:
        """The text that was held back, then the calls. `complete` is False for a stopped answer.

        Of an answer that ended at its length limit only calls whose arguments are a complete
        JSON object count.
        """
        complete = complete and self.ended and self.fault is None
        cut = self.finish_reason == "length"
        events: list[ModelEvent] = []
        if text := self._reasoning.rest():
            events.append(ReasoningDelta(text))
        events.extend(self._text_events(self._text.rest()))
        if self._parser is not None:
            events.extend(self._without_calls(self._parser.finish(complete and not cut)))
        if complete:
            calls = [call for _, call in sorted(self._calls.items())]
            events.extend(ToolCallReady(c.ready()) for c in calls if not cut or c.whole)
            events.extend(self._parsed_calls)
        self._calls, self._parsed_calls = {}, []
        return events

    def _read_delta(self, delta: Mapping[str, Any]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        content, thought = delta.get("content"), ""
        if isinstance(content, list):
            content, thought = _typed_parts(content)
        for key in ("reasoning_content", "reasoning"):  # some servers send both, equal
            if not thought and isinstance(value := delta.get(key), str):
                thought = value
        if thought:
            self.pieces += 1
            if text := self._reasoning.join(thought):
                events.append(ReasoningDelta(text))
        if isinstance(content, str) and content:
            self.pieces += 1
            events.extend(self._text_events(self._text.join(content)))
        parts = _mappings(delta.get("tool_calls"))
        if isinstance(legacy := delta.get("function_call"), Mapping):
            parts.append({"index": 0, "function": legacy})
        for position, part in enumerate(parts):
            index = part.get("index", position if len(parts) > 1 else None)
            call = self._call(part, index if isinstance(index, int) else None)
            events.extend(self._extend_call(call, part))
        return events

    def _text_events(self, text: str) -> list[ModelEvent]:
        if not text:
            return []
        if self._parser is None:
            return [TextDelta(text)]
        return self._without_calls(self._parser.feed(text))

    def _without_calls(self, events: Sequence[ModelEvent]) -> list[ModelEvent]:
        others: list[ModelEvent] = []
        for event in events:
            if isinstance(event, ToolCallReady):
                name = self._names.get(event.call.name, event.call.name)
                self._parsed_calls.append(ToolCallReady(replace(event.call, name=name)))
            else:
                others.append(event)
        return others

    def _call(self, part: Mapping[str, Any], index: int | None) -> _Call:
        """The call that a piece belongs to. Some servers give all calls the same index."""
        identity = part.get("id")
        counted = [call for call in self._calls.values() if index in (None, call.index)]
        for call in counted:
            if identity and call.id == identity:
                return call
        last = self._last if index is None else counted[-1] if counted else None
        if last and not last.replaced_by(identity, _name(part), _arguments(part)):
            return last
        following = max(self._calls, default=-1) + 1
        slot = following if index is None or index in self._calls else index
        self._calls[slot] = call = _Call(slot, slot if index is None else index)
        return call

    def _extend_call(self, call: _Call, part: Mapping[str, Any]) -> list[ModelEvent]:
        self._last = call
        identity = part.get("id")
        if not call.id and isinstance(identity, str):
            # Two calls of one answer with the same id: their results would be confused.
            shared = any(other.id == identity for other in self._calls.values())
            call.id = "" if shared else identity
        if name := _name(part):
            call.server_name = _joined_name(call.server_name, name, self._names)
            call.name = self._names.get(call.server_name, call.server_name)
        arguments = _arguments(part)
        self.pieces += bool(arguments or name)
        call.pending += call.input.join(arguments)
        begins = call.server_name in self._names and not call.shown
        if begins or (call.name and call.pending):
            text, call.pending, call.shown = call.pending, "", True
            return [ToolCallDelta(call.slot, call.name, text)]
        return []

    def _count(self, chunk: Mapping[str, Any]) -> None:
        usage, timings = chunk.get("usage"), chunk.get("timings")
        if isinstance(timings, Mapping):  # llama.cpp
            read, cached = _number(timings, "prompt_n"), _number(timings, "cache_n")
            self._tokens |= {"prompt": read + cached, "cached": cached}
            self._tokens["completion"] = _number(timings, "predicted_n")
        if isinstance(usage, Mapping):
            details = usage.get("prompt_tokens_details")
            cached = _number(details, "cached_tokens") or _number(usage, "prompt_cache_hit_tokens")
            self._tokens["prompt"] = _number(usage, "prompt_tokens")
            self._tokens["completion"] = _number(usage, "completion_tokens")
            self._tokens["cached"] = cached or self._tokens.get("cached", 0)


class _SurrogateJoiner:
    """Joins surrogate pairs (characters beyond U+FFFF) that are split over two pieces."""

    def __init__(self) -> None:
        self.text = ""
        self._held = ""

    def join(self, piece: str) -> str:
        piece, self._held = self._held + piece, ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            piece, self._held = piece[:-1], piece[-1]
        piece = whole_text(piece)
        self.text += piece
        return piece

    def rest(self) -> str:
        piece, self._held = whole_text(self._held), ""
        self.text += piece
        return piece


class _Call:
    """A call while it streams. `index` is the server's number, `slot` a unique one."""

    def __init__(self, slot: int, index: int) -> None:
        self.slot, self.index = slot, index
        self.id, self.server_name, self.name = "", "", ""
        self.input = _SurrogateJoiner()
        self.pending, self.shown = "", False

    @property
    def whole(self) -> bool:
        """Whether the arguments so far are a complete JSON object."""
        try:
            return isinstance(json.loads(self.input.text), dict)
        except (ValueError, RecursionError):
            return False

    def replaced_by(self, identity: object, name: str, arguments: str) -> bool:
        """Whether a piece with this call's index begins another call.

        Only a piece with a name can. A new id alone does not: some servers send a new id with
        every piece.
        """
        if not name:
            return False
        if identity and self.id and identity != self.id:
            return True
        return identity != self.id and self.whole and bool(arguments)

    def ready(self) -> ToolCall:
        self.input.rest()
        return ToolCall(self.id or f"call_{uuid.uuid4().hex[:24]}", self.name, self.input.text)


def _joined_name(so_far: str, piece: str, offered: Mapping[str, str]) -> str:
    """The name after one more piece; servers send it in pieces, or whole with every piece."""
    if not so_far or so_far + piece in offered:
        return so_far + piece
    if piece in offered or so_far in offered:
        return piece if piece in offered else so_far
    if any(name.startswith(so_far + piece) for name in offered):
        return so_far + piece
    return piece if piece.startswith(so_far) else so_far + piece


def _name(part: Mapping[str, Any]) -> str:
    function = part.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else ""


def _arguments(part: Mapping[str, Any]) -> str:
    function = part.get("function")
    value = function.get("arguments") if isinstance(function, Mapping) else None
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _typed_parts(parts: Sequence[object]) -> tuple[str, str]:
    """Text and reasoning of a `content` that is a list of typed parts (Mistral)."""
    text = "".join(p["text"] for p in _mappings(parts) if isinstance(p.get("text"), str))
    thinking = [t for p in _mappings(parts) for t in _mappings(p.get("thinking"))]
    return text, "".join(t["text"] for t in thinking if isinstance(t.get("text"), str))


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def _number(value: object, key: str) -> int:
    number = value.get(key) if isinstance(value, Mapping) else None
    return number if isinstance(number, int) and number > 0 else 0


# -- server-sent events; model servers deviate from the standard -----------------------------------

MAX_LINE_BYTES: Final = 16 * 2**20
"""Bytes that are buffered without an event among them: no model's answer has longer lines."""


class Overflow(Exception):
    """The server sent more than `MAX_LINE_BYTES` without an event."""


class EventStream:
    """The data of each server-sent event, from bytes that are split anywhere.

    Every `data:` line is an event: some servers omit the empty line between two events. Only the
    standard's line breaks end a line, since JSON may contain U+2028 and the like unescaped. Bytes
    that are not text, as a broken proxy inserts them, don't spoil an event that follows them in
    the same line; `rubbish` is their number.
    """

    def __init__(self) -> None:
        self.seen = False
        """Whether there was an event at all. Until then `unread` has all bytes."""
        self.unread = bytearray()
        self.rubbish = 0
        self._line = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """The events that `data` completes. Raises `Overflow`."""
        if not self.seen:
            self.unread += data
        self._line += data
        if max(len(self._line), len(self.unread)) > MAX_LINE_BYTES:
            raise Overflow
        if b"\n" not in data and b"\r" not in data:
            return []
        *lines, self._line = self._line.replace(b"\r", b"\n").split(b"\n")
        return self._events(lines)

    def finish(self) -> list[str]:
        """The event of a last line without a line break."""
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
    """Whether the line may be an unknown field, which the standard ignores."""
    try:
        line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(line) is None
