"""The events of an answer while it streams."""

from __future__ import annotations

from dataclasses import dataclass

from backends.messages import Finish, Usage
from tools.base import ToolCall


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True)
class TextWasReasoning:
    """All text of the answer so far was the model's reasoning: its end alone was marked."""


@dataclass(frozen=True)
class ToolCallDelta:
    """A piece of a call's input while it streams. `index` is the call's number, from 0."""

    index: int
    name: str
    text: str


@dataclass(frozen=True)
class ToolCallReady:
    """A complete call."""

    call: ToolCall


@dataclass(frozen=True)
class Notice:
    """A status for the waiting user: the place in the queue, a retry. An empty text clears it."""

    text: str


@dataclass(frozen=True)
class AnswerFinished:
    """The last event of every `generate` that did not raise."""

    finish: Finish
    usage: Usage


ModelEvent = (
    TextDelta
    | ReasoningDelta
    | TextWasReasoning
    | ToolCallDelta
    | ToolCallReady
    | Notice
    | AnswerFinished
)
