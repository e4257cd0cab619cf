"""A GLM answer as it streams, read into events.

An answer is segments, parted by `<|assistant|>`. A segment is text when it begins with a newline
(no metadata; that newline is not part of the text, save where it parts two texts of one answer),
and a call when its first line is the name of a tool on offer, or an identifier and all that
follows is one JSON object. Anything else is text from its first character on. GLM-4.5 writes
its calls in tags instead, anywhere in a text.

What leaves no trace: special tokens (but for `[MASK]`, which people write about), the newline
after a call's name, the tags of thinking and of the answer, newlines after `<think>`, after
`</think>` and between tagged calls, and all that follows a token at which generation stops.
Everything else goes into exactly one event. A call's input is exact to its last newline: only
the four tokens that end it are seen there.
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
    """Feed it one answer in pieces cut anywhere; the events are those of the uncut answer.

    `begins` is what the prompt already wrote of the answer (see `render`); `thinking` says that
    it wrote `<think>`. The time is linear in the length of the answer.
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
        self._spoke = False  # there was text before
        self._in_answer = False  # between <answer> and </answer>
        self._calls = 0
        self._name = ""  # of the call that is being read
        self._kept: list[str] = []  # its input so far; or text that may yet be left out
        self._probe = ObjectProbe()
        self._tagged = TaggedCall(self._may_be_name, self._is_name)
        self._reader.feed(begins + (THINK if thinking else ""))

    def feed(self, text: str) -> list[ModelEvent]:
        """The events that this piece made certain."""
        self._reader.feed(text)
        return self._run()

    def feed_bytes(self, data: bytes) -> list[ModelEvent]:
        """The same for UTF-8, cut inside a character or not. What is no UTF-8 becomes U+FFFD."""
        return self.feed(self._decoder.decode(data))

    def finish(self, complete: bool = True) -> list[ModelEvent]:
        """The last events. `complete` says that the model ended the answer itself.

        With `complete=False` (the stream broke, the token limit was reached) a call that is
        still open does not become ready.
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

    # Each state below reads as far as it can, and says whether there is more to do right now.

    def _start(self) -> bool:
        """At the beginning of a segment."""
        line = self._reader.peek(self._line_limit + 1)
        if not line:
            return False
        if self._named and line[0] == "\n":
            self._reader.skip(1)
            self._named = False
            if self._spoke:
                self._say("\n")
            return True
        if marker := self._reader.match(_AT_START.pattern):
            return self._meet(marker)
        if self._reader.waits_for(_AT_START):
            return False
        if self._named:
            name, newline, _ = line.partition("\n")
            if newline and self._is_name(name):
                return self._open(name)
            if not newline and not self._reader.final and self._may_be_name(line):
                return False
        self._state = self._text
        return True

    def _text(self) -> bool:
        text, marker = self._reader.until(_IN_TEXT)
        self._say(text)
        if marker == CALL:
            self._tagged = TaggedCall(self._may_be_name, self._is_name)
            self._state = self._tagged_call
        elif marker == ANSWER_END and not self._in_answer:
            self._say(marker)
        elif marker:
            self._meet(marker)
        return marker != ""

    def _before_thought(self) -> bool:
        """After `<think>`. One from the prompt and one from the model are one."""
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
        return marker != "" and self._meet(marker)

    def _after_thought(self) -> bool:
        self._reader.match(_NEWLINES)
        return not self._reader.empty() and self._begin()

    def _input(self) -> bool:
        """In the input of a tool on offer."""
        text, marker = self._reader.until(_IN_INPUT)
        if text:
            self._kept.append(text)
            self._events.append(ToolCallDelta(self._calls - 1, self._name, text))
        if marker:
            self._events.append(self._ready())
            self._meet(marker)
        return marker != ""

    def _unknown_input(self) -> bool:
        """After a name that is no tool's: held back for as long as it may be a JSON object."""
        text, marker = self._reader.until(_IN_INPUT)
        accepted = self._probe.accept(text)
        self._kept.append(text[:accepted])
        if accepted < len(text):
            self._reader.back(len(text) - accepted + len(marker))
            return self._no_call()
        if not marker and not self._reader.final:
            return False
        text = "".join(self._kept)
        if not is_object(text) or not (marker or self._complete):
            self._reader.back(len(marker))
            return self._no_call()
        self._whole(self._name, text)
        return self._meet(marker or END)

    def _no_call(self) -> bool:
        self._say(f"{self._name}\n{''.join(self._kept)}")
        self._state = self._text
        return True

    def _tagged_call(self) -> bool:
        call = self._tagged
        progress = call.read(self._reader)
        if progress == "whole":
            spec = self._tools.get(call.name)
            self._whole(
                call.name, encode_arguments(call.arguments, spec.parameters if spec else {})
            )
            self._kept, self._state = [], self._after_tagged_call
        elif progress == "broken":
            self._say(call.source)
            self._state = self._text
        return progress != "open"

    def _after_tagged_call(self) -> bool:
        """Newlines before another call, and before the end, are no text."""
        self._kept.append(self._reader.match(_NEWLINES))
        if marker := self._reader.match(_AFTER_CALL.pattern):
            self._reader.back(len(marker))
        elif self._reader.empty() or self._reader.waits_for(_AFTER_CALL):
            return False
        else:
            self._say("".join(self._kept))
        self._state = self._text
        return True

    def _ended(self) -> bool:
        self._reader.clear()
        return False

    # What the states do.

    def _say(self, text: str) -> None:
        if text:
            self._spoke = True
            self._events.append(TextDelta(text))

    def _meet(self, marker: str) -> bool:
        """Goes where a marker leads. A special token that leads nowhere is only left out."""
        if marker == ASSISTANT:
            self._begin()
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

    def _begin(self) -> bool:
        self._named, self._in_answer = True, False
        self._state = self._start
        return True

    def _open(self, name: str) -> bool:
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

    def _whole(self, name: str, input: str) -> None:
        """A call that was held back until it was certain. Its input is JSON in any case."""
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
