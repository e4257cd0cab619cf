"""The user's word on calls that act, in conversations that have read what strangers wrote.

A page may try to talk the model into something. So once one was read, a call of a tool marked
`@tool(acts=True)` waits: run, run always in this conversation, or refuse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol

from backends.messages import Message
from tools.base import ToolCall, ToolResult
from tools.registry import Registry

Decision = Literal["run", "always", "refuse"]

REFUSED = "The user did not allow this call, so it was not run: go on without it."
NOBODY_ASKED = (
    "This call acts, and a page was read before, so it needs the user's word, which can't be "
    "asked for here: it was not run. Go on without it."
)
STOPPED = "The call was stopped by the user before it ran."

_POLL_INTERVAL_S = 0.05  # seconds between two looks at Stop


class Approve(Protocol):
    """Asks whether a call may run; waits as long as it takes, or until `cancel` is set."""

    def __call__(
        self, call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]
    ) -> str | None:
        """None lets it run; a sentence for the model says why not. Where somebody has to be
        waited for, `asked` gets the number under which they answer."""


def refuse(call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]) -> str | None:
    """Where nobody can be asked."""
    return NOBODY_ASKED


def allow(call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]) -> str | None:
    """Where the user has given their word for everything."""
    return None


@dataclass
class _Waiting:
    name: str
    answered: threading.Event = field(default_factory=threading.Event)
    allowed: bool = False


class Approvals:
    """The words that one conversation waits for. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._always: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Whether a call waits for the user's word."""
        return bool(self._waiting)

    def ask(
        self, call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]
    ) -> str | None:
        """See `Approve`."""
        with self._lock:
            if call.name in self._always:
                return None
            number, waiting = next(self._numbers), _Waiting(call.name)
            self._waiting[number] = waiting
        try:
            asked(number)
            while not waiting.answered.wait(_POLL_INTERVAL_S):
                if cancel.is_set():
                    return STOPPED
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        return None if waiting.allowed else REFUSED

    def answer(self, number: int, word: Decision) -> None:
        """The user's word on the call of that number; one that waits no longer is left alone.
        `always` holds for all calls of the same name, those that wait too."""
        with self._lock:
            meant = self._waiting.get(number)
            if meant is None:
                return
            same = [meant]
            if word == "always":
                self._always.add(meant.name)
                same = [each for each in self._waiting.values() if each.name == meant.name]
            for each in same:
                each.allowed = word != "refuse"
                each.answered.set()


def is_tainted(messages: Sequence[Message], registry: Registry) -> bool:
    """Whether a result in the conversation was written by strangers: what a tool that `taints`
    has read. What failed brought nothing."""
    names = {
        spec.name
        for tool in registry.tools
        if tool.taints
        for native in (False, True)
        for spec in tool.specs(native)
    }
    results = (message.result for message in messages if message.result is not None)
    return any(result.name in names and result.error is None for result in results)


def has_side_effects(call: ToolCall, registry: Registry) -> bool:
    """Whether the call changes something outside."""
    tool = registry.tool_for(call.name)
    return tool is not None and tool.has_side_effects(call.name)


def not_run(call: ToolCall, why: str) -> ToolResult:
    """The result of a call that was not allowed."""
    return ToolResult(call.id, call.name, why, error="Not run: it was not allowed")
