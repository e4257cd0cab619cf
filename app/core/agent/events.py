"""The events of a running turn, yielded by the agent loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backends.events import ModelEvent
from backends.messages import ContextUsed, Finish, Message, Usage
from tools.base import ToolCall, ToolResult

TurnReason = Finish | Literal["tool_limit"]


@dataclass(frozen=True)
class ToolProgress:
    call_id: str
    text: str


@dataclass(frozen=True)
class ToolStarted:
    """A call began to run."""

    call: ToolCall


@dataclass(frozen=True)
class ToolAsked:
    """A call waits for the user's decision: `Approvals.decide(number, …)`."""

    call: ToolCall
    number: int


@dataclass(frozen=True)
class ToolFinished:
    result: ToolResult


@dataclass(frozen=True)
class MessageFinished:
    """A message is complete and part of the conversation."""

    message: Message


@dataclass(frozen=True)
class TurnFinished:
    """The last event of a turn."""

    reason: TurnReason
    usage: Usage
    error: str | None = None


# `ContextUsed` precedes each request that contains more or less than the conversation.
ToolEvent = ToolAsked | ToolStarted | ToolProgress | ToolFinished
Event = ContextUsed | ModelEvent | ToolEvent | MessageFinished | TurnFinished
