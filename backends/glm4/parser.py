"""A GLM answer as it streams, read into events.

An answer consists of segments, separated by `<|assistant|>`. A segment is text when it begins
with a newline (empty metadata; that newline is not part of the text, except between two texts of
one answer). It is a call when its first line is the name of an offered tool, or when its first
line is an identifier and the rest is one JSON object. Any other segment is text from its first
character. GLM-4.5 writes its calls in tags instead, anywhere in a text.

These parts produce no event: special tokens (except `[MASK]`, which occurs in ordinary text), the
newline after a call's name, the tags of thinking and of the answer, newlines after `<think>`,
after `</think>` and between tagged calls, and everything after a token at which generation stops.
Every other character is in exactly one event. A call's input is exact to its last newline: only
the four tokens that end it are recognized there.
"""

from __future__ import annotations

import codecs
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from backends.events import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from backends.glm4.calls import (
    CALL,
    NAME,
    NAME_LIMIT,
    ObjectProbe,
    TaggedCall,
    encode_arguments,
    is_object,
)
from backends.glm4.scanner import Markers, Reader
from backends.glm4.tokens import ASSISTANT, END, STOPS, special_tokens
from tools.base import ToolCall, ToolSpec

THINK, THINK_END = "<think>", "</think>"
ANSWER, ANSWER_END = "<answer>", "</answer>"

_ENDS: Final = (*STOPS, ASSISTANT)
_CONTROL: Final = tuple(token for token in special_tokens if token != "[MASK]")

_AT_START: Final = Markers(*_CONTROL, THINK, ANSWER)
_IN_TEXT: Final = Markers(*_CONTROL, CALL, ANSWER_END)
_BEFORE_THOUGHT: Final = Markers(THINK)
_IN_THOUGHT: Final = Markers(*_CONTROL, THINK_END)
_IN_INPUT: Final = Markers(*_ENDS)
_AFTER_CALL: Final = Markers(*_ENDS, CALL)
_NEWLINES: Final = re.compile(r"\n*")


def _new_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


class Parser:
    """Reads one answer in pieces that are split anywhere; the split does not change the events.

    `begins` is the beginning of the answer that is part of the prompt (see `render`); `thinking`
    says that the prompt also ends with `<think>`. The time is linear in the answer's length.
    """

    def __init__(
        self,
        tools: Sequence[ToolSpec] = (),
        new_id: Callable[[], str] = _new_id,
        *,
        begins: str = "",
        thinking: bool = False,
    ) -> None:
        self._tools = {spec.name: spec for spec in tools}
        self._line_limit = max([NAME_LIMIT, *map(len, self._tools)])
        self._new_id = new_id
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reader = Reader()
        self._events: list[ModelEvent] = []
        self._complete = True
        self._state: Callable[[], bool] = self._start
        self._named = True  # the segment may still begin with a name
        self._has_text = False  # an event with text was emitted
        self._in_answer = False  # between <answer> and </answer>
        self._calls = 0
        self._name = ""  # of the call that is being read
        self._kept: list[str] = []  # its input so far; or newlines that may be dropped
        self._probe = ObjectProbe()
        self._tagged = TaggedCall(self._may_be_name, self._is_name)
        self._reader.feed(begins + (THINK if thinking else ""))

    def feed(self, text: str) -> list[ModelEvent]:
        """The events that `text` completes."""
        self._reader.feed(text)
        return self._run()

    def feed_bytes(self, data: bytes) -> list[ModelEvent]:
        """`feed` for UTF-8, which may be split inside a character. Invalid bytes become U+FFFD."""
        return self.feed(self._decoder.decode(data))

    def finish(self, complete: bool = True) -> list[ModelEvent]:
        """The last events. `complete` says that the model ended the answer itself.

        With `complete=False` (the stream broke off, the token limit was reached) an unfinished
        call gives no `ToolCallReady`.
        """
        self._reader.feed(self._decoder.decode(b"", True))
        self._reader.final, self._complete = True, complete
        events = self._run()
        if self._state == self._input and complete:
            events.append(self._ready())
        self._state = self._ended
        return events

    def _run(self) -> list[ModelEvent]:
        while self._state():
            pass
        events, self._events = self._events, []
        return events

    # Each state below reads as far as it can, and returns whether the next state can read on.

    def _start(self) -> bool:
        """At the beginning of a segment."""
        line = self._reader.peek(self._line_limit + 1)
        if not line:
            return False
        if self._named and line[0] == "\n":
            self._reader.skip(1)
            self._named = False
            if self._has_text:
                self._emit_text("\n")
            return True
        if marker := self._reader.match(_AT_START.pattern):
            return self._enter(marker)
        if self._reader.waits_for(_AT_START):
            return False
        if self._named:
            name, newline, _ = line.partition("\n")
            if newline and self._is_name(name):
                return self._begin_call(name)
            if not newline and not self._reader.final and self._may_be_name(line):
                return False
        self._state = self._text
        return True

    def _text(self) -> bool:
        text, marker = self._reader.until(_IN_TEXT)
        self._emit_text(text)
        if marker == CALL:
            self._tagged = TaggedCall(self._may_be_name, self._is_name)
            self._state = self._tagged_call
        elif marker == ANSWER_END and not self._in_answer:
            self._emit_text(marker)
        elif marker:
            self._enter(marker)
        return marker != ""

    def _before_thought(self) -> bool:
        """After `<think>`. A second one, of the prompt and of the model, is skipped."""
        self._reader.match(_NEWLINES)
        if self._reader.match(_BEFORE_THOUGHT.pattern):
            return True
        if self._reader.waits_for(_BEFORE_THOUGHT):
            return False
        self._state = self._thought
        return True

    def _thought(self) -> bool:
        text, marker = self._reader.until(_IN_THOUGHT)
        if text:
            self._events.append(ReasoningDelta(text))
        return marker != "" and self._enter(marker)

    def _after_thought(self) -> bool:
        self._reader.match(_NEWLINES)
        return not self._reader.empty() and self._begin_segment()

    def _input(self) -> bool:
        """In the input of an offered tool."""
        text, marker = self._reader.until(_IN_INPUT)
        if text:
            self._kept.append(text)
            self._events.append(ToolCallDelta(self._calls - 1, self._name, text))
        if marker:
            self._events.append(self._ready())
            self._enter(marker)
        return marker != ""

    def _unknown_input(self) -> bool:
        """After a name that is no tool's: text is held back while it may be a JSON object."""
        text, marker = self._reader.until(_IN_INPUT)
        accepted = self._probe.accept(text)
        self._kept.append(text[:accepted])
        if accepted < len(text):
            self._reader.back(len(text) - accepted + len(marker))
            return self._emit_as_text()
        if not marker and not self._reader.final:
            return False
        text = "".join(self._kept)
        if not is_object(text) or not (marker or self._complete):
            self._reader.back(len(marker))
            return self._emit_as_text()
        self._emit_call(self._name, text)
        return self._enter(marker or END)

    def _emit_as_text(self) -> bool:
        self._emit_text(f"{self._name}\n{''.join(self._kept)}")
        self._state = self._text
        return True

    def _tagged_call(self) -> bool:
        call = self._tagged
        progress = call.read(self._reader)
        if progress == "whole":
            spec = self._tools.get(call.name)
            self._emit_call(
                call.name, encode_arguments(call.arguments, spec.parameters if spec else {})
            )
            self._kept, self._state = [], self._after_tagged_call
        elif progress == "broken":
            self._emit_text(call.source)
            self._state = self._text
        return progress != "open"

    def _after_tagged_call(self) -> bool:
        """After a tagged call: newlines before another call or the end are not text."""
        self._kept.append(self._reader.match(_NEWLINES))
        if marker := self._reader.match(_AFTER_CALL.pattern):
            self._reader.back(len(marker))
        elif self._reader.empty() or self._reader.waits_for(_AFTER_CALL):
            return False
        else:
            self._emit_text("".join(self._kept))
        self._state = self._text
        return True

    def _ended(self) -> bool:
        self._reader.clear()
        return False

    # Actions and transitions of the states.

    def _emit_text(self, text: str) -> None:
        if text:
            self._has_text = True
            self._events.append(TextDelta(text))

    def _enter(self, marker: str) -> bool:
        """Enters the state after a marker. Other special tokens are only dropped."""
        if marker == ASSISTANT:
            self._begin_segment()
        elif marker in STOPS:
            self._state = self._ended
        elif marker == THINK:
            self._state = self._before_thought
        elif marker == THINK_END:
            self._state = self._after_thought
        elif marker in (ANSWER, ANSWER_END):
            self._in_answer = marker == ANSWER
            self._state = self._text
        return True

    def _begin_segment(self) -> bool:
        self._named, self._in_answer = True, False
        self._state = self._start
        return True

    def _begin_call(self, name: str) -> bool:
        self._reader.skip(len(name) + 1)
        self._name, self._kept = name, []
        if name in self._tools:
            self._calls += 1
            self._state = self._input
        else:
            self._probe = ObjectProbe()
            self._state = self._unknown_input
        return True

    def _ready(self) -> ToolCallReady:
        raw = self._tools[self._name].raw
        return ToolCallReady(ToolCall(self._new_id(), self._name, "".join(self._kept), raw))

    def _emit_call(self, name: str, input: str) -> None:
        """Emits a call that was held back until it was complete. Its input is JSON."""
        self._events.append(ToolCallDelta(self._calls, name, input))
        self._events.append(ToolCallReady(ToolCall(self._new_id(), name, input)))
        self._calls += 1

    def _is_name(self, text: str) -> bool:
        identifier = len(text) <= NAME_LIMIT and NAME.fullmatch(text) is not None
        return identifier or text in self._tools

    def _may_be_name(self, text: str) -> bool:
        """Whether `text` is a name or the beginning of one."""
        begins = any(name.startswith(text) for name in self._tools)
        return not text or begins or self._is_name(text)
