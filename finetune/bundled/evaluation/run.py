"""Puts the requests of `cases` to the bundled model, as on the page, and judges what comes.

They run through llama.cpp, all tools on, the tools really called, their results read by the
model. Three things are said of each:

    choice      the first call is to the right tool, or there is none where none fits
    result      the call did what was asked: value, figure, or arguments as expected
    answer      the turn ended, and its last words are right: they hold the value, or decline

Where a tool can't be run here (the web, pictures, functions that don't exist) the turn ends with
the call, and `answer` is not asked. A turn that fails is wrong.
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
from finetune.bundled.evaluation.checks import fits, holds, tells
from tools.base import ToolCall, ToolResult, ToolSpec

log = logging.getLogger(__name__)

TODAY = "2026-11-21"
ROUNDS = 4  # answers a turn
TOKENS = 200  # an answer
# Never called: what a check expects of it can't be had without a network.
WEATHER = "{city}: Light rain, 11 °C (feels like 9 °C), humidity 81 %, wind 14 km/h."

# A conversation with eight tools on; from the second turn on its times are taken.
TIMED = (
    "What is 12 * 12?",
    "What is 345 * 678?",
    "What is the sum of 12, 15, 18 and 21?",
    "What is 15% of 80?",
    "What is the square root of 1764?",
    "What is 2 to the power of 20?",
)


class Workbench(Protocol):
    """The app's own tools, run for real."""

    @property
    def python(self) -> ToolSpec: ...

    @property
    def own(self) -> Sequence[ToolSpec]: ...

    def result(self, name: str, input: str) -> str:
        """What the tool says to this input."""


@dataclass(frozen=True)
class Turn:
    """One turn as it went. Times in seconds; `first_token` is None when nothing came."""

    messages: tuple[Message, ...]
    first_token: float | None
    seconds: float

    @property
    def calls(self) -> list[ToolCall]:
        return [call for message in self.messages for call in message.calls]

    @property
    def last(self) -> str:
        """The text that ended the turn, empty where a call or nothing did."""
        end = self.messages[-1] if self.messages else None
        return end.text if end is not None and end.role == "assistant" and not end.calls else ""

    def observed(self, call: ToolCall) -> str:
        results = (message.result for message in self.messages if message.result is not None)
        return next((each.text for each in results if each.call_id == call.id), "")


@dataclass(frozen=True)
class Outcome:
    """What was right of one case, and what was said, for a look at it."""

    case: Case
    choice: bool = False
    result: bool = False
    answer: bool = False
    said: tuple[str, ...] = field(default=(), compare=False)


class Examiner:
    """Puts cases to a model, with real tools."""

    def __init__(self, backend: Backend, workbench: Workbench) -> None:
        self._backend, self._workbench = backend, workbench
        self._house = {spec.name: spec for spec in (workbench.python, *workbench.own)}

    def ask(self, case: Case) -> Outcome:
        """The case's conversation, and how its last turn went."""
        specs = [*(self._house.values() if case.house else ()), *case.specs]
        messages, turn = _opening(), None
        try:
            for at, request in enumerate(case.asks, 1):
                judged = case if at == len(case.asks) else None
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
        """The turns of the timed conversation, without its first."""
        specs = [*self._house.values(), BROWSER]
        messages, turns = _opening(), list[Turn]()
        try:
            for request in TIMED:
                turns.append(self._turn([*messages, user(request)], specs))
                messages += [user(request), *turns[-1].messages]
        except Exception:
            log.exception("the timed conversation broke off")
        return turns[1:]

    def _judged(self, case: Case, turn: Turn) -> Outcome:
        said = tuple(_told(message) for message in turn.messages)
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
        if not case.house:  # of a function that doesn't exist, one call is asked for
            result = result and len(calls) == 1
        answer = result and all(
            tells(turn.last, call.name, wanted.check, turn.observed(call))
            for wanted, call in zip(case.wanted, right_calls or (), strict=False)
        )
        return Outcome(case, choice, result, answer and not case.call_alone, said)

    def _right_calls(self, case: Case, turn: Turn) -> list[ToolCall] | None:
        """A call for each that is wanted, or None where one is missing."""
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
        if wanted.check.startswith("{") or case.call_alone:
            spec = self._house.get(call.name)
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
        for _ in range(ROUNDS):
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
        config = GenerationConfig(temperature=0.0, max_tokens=TOKENS, seed=1)
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
        elif call.name in self._house:
            text = self._workbench.result(call.name, call.input)
        else:
            text = f"There is no tool {call.name}."
        return Message("tool", result=ToolResult(call.id, call.name, text))

    def _forget(self, messages: Sequence[Message]) -> None:
        """Empties Python, so that no case leans on the variables of another."""
        name = self._workbench.python.name
        if any(call.name == name for message in messages for call in message.calls):
            self._workbench.result(name, "%reset -f")


def _opening() -> list[Message]:
    return [Message("system", (Text(f"You are a helpful assistant. Today is {TODAY}."),))]


def _city(call: ToolCall) -> str:
    try:
        return str(json.loads(call.input)["city"])
    except (ValueError, LookupError, TypeError):
        return "Here"


def _settled(case: Case, answer: Message) -> bool:
    """Whether an answer with calls decides the case, so that the turn need not go on."""
    if case.call_alone or not case.wanted:
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


def _told(message: Message) -> str:
    if message.result is not None:
        return f"-> {message.result.text}"
    return " ".join([message.text, *(f"[{call.name}: {call.input}]" for call in message.calls)])
