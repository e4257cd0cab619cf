"""Scores of the bundled model with its adapter: `make eval-bundled` prints the table.

The held-out requests run as on the page: through llama.cpp, all tools on, the tools really
called, their results read by the model. What is counted:

    choice      the first answer calls the right tool, or none where none fits
    result      the call did what was asked: value, figure, or arguments as expected
    answer      the turn ended, and its answer holds the value (where there is one)
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from backends.base import (
    AnswerFinished,
    Backend,
    GenerationConfig,
    Message,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    user,
)
from backends.bundled.data.generate import Workshop
from tools.base import ToolCall, ToolResult, ToolSpec

HELD_OUT = Path(__file__).with_name("heldout.txt")
TODAY = "2026-11-21"
ROUNDS = 4
TOKENS = 256
# Never called: what a check expects of these can't be had without a network.
OFFLINE = {"weather"}


@dataclass(frozen=True)
class Case:
    """One request (the last of `asks`), the tool that is right, and what must come of it."""

    kind: str
    asks: tuple[str, ...]
    tool: str | None
    check: str
    specs: tuple[ToolSpec, ...] = ()


@dataclass
class Outcome:
    """What happened with one case."""

    case: Case
    choice: bool = False
    result: bool = False
    answer: bool = False
    first_token: float = 0.0
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)


def cases(path: Path = HELD_OUT) -> list[Case]:
    """The held-out requests. A function that doesn't exist is offered alone, and among four."""
    found: list[Case] = []
    strange: list[tuple[ToolSpec, str, str]] = []
    kind, spec = "", None
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            kind = line.strip("[]")
        elif kind == "unseen" and not line.startswith(">"):
            spec = signature(line)
        elif kind == "unseen":
            assert spec is not None
            ask, _, check = line[1:].strip().partition(" | ")
            strange.append((spec, ask, check))
        else:
            asks, tool, check = (part.strip() for part in f"{line} ".split(" | ", 2))
            name = None if tool == "none" else tool
            found.append(Case(kind, tuple(asks.split(" ;; ")), name, check))
    others = list({each.name: each for each, _, _ in strange}.values())
    random = Random(1)
    for each, ask, check in strange:
        found.append(Case("unseen alone", (ask,), each.name, check, (each,)))
        decoys = random.sample([other for other in others if other.name != each.name], 3)
        among = [each, *decoys]
        random.shuffle(among)
        found.append(Case("unseen of four", (ask,), each.name, check, tuple(among)))
    return found


def signature(line: str) -> ToolSpec:
    """`name(a, b?: integer, c: x|y, d: [string]): description` as a spec."""
    head, _, description = line.partition("): ")
    name, _, inside = head.partition("(")
    properties: dict[str, Any] = {}
    required = []
    for part in inside.split(", ") if inside else []:
        key, _, kind = part.partition(": ")
        if not key.endswith("?"):
            required.append(key)
        properties[key.rstrip("?")] = _schema(kind)
    schema = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description, schema)


def _schema(kind: str) -> dict[str, Any]:
    if "|" in kind:
        return {"type": "string", "enum": kind.split("|")}
    if kind.startswith("["):
        return {"type": "array", "items": _schema(kind[1:-1])}
    if kind == "date":
        return {"type": "string", "format": "date"}
    return {"type": kind or "string"}


class Examiner:
    """Puts cases to a model, with real tools."""

    def __init__(self, backend: Backend, workshop: Workshop) -> None:
        self._backend, self._workshop = backend, workshop
        self._all = (workshop.python, *workshop.own)

    def ask(self, case: Case) -> Outcome:
        outcome = Outcome(case)
        specs = case.specs or self._all
        messages = [Message("system", (Text(f"You are a helpful assistant. Today is {TODAY}."),))]
        for ask in case.asks[:-1]:
            messages = self._turn([*messages, user(ask)], specs, Outcome(case))
        at = len(messages)
        began = time.monotonic()
        messages = self._turn([*messages, user(case.asks[-1])], specs, outcome)
        outcome.seconds = time.monotonic() - began
        turn = messages[at + 1 :]
        calls = [call for message in turn for call in message.calls]
        seen = [message.result.text for message in turn if message.result is not None]
        name = calls[0].name if calls else None
        outcome.choice = name == case.tool
        final = turn[-1].text if turn and not turn[-1].calls else ""
        if case.tool is None:
            outcome.result = outcome.answer = outcome.choice and bool(final.strip())
        elif case.check.startswith("{"):
            outcome.result = outcome.choice and fits(calls[0], case.check)
            outcome.answer = outcome.result and bool(final.strip())
        else:
            outcome.result = any(holds(text, case.check) for text in seen)
            wanted = "" if case.check == "figure" else case.check
            value = case.tool in ("python", "convert_units", "days_between", "add_to_date")
            outcome.answer = outcome.result and bool(final.strip())
            if value and wanted:
                outcome.answer = outcome.answer and holds(final, wanted.removesuffix(" days"))
        return outcome

    def _turn(
        self, messages: Sequence[Message], specs: Sequence[ToolSpec], outcome: Outcome
    ) -> list[Message]:
        messages = list(messages)
        known = {spec.name for spec in self._all}
        for _ in range(ROUNDS):
            answer = self._answer(messages, specs, outcome)
            messages.append(answer)
            outcome.said += [answer.text, *(f"{c.name}: {c.input}" for c in answer.calls)]
            if not answer.calls:
                break
            for call in answer.calls:
                offline = call.name in OFFLINE or call.name not in known
                text = "ok" if offline else self._workshop.result(call.name, call.input)
                outcome.said.append(f"-> {text}")
                messages.append(Message("tool", result=ToolResult(call.id, call.name, text)))
            if outcome.case.specs:  # the call alone is judged
                break
        return messages

    def _answer(
        self, messages: Sequence[Message], specs: Sequence[ToolSpec], outcome: Outcome
    ) -> Message:
        began = time.monotonic()
        text, calls = "", list[ToolCall]()
        config = GenerationConfig(temperature=0.0, max_tokens=TOKENS, seed=1)
        for event in self._backend.generate(messages, specs, config, threading.Event()):
            if isinstance(event, TextDelta | ToolCallDelta) and not outcome.first_token:
                outcome.first_token = time.monotonic() - began
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, ToolCallReady):
                calls.append(event.call)
            elif isinstance(event, AnswerFinished):
                break
        return Message("assistant", (Text(text),) if text else (), calls=tuple(calls))


def holds(text: str, check: str) -> bool:
    """Whether one of the checks stands in a text: a figure, a number as such, or the words."""
    if check == "figure":
        return "[figure" in text
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    found = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", plain)
    for wanted in check.split("|"):
        if not re.fullmatch(r"-?\d+(\.\d+)?", wanted):
            before, after = (r"(?<!\w)", r"(?!\w)")
            around = (before * wanted[:1].isalnum(), after * wanted[-1:].isalnum())
            if re.search(re.escape(wanted).join(around), text, re.IGNORECASE):
                return True
            continue
        # A decimal that is expected was cut, not rounded: one in its last place is allowed.
        places = len(wanted.partition(".")[2])
        near = 10.0**-places if places else 1e-6
        for number in found:
            short = len(number.partition(".")[0]) <= 12  # a float tells longer ones apart no more
            if number == wanted or (short and abs(float(number) - float(wanted)) <= near):
                return True
            if number.rstrip("0") == f"{wanted}." or number == f"{wanted}.0":
                return True
    return False


def fits(call: ToolCall, check: str) -> bool:
    """Whether the arguments are the expected ones; `a|b` in a text is either."""
    try:
        given = json.loads(call.input or "{}")
    except ValueError:
        return False
    wanted = json.loads(check)
    if not isinstance(given, dict) or set(given) != set(wanted):
        return False
    return all(_same(given[name], value) for name, value in wanted.items())


def _same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return str(given).casefold() in wanted.casefold().split("|")
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    return bool(given == wanted)


def table(outcomes: Sequence[Outcome]) -> str:
    """The scores, a line a kind."""
    kinds = list(dict.fromkeys(outcome.case.kind for outcome in outcomes))
    lines = ["| requests | number | right tool | right result | right answer |",
             "| --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for kind in [*kinds, "all"]:
        some = [each for each in outcomes if kind in (each.case.kind, "all")]
        called_only = kind.startswith("unseen")
        lines.append(
            f"| {kind} | {len(some)} | {_share(some, lambda o: o.choice)} | "
            f"{_share(some, lambda o: o.result)} | "
            f"{'' if called_only else _share(some, lambda o: o.answer)} |"
        )
    own = [each for each in outcomes if not each.case.specs]
    first = sorted(each.first_token for each in own)
    whole = sorted(each.seconds for each in own if each.case.tool == "python")
    if first and whole:
        lines += ["", f"First token: {first[len(first) // 2]:.2f} s, a turn with Python: "
                  f"{whole[len(whole) // 2]:.2f} s (medians)."]  # fmt: skip
    return "\n".join(lines)


def _share(outcomes: Sequence[Outcome], right: Callable[[Outcome], bool]) -> str:
    return f"{sum(map(right, outcomes)) / max(1, len(outcomes)):.1%}"
