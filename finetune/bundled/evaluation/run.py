"""Runs the requests of `cases` on the bundled model, and judges its turns.

They run in llama.cpp as in the app, with all tools on and real results. Three things are judged:

    choice      the first call is to the right tool, or there is none if no tool fits
    result      the call has the expected result (a value, a figure) or arguments
    answer      the turn ends with a text that contains the value, or declines

If a tool can't be run here (the web, images, made-up functions), the turn ends with the call, and
`answer` is not judged. A turn that fails counts as wrong.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backends.base import Backend, GenerationConfig
from backends.events import AnswerFinished, TextDelta, ToolCallDelta, ToolCallReady
from backends.messages import Message, Text, user
from finetune.bundled.evaluation.cases import BROWSER, Case, Wanted
from finetune.bundled.evaluation.checks import fits, holds, reports
from tools.base import ToolCall, ToolResult, ToolSpec

log = logging.getLogger(__name__)

TODAY = "2026-11-21"
MAX_ROUNDS = 4  # answers per turn
MAX_TOKENS = 200  # per answer
# The result of `weather`, which is never called, because it needs a network.
WEATHER = "{city}: Light rain, 11 °C (feels like 9 °C), humidity 81 %, wind 14 km/h."

# A conversation with eight tools, which is timed from the second turn on.
TIMED_REQUESTS = (
    "What is 12 * 12?",
    "What is 345 * 678?",
    "What is the sum of 12, 15, 18 and 21?",
    "What is 15% of 80?",
    "What is the square root of 1764?",
    "What is 2 to the power of 20?",
)


class ToolRunner(Protocol):
    """Runs the app's own tools."""

    @property
    def python(self) -> ToolSpec: ...

    @property
    def own(self) -> Sequence[ToolSpec]: ...

    def result(self, name: str, input: str) -> str:
        """Run a tool. Returns the text of its result."""


@dataclass(frozen=True)
class Turn:
    """A turn of the model.

    Attributes:
        messages: the answers and results.
        first_token: seconds until the first token; None if there was none.
        seconds: duration of the turn.
    """

    messages: tuple[Message, ...]
    first_token: float | None
    seconds: float

    @property
    def calls(self) -> list[ToolCall]:
        return [call for message in self.messages for call in message.calls]

    @property
    def last(self) -> str:
        """The text of the final answer; empty if the turn ended with a call or nothing."""
        end = self.messages[-1] if self.messages else None
        return end.text if end is not None and end.role == "assistant" and not end.calls else ""

    def observed(self, call: ToolCall) -> str:
        """The text of a call's result; empty without one."""
        results = (message.result for message in self.messages if message.result is not None)
        return next((each.text for each in results if each.call_id == call.id), "")


@dataclass(frozen=True)
class Outcome:
    """The judgement of a case (see the module's docstring), and the turn's texts in `said`."""

    case: Case
    choice: bool = False
    result: bool = False
    answer: bool = False
    said: tuple[str, ...] = field(default=(), compare=False)


class Evaluator:
    """Runs cases on a model.

    Arguments:
        backend: the model.
        tools: runs the calls.
    """

    def __init__(self, backend: Backend, tools: ToolRunner) -> None:
        self._backend, self._tools = backend, tools
        self._specs = {spec.name: spec for spec in (tools.python, *tools.own)}

    def ask(self, case: Case) -> Outcome:
        """Run a case's conversation, and judge its last turn."""
        specs = [*(self._specs.values() if case.with_app_tools else ()), *case.specs]
        messages, turn = _opening(), None
        try:
            for number, request in enumerate(case.asks, 1):
                judged = case if number == len(case.asks) else None
                turn = self._turn([*messages, user(request)], specs, judged)
                messages += [user(request), *turn.messages]
        except Exception as error:
            log.exception("a turn failed: %s", case.asks[-1])
            return Outcome(case, said=(repr(error),))
        finally:
            self._forget(messages)
        assert turn is not None
        return self._judged(case, turn)

    def times(self) -> list[Turn]:
        """The turns of the timed conversation, without the first one."""
        specs = [*self._specs.values(), BROWSER]
        messages, turns = _opening(), list[Turn]()
        try:
            for request in TIMED_REQUESTS:
                turns.append(self._turn([*messages, user(request)], specs))
                messages += [user(request), *turns[-1].messages]
        except Exception:
            log.exception("the timed conversation broke off")
        return turns[1:]

    def _judged(self, case: Case, turn: Turn) -> Outcome:
        said = tuple(_text(message) for message in turn.messages)
        calls = turn.calls
        if not case.wanted:
            choice = not calls
            result = choice and bool(turn.last.strip())
            right = result and (not case.check or holds(turn.last, case.check))
            return Outcome(case, choice, result, right, said)
        if len(case.wanted) == 1:
            choice = bool(calls) and calls[0].name in case.wanted[0].tool.split("|")
        else:
            choice = _all_named(case.wanted, calls)
        right_calls = self._right_calls(case, turn)
        result = choice and right_calls is not None
        if not case.with_app_tools:  # one call of the made-up function is expected
            result = result and len(calls) == 1
        answer = result and all(
            reports(turn.last, call.name, wanted.check, turn.observed(call))
            for wanted, call in zip(case.wanted, right_calls or (), strict=False)
        )
        return Outcome(case, choice, result, answer and not case.is_call_only, said)

    def _right_calls(self, case: Case, turn: Turn) -> list[ToolCall] | None:
        """A call for each expected one; None if one is missing."""
        left, found = list(turn.calls), list[ToolCall]()
        for wanted in case.wanted:
            call = next((each for each in left if self._right(wanted, each, case, turn)), None)
            if call is None:
                return None
            left.remove(call)
            found.append(call)
        return found

    def _right(self, wanted: Wanted, call: ToolCall, case: Case, turn: Turn) -> bool:
        if call.name not in wanted.tool.split("|"):
            return False
        if wanted.check.startswith("{") or case.is_call_only:
            spec = self._specs.get(call.name)
            return fits(call, wanted.check, spec.parameters if spec else None)
        text = turn.observed(call)
        return "Traceback" not in text and holds(text, wanted.check)

    def _turn(
        self,
        messages: Sequence[Message],
        specs: Sequence[ToolSpec],
        judged: Case | None = None,
    ) -> Turn:
        began = time.monotonic()
        first: float | None = None
        found: list[Message] = []
        for _ in range(MAX_ROUNDS):
            answer, waited = self._answer([*messages, *found], specs)
            found.append(answer)
            first = waited if len(found) == 1 else first
            if not answer.calls or (judged is not None and _settled(judged, answer)):
                break
            found += [self._called(call) for call in answer.calls]
        return Turn(tuple(found), first, time.monotonic() - began)

    def _answer(
        self, messages: Sequence[Message], specs: Sequence[ToolSpec]
    ) -> tuple[Message, float | None]:
        began = time.monotonic()
        first: float | None = None
        text, calls = "", list[ToolCall]()
        config = GenerationConfig(temperature=0.0, max_tokens=MAX_TOKENS, seed=1)
        for event in self._backend.generate(messages, specs, config, threading.Event()):
            if first is None and isinstance(event, TextDelta | ToolCallDelta | ToolCallReady):
                first = time.monotonic() - began
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, ToolCallReady):
                calls.append(event.call)
            elif isinstance(event, AnswerFinished):
                break
        return Message("assistant", (Text(text),) if text else (), calls=tuple(calls)), first

    def _called(self, call: ToolCall) -> Message:
        if call.name == "weather":
            text = WEATHER.format(city=_city(call))
        elif call.name in self._specs:
            text = self._tools.result(call.name, call.input)
        else:
            text = f"There is no tool {call.name}."
        return Message("tool", result=ToolResult(call.id, call.name, text))

    def _forget(self, messages: Sequence[Message]) -> None:
        """Reset the Python kernel, so that no case sees the variables of another."""
        name = self._tools.python.name
        if any(call.name == name for message in messages for call in message.calls):
            self._tools.result(name, "%reset -f")


def _opening() -> list[Message]:
    return [Message("system", (Text(f"You are a helpful assistant. Today is {TODAY}."),))]


def _city(call: ToolCall) -> str:
    try:
        return str(json.loads(call.input)["city"])
    except (ValueError, LookupError, TypeError):
        return "Here"


def _settled(case: Case, answer: Message) -> bool:
    """Whether an answer with calls decides the case, so that the turn can end."""
    if case.is_call_only or not case.wanted:
        return True
    return len(case.wanted) == 1 and answer.calls[0].name not in case.wanted[0].tool.split("|")


def _all_named(wanted: Sequence[Wanted], calls: Sequence[ToolCall]) -> bool:
    left = [call.name for call in calls]
    for each in wanted:
        name = next((name for name in left if name in each.tool.split("|")), None)
        if name is None:
            return False
        left.remove(name)
    return True


def _text(message: Message) -> str:
    if message.result is not None:
        return f"-> {message.result.text}"
    return " ".join([message.text, *(f"[{call.name}: {call.input}]" for call in message.calls)])
