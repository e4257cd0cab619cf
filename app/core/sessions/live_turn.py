"""The current state of a running turn, folded from its events; as JSON for other processes, and for
after a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.core.agent.events import (
    Event,
    MessageFinished,
    ToolAsked,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from app.core.conversation import Conversation
from backends.events import (
    Notice,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallReady,
)
from tools.base import ToolCall, ToolResult

CallState = Literal["writing", "waiting", "asking", "running", "done"]


@dataclass(frozen=True)
class LiveCall:
    """A call of the current answer. `started` is a monotonic time in seconds; `asked` is the number
    for `Approvals.decide` while the state is `asking`."""

    call: ToolCall
    state: CallState = "writing"
    started: float = 0.0
    progress: str = ""
    result: ToolResult | None = None
    asked: int = 0


@dataclass(frozen=True)
class TurnSnapshot:
    """A snapshot of the part of a turn that is not in the conversation yet."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[LiveCall, ...] = ()
    notice: str = ""


class LiveTurn:
    """Folds events; `snapshot` may be called from any thread while `apply` runs on one."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._inputs: dict[int, list[str]] = {}
        self._live = TurnSnapshot()

    def snapshot(self) -> TurnSnapshot:
        return replace(self._live, text="".join(self._text), reasoning="".join(self._reasoning))

    def apply(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case TextWasReasoning():
                self._reasoning.extend(self._text)
                self._text = []
            case Notice(text):
                self._live = replace(self._live, notice=text)
            case ToolCallDelta(index, name, text):
                self._written(index, name, text)
            case ToolCallReady(call):
                self._ready(call)
            case ToolAsked(call, number):
                self._update(call.id, state="asking", asked=number)
            case ToolStarted(call):
                self._update(call.id, state="running", started=time.monotonic())
            case ToolProgress(call_id, text):
                self._update(call_id, progress=text)
            case ToolFinished(result):
                self._update(result.call_id, state="done", result=result)
            case MessageFinished(message):
                if message.role == "assistant":
                    self._text, self._reasoning, self._inputs = [], [], {}
                    calls = tuple(LiveCall(call, "waiting") for call in message.calls)
                    self._live = TurnSnapshot(calls=calls)

    def _written(self, index: int, name: str, text: str) -> None:
        pieces = self._inputs.setdefault(index, [])
        pieces.append(text)
        call = ToolCall(f"writing-{index}", name, "".join(pieces))
        written = LiveCall(call)
        if len(pieces) == 1:
            calls = (*self._live.calls, written)
        else:  # pieces of several calls may alternate: each stays in its place
            calls = tuple(written if c.call.id == call.id else c for c in self._live.calls)
        self._live = replace(self._live, calls=calls)

    def _ready(self, call: ToolCall) -> None:
        """The complete call replaces the partial one that was shown while it was written."""
        written = [c for c in self._live.calls if c.state == "writing"]
        same = next((c for c in written if c.call.name == call.name), None)
        if same is None and call.note:  # written under a name that was repaired
            same = next((c for c in written if call.name in c.call.name), None)
        ready = LiveCall(call, "waiting")
        if same is None:
            self._live = replace(self._live, calls=(*self._live.calls, ready))
        else:
            calls = tuple(ready if c is same else c for c in self._live.calls)
            self._live = replace(self._live, calls=calls)

    def _update(self, call_id: str, **changes: object) -> None:
        calls = tuple(
            replace(c, **changes) if c.call.id == call_id else c  # type: ignore[arg-type]
            for c in self._live.calls
        )
        self._live = replace(self._live, calls=calls)


def to_json(live: TurnSnapshot) -> str:
    """A snapshot as JSON."""
    return json.dumps(
        {
            "text": live.text,
            "reasoning": live.reasoning,
            "calls": [
                {
                    "id": each.call.id, "name": each.call.name, "input": each.call.input,
                    "state": each.state, "progress": each.progress, "asked": each.asked,
                }
                for each in live.calls
            ],
            "notice": live.notice,
        }
    )  # fmt: skip


def from_json(body: str, conversation: Conversation) -> TurnSnapshot:
    """The snapshot of a page that has the `conversation`; empty where the JSON is none of ours."""
    try:
        data = json.loads(body)
        calls = tuple(_call(each) for each in data.get("calls", ()))
        text, reasoning = str(data.get("text", "")), str(data.get("reasoning", ""))
        notice = str(data.get("notice", ""))
    except (ValueError, AttributeError, TypeError, KeyError):
        return TurnSnapshot()
    done: set[str] = set()
    for message in reversed(conversation.messages):
        if message.result is None:
            break
        done.add(message.result.call_id)
    return TurnSnapshot(text, reasoning, tuple(c for c in calls if c.call.id not in done), notice)


def _call(data: Mapping[str, Any]) -> LiveCall:
    call = ToolCall(str(data["id"]), str(data["name"]), str(data["input"]))
    # What has ended comes with its message; until then it is drawn as if it still ran.
    known: tuple[CallState, ...] = ("writing", "waiting", "asking", "running")
    state = next((each for each in known if each == data["state"]), known[-1])
    started = time.monotonic() if state == "running" else 0.0
    return LiveCall(call, state, started, str(data["progress"]), asked=int(data.get("asked", 0)))
