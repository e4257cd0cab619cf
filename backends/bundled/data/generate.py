"""Conversations of tasks, every piece of code run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol

from backends.bundled.data import functions, numbers, plots, sums, unseen, words
from backends.bundled.data.tasks import Skill, Task
from tools.base import ToolSpec

PYTHON_SKILLS: dict[Skill, float] = {
    **plots.SKILLS,
    **numbers.SKILLS,
    **sums.SKILLS,
    **words.SKILLS,
}
_FIGURE = re.compile(r"\[figure (\d+):")
LONGEST = 160  # characters of a result that an answer repeats


class Workshop(Protocol):
    """The tools themselves, which make the results; `own` are the app's own functions."""

    @property
    def python(self) -> ToolSpec: ...

    @property
    def own(self) -> Sequence[ToolSpec]: ...

    def result(self, name: str, input: str) -> str:
        """What the tool says to this input."""


def conversation(r: Random, workshop: Workshop) -> dict[str, Any]:
    """One conversation as JSON: `messages` and `tools`, in the form of the OpenAI API.

    A message with `"train": false` is not learned from; a tool with `"raw"` takes plain text.
    """
    today = date(2024, 6, 1) + timedelta(days=r.randint(0, 1200))
    specs, strangers = offered(r, workshop)
    names = [spec.name for spec in specs]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": f"You are a helpful assistant. Today is {today}."}
    ]
    figures = 0
    for _ in range(r.choice([3, 4, 5, 6])):
        pending = [task(r, today, names, strangers)]
        while pending:
            now = pending.pop(0)
            pending = [*now.follow, *pending]
            turns, figures = played(r, now, workshop, figures)
            messages += turns
    return {"messages": messages, "tools": [described(spec) for spec in specs]}


def offered(r: Random, workshop: Workshop) -> tuple[list[ToolSpec], list[unseen.Function]]:
    """A set of tools, and those of them that don't exist."""
    kind = r.choices(["all", "python", "strange", "functions"], [0.42, 0.22, 0.26, 0.1])[0]
    if kind == "all":
        strangers = unseen.functions(r, r.choice([0, 0, 0, 1]))
        specs = [workshop.python, *workshop.own]
    elif kind == "python":
        strangers = unseen.functions(r, r.choice([0, 1, 2]))
        specs = [workshop.python, *r.sample(workshop.own, r.choice([0, 1, 2, 3]))]
    elif kind == "strange":
        strangers = unseen.functions(r, r.choice([1, 2, 3, 4, 4]))
        specs = [workshop.python] if r.random() < 0.4 else []
    else:
        strangers = unseen.functions(r, r.choice([0, 1]))
        specs = r.sample(workshop.own, r.choice([1, 2, 4]))
    specs = [*specs, *(stranger.spec for stranger in strangers)]
    if r.random() < 0.5:
        r.shuffle(specs)
    return specs, strangers


def task(
    r: Random, today: date, names: Sequence[str], strangers: Sequence[unseen.Function]
) -> Task:
    """A task for which these tools are right, or none of them is."""
    kinds = {"python": 5.0 if "python" in names else 0, "own": 0.0, "strange": 0.0,
             "none": 0.6, "talk": 0.8}  # fmt: skip
    own = {skill: weight for skill, weight in functions.SKILLS.items() if OWN[skill] in names}
    dated = {make: weight for make, weight in functions.DATED.items() if OWN[make] in names}
    kinds["own"] = 0.5 * (sum(own.values()) + sum(dated.values()))
    kinds["strange"] = 2.2 * min(len(strangers), 2)
    kind = r.choices(list(kinds), list(kinds.values()))[0]
    if kind == "python":
        while True:
            made = r.choices(list(PYTHON_SKILLS), list(PYTHON_SKILLS.values()))[0](r)
            if not set(made.unless) & set(names):
                return made
    if kind == "own":
        choice = r.choices([*own, *dated], [*own.values(), *dated.values()])[0]
        return choice(r, today) if choice in dated else choice(r)  # type: ignore[operator]
    if kind == "strange":
        return r.choice(strangers).task(r, today)
    if kind == "none":
        return unseen.impossible(r, today, list(names))
    return unseen.saying(r)


OWN: dict[Any, str] = {
    functions.convert: "convert_units", functions.convert_error: "convert_units",
    functions.time_now: "current_time", functions.draw: "random_numbers",
    functions.weather: "weather", functions.between: "days_between", functions.add: "add_to_date",
}  # fmt: skip


def played(
    r: Random, task: Task, workshop: Workshop, figures: int
) -> tuple[list[dict[str, Any]], int]:
    """The messages of one task, and how many figures there are after it."""
    ask = task.ask
    if r.random() < 0.12:
        ask = ask[0].lower() + ask[1:]
    messages: list[dict[str, Any]] = [{"role": "user", "content": ask}]
    observed = ""
    if task.tool is not None:
        inputs = [task.input] if task.broken is None else [task.broken, task.input]
        for input in inputs:
            observed = task.observation or workshop.result(task.tool, input)
            if found := _FIGURE.search(observed):
                figures += 1
                observed = observed.replace(found[0], f"[figure {figures}:")
            messages += [called(task.tool, input, input == task.input),
                         {"role": "tool", "name": task.tool, "content": observed}]  # fmt: skip
    answer = task.answer(observed)
    if len(observed) > LONGEST and observed.strip() in answer:
        answer = "这是结果。" if not ask.isascii() else "Here it is."
    messages.append({"role": "assistant", "content": answer})
    return messages, figures


def called(name: str, input: str, train: bool) -> dict[str, Any]:
    arguments = json.dumps({"code": input}, ensure_ascii=False) if name == "python" else input
    message: dict[str, Any] = {
        "role": "assistant",
        "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}],
    }
    return message if train else message | {"train": False}


def described(spec: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
    }
    if spec.raw is not None:
        function["raw"] = spec.raw
    return {"type": "function", "function": function}


def write(out: Path, count: int, seed: int, workshop: Workshop) -> None:
    """So many conversations as JSONL, the same for the same seed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for number in range(count):
            made = conversation(Random(f"{seed}/{number}"), workshop)
            file.write(json.dumps(made, ensure_ascii=False) + "\n")
