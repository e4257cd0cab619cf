"""What a model says while it answers, piece by piece."""

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
class ToolCallDelta:
    """A piece of a call's input while it is being written. `index` counts the answer's calls."""

    index: int
    name: str
    text: str


@dataclass(frozen=True)
class ToolCallReady:
    """A call that arrived whole."""

    call: ToolCall


@dataclass(frozen=True)
class Notice:
    """What the user should know while waiting: a place in the queue, a retry. Empty clears it."""

    text: str


@dataclass(frozen=True)
class AnswerFinished:
    """The last event of every `generate` that did not raise."""

    finish: Finish
    usage: Usage


ModelEvent = TextDelta | ReasoningDelta | ToolCallDelta | ToolCallReady | Notice | AnswerFinished
