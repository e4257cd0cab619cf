"""Marks that a server leaves in an answer's text: thinking, boxes, and calls that it did not read.

Servers turn a model's own marks into fields of the answer, if they were started with the right
parser. Where they were not, the marks come as text:

- `<think>…</think>` before the answer, or its end alone where the prompt has the beginning;
- `<|begin_of_box|>…<|end_of_box|>` around an answer of GLM-4.1V and GLM-4.5V;
- calls of offered tools: `<tool_call>` with the tags of GLM-4.5 or with a JSON object, GLM-4's name
  and JSON object as the whole answer, or such an object (with name and arguments) in a fence.

What only looks so stays text.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from backends.events import (
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallReady,
)
from backends.glm4.calls import CALL, CALL_END, TaggedCall, encode_arguments
from backends.glm4.scanner import Markers, Reader
from backends.glm4.tokens import BOX
from tools.base import ToolCall, ToolSpec
from tools.repair import repaired

THINK, THINK_END = "<think>", "</think>"
NOTE: Final = (
    "The server left this call in the answer's text. Start it with a parser for tool calls: "
    "vLLM with --enable-auto-tool-choice --tool-call-parser, SGLang with --tool-call-parser, "
    "llama-server with --jinja."
)
MAX_HELD_CHARS: Final = 50_000
"""Characters of a possible call that are held back; longer ones are text."""

_START: Final = Markers(THINK)
_IN_TEXT: Final = Markers(*BOX, THINK_END)
_IN_TEXT_WITH_TOOLS: Final = Markers(*BOX, THINK_END, CALL)
_IN_THOUGHT: Final = Markers(THINK_END)
_JSON_END: Final = Markers(CALL_END)
_BLANK: Final = re.compile(r"\s*")
_ALL: Final = re.compile(r".*", re.DOTALL)
_OPEN_FENCE: Final = re.compile(r"```(?:json|tool_call|tool_code)?[ \t]*\n?")
# How an object that describes a call begins, whole or as far as it has come.
_FIRST_KEYS: Final = ("name", "function", "arguments", "parameters", "type")
_NAMED: Final = re.compile(r'"name"\s*:\s*"([^"]*)"')


class LeftMarks:
    """Reads the text of one answer in pieces that are split anywhere. See `TextParser`."""

    def __init__(self, tools: Sequence[ToolSpec] = ()) -> None:
        self._tools = {spec.name: spec for spec in tools}
        self._marks = _IN_TEXT_WITH_TOOLS if tools else _IN_TEXT
        self._reader = Reader()
        self._events: list[ModelEvent] = []
        self._state: Callable[[], bool] = self._start
        self._held: list[str] = []
        self._blank = ""
        self._tagged = TaggedCall(self._may_be_name, self._tools.__contains__)
        self._thought = False  # thinking was told apart
        self._backticks, self._last = 0, ""
        self._complete = True
        self._calls = 0

    def feed(self, text: str) -> list[ModelEvent]:
        """The events that `text` completes."""
        self._reader.feed(text)
        return self._run()

    def finish(self, complete: bool = True) -> list[ModelEvent]:
        """The last events; `complete` says that the model ended the answer itself."""
        self._reader.feed("")
        self._reader.final, self._complete = True, complete
        return self._run()

    def _run(self) -> list[ModelEvent]:
        while self._state():
            pass
        events, self._events = self._events, []
        return events

    # Each state reads as far as it can, and returns whether the next one can read on.

    def _start(self) -> bool:
        self._blank += self._reader.match(_BLANK)
        if self._reader.match(_START.pattern):
            self._blank, self._thought, self._state = "", True, self._in_thought
            return True
        waits = self._reader.empty() or self._reader.waits_for(_START)
        return not waits and self._to_text()

    def _to_text(self) -> bool:
        """After what may stand before an answer."""
        if self._tools:
            self._held, self._state = [], self._whole_call
        else:
            self._emit(self._blank)
            self._state = self._text
        return True

    def _in_thought(self) -> bool:
        text, mark = self._reader.until(_IN_THOUGHT)
        if text:
            self._events.append(ReasoningDelta(text))
        if mark:
            self._blank, self._state = "", self._after_thought
        return mark != ""

    def _after_thought(self) -> bool:
        self._reader.match(_BLANK)
        return not self._reader.empty() and self._to_text()

    def _whole_call(self) -> bool:
        """At the beginning of an answer, held back while all of it may be one call."""
        self._held.append(self._reader.match(_ALL))
        held = "".join(self._held)
        if self._may_be_call(held):
            if not self._reader.final:
                return False
            if self._complete and self._take(_call_of(held, self._tools)):
                self._state = self._ended
                return False
        self._reader.unread(held)
        self._held = []
        self._emit(self._blank)
        self._state = self._text
        return True

    def _text(self) -> bool:
        text, mark = self._reader.until(self._marks)
        self._backticks += text.count("`")
        self._last = text[-1:] or self._last
        quoted = self._backticks % 2 == 1
        self._emit(text)
        if not mark:
            return False
        # A sentence about the mark has it between blanks.
        spoken_of = self._last == " " or self._thought
        if quoted or (mark == THINK_END and spoken_of):
            self._emit(mark)
        elif mark == THINK_END:
            self._thought = True
            self._events.append(TextWasReasoning())
            self._blank, self._state = "", self._after_thought
        elif mark == CALL:
            self._tagged = TaggedCall(self._may_be_name, self._tools.__contains__)
            self._held, self._state = [], self._before_call
        return True

    def _before_call(self) -> bool:
        """After `<tool_call>`: tags or a JSON object."""
        self._held.append(self._reader.match(_BLANK))
        if self._reader.empty():
            return self._reader.final and self._not_a_call()
        if self._reader.peek(1) == "{":
            self._state = self._json_call
        else:
            self._state = self._tagged_call
        return True

    def _json_call(self) -> bool:
        text, mark = self._reader.until(_JSON_END)
        self._held.append(text)
        if mark:
            if self._take(_described("".join(self._held), self._tools)):
                self._blank, self._state = "", self._after_call
                return True
            self._held.append(mark)
            return self._not_a_call()
        if self._reader.final or sum(map(len, self._held)) > MAX_HELD_CHARS:
            return self._not_a_call()
        return False

    def _tagged_call(self) -> bool:
        progress = self._tagged.read(self._reader)
        if progress == "whole":
            name = self._tagged.name
            input = encode_arguments(self._tagged.arguments, self._tools[name].parameters)
            self._take((name, input))
            self._blank, self._state = "", self._after_call
        elif progress == "broken" or self._reader.final:
            self._held.append(self._tagged.source.removeprefix(CALL))
            self._not_a_call()
            return True
        return progress != "open"

    def _after_call(self) -> bool:
        self._blank += self._reader.match(_BLANK)
        if self._reader.empty():
            return False
        if self._reader.peek(1) != "<":
            self._emit(self._blank)
        self._state = self._text
        return True

    def _not_a_call(self) -> bool:
        self._emit(CALL + "".join(self._held))
        self._held, self._state = [], self._text
        return True

    def _ended(self) -> bool:
        return False

    # What the states do.

    def _emit(self, text: str) -> None:
        if text:
            self._events.append(TextDelta(text))

    def _take(self, call: tuple[str, str] | None) -> bool:
        """Emits a call, where there is one."""
        if call is None:
            return False
        name, input = call
        self._events.append(ToolCallDelta(self._calls, name, input))
        id = f"call_{uuid.uuid4().hex[:24]}"
        self._events.append(ToolCallReady(ToolCall(id, name, input, note=NOTE)))
        self._calls += 1
        return True

    def _may_be_name(self, text: str) -> bool:
        return any(name.startswith(text) for name in self._tools)

    def _may_be_call(self, text: str) -> bool:
        """Whether the answer `text` may become one call; says no as soon as it can."""
        if len(text) > MAX_HELD_CHARS:
            return False
        text = text.lstrip()
        name, newline, rest = text.partition("\n")
        if not newline and self._may_be_name(name):
            return True
        if newline and name.strip() in self._tools:
            return _begins(rest.lstrip(), "{")
        if text.startswith("`"):
            if _begins(text, "```json\n{") or _begins(text, "```tool_call\n{"):
                return True
            text = _OPEN_FENCE.sub("", text, count=1).lstrip()
        if not _begins(text, "{"):
            return False
        inner = text[1:].lstrip()
        named = _NAMED.match(inner)
        if named is not None and named[1] not in self._tools:
            return False
        return any(_begins(inner, f'"{key}"') for key in _FIRST_KEYS)


def _begins(text: str, beginning: str) -> bool:
    """Whether `text` has that beginning, as far as it has come."""
    return text.startswith(beginning) or beginning.startswith(text)


def _call_of(text: str, tools: Mapping[str, ToolSpec]) -> tuple[str, str] | None:
    """Name and input of the one call that an answer consists of."""
    text = text.strip()
    name, newline, rest = text.partition("\n")
    if newline and name.strip() in tools:
        return (name.strip(), rest) if isinstance(_json(rest), dict) else None
    if text.startswith("```") and text.endswith("```"):
        text = _OPEN_FENCE.sub("", text.removesuffix("```"), count=1)
    return _described(text, tools)


def _described(text: str, tools: Mapping[str, ToolSpec]) -> tuple[str, str] | None:
    """Name and input of a call that a JSON object describes."""
    value = _json(text)
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        return None
    name, arguments = value.get("name"), value.get("arguments", value.get("parameters"))
    known = {"name", "arguments", "parameters", "type", "id"}
    if not isinstance(name, str) or name not in tools or value.keys() - known:
        return None
    if isinstance(arguments, str):
        arguments = _json(arguments)
    return (
        (name, json.dumps(arguments, ensure_ascii=False)) if isinstance(arguments, dict) else None
    )


def _json(text: str) -> Any:
    """The value of a JSON text, repaired where it is nearly JSON; None where it is none."""
    call = repaired(ToolCall("", "", text.strip()), ())
    try:
        return json.loads(call.input)
    except (ValueError, RecursionError):
        return None
