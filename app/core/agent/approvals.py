"""The user's approval of calls with side effects, in tainted conversations.

A web page or document may contain instructions for the model (prompt injection). So once a
conversation has read one, a call of a tool marked `@tool(acts=True)` waits for the user's
decision: run, run always in this conversation, or refuse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol

from tools.base import ToolCall, ToolResult

Decision = Literal["run", "always", "refuse"]

REFUSED = "The user did not allow this call, so it was not run: go on without it."
NOBODY_ASKED = (
    "This call acts, and a page was read before, so it needs the user's word, which can't be "
    "asked for here: it was not run. Go on without it."
)
STOPPED = "The call was stopped by the user before it ran."

_POLL_INTERVAL_S = 0.05  # between two checks of the cancel event


class Approve(Protocol):
    """Decides whether a call may run; blocks until it is decided or `cancel` is set."""

    def __call__(
        self, call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]
    ) -> str | None:
        """Returns None where the call may run, else the reason as a sentence for the model. Where
        a user has to decide, `asked` is called with the number for `Approvals.decide`."""


def refuse(call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]) -> str | None:
    """An `Approve` for runs without a user to ask: refuses every call."""
    return NOBODY_ASKED


def allow(call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]) -> str | None:
    """An `Approve` that lets every call run."""
    return None


@dataclass
class _Waiting:
    name: str
    answered: threading.Event = field(default_factory=threading.Event)
    allowed: bool = False


class Approvals:
    """The pending approvals of one conversation. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._always: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Whether a call waits for the user's decision."""
        return bool(self._waiting)

    def request(
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

    def decide(self, number: int, decision: Decision) -> None:
        """Takes the user's decision on the call with that number; ignored where the call no longer
        waits. `always` applies to all calls of the same name, waiting ones included."""
        with self._lock:
            meant = self._waiting.get(number)
            if meant is None:
                return
            same = [meant]
            if decision == "always":
                self._always.add(meant.name)
                same = [each for each in self._waiting.values() if each.name == meant.name]
            for each in same:
                each.allowed = decision != "refuse"
                each.answered.set()


def not_run(call: ToolCall, why: str) -> ToolResult:
    """The result of a call that was not allowed."""
    return ToolResult(call.id, call.name, why, error="Not run: it was not allowed")
