"""Conversations of tasks, every piece of code run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol

from finetune.bundled.data import several, talk
from finetune.bundled.data.dates import calendars
from finetune.bundled.data.maths import (
    algebra,
    analysis,
    arithmetic,
    everyday,
    measures,
    number_theory,
    stories,
)
from finetune.bundled.data.plots import charts, plots
from finetune.bundled.data.tasks import PARTED, Skill, Task
from finetune.bundled.data.text import tables, texts
from finetune.bundled.data.tools import browsing, drawing, functions, trouble
from finetune.bundled.data.unseen import unseen
from tools.base import ToolSpec

PYTHON_SKILLS: dict[Skill, float] = {
    **arithmetic.SKILLS,
    **number_theory.SKILLS,
    **everyday.SKILLS,
    **measures.SKILLS,
    **stories.SKILLS,
    **analysis.SKILLS,
    **algebra.SKILLS,
    **texts.SKILLS,
    **calendars.SKILLS,
    **tables.SKILLS,
    **plots.SKILLS,
    **charts.SKILLS,
}
_FIGURE = re.compile(r"\[figure (\d+):")
RAW = {"python": "code", browsing.BROWSER.name: "input", drawing.COGVIEW.name: "prompt"}
LONGEST = 160  # characters of a result that an answer repeats


class Workshop(Protocol):
    """The tools themselves, which make the results; `own` are the app's own functions."""

    @property
    def python(self) -> ToolSpec: ...

    @property
    def own(self) -> Sequence[ToolSpec]: ...

    def result(self, name: str, input: str) -> str:
        """What the tool says to this input."""


def family(r: Random, workshop: Workshop) -> dict[str, Any]:
    """Conversations that have their tools in common, as JSON: `conversations`, each a list of
    messages, and `tools`, in the form of the OpenAI API.

    A message with `"train": false` is not learned from; a tool with `"raw"` takes plain text.
    """
    today = date(2024, 6, 1) + timedelta(days=r.randint(0, 1200))
    specs, strangers = offered(r, workshop)
    names = [spec.name for spec in specs]
    # A listing is read once for many; one that nobody meets again, for few.
    familiar = workshop.python in specs and len(strangers) < 2
    count = 30 if familiar else min(12, 4 + 2 * len(specs))
    return {
        "conversations": [conversation(r, today, names, strangers, workshop) for _ in range(count)],
        "tools": [described(spec) for spec in specs],
    }


def conversation(
    r: Random,
    today: date,
    names: Sequence[str],
    strangers: Sequence[unseen.Function],
    workshop: Workshop,
) -> list[dict[str, Any]]:
    """The messages of one to three tasks and what follows from them."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": f"You are a helpful assistant. Today is {today}."}
    ]
    figures = 0
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        pending = [task(r, today, names, strangers)]
        while pending:
            now = pending.pop(0)
            # What follows may lean on a tool that is not on offer here.
            usable = (t for t in now.follow if {step.tool for step in t.calls} <= set(names))
            pending = [*usable, *pending]
            turns, figures = played(r, now, workshop, figures)
            messages += turns
    return messages


def offered(r: Random, workshop: Workshop) -> tuple[list[ToolSpec], list[unseen.Function]]:
    """A set of tools, and those of them that don't exist."""
    kinds = {"all": 0.1, "python": 0.2, "strange": 0.54, "functions": 0.08, "many": 0.08}
    kind = r.choices(list(kinds), list(kinds.values()))[0]
    count = r.choice({"all": [0, 0, 0, 1], "python": [0, 1, 2], "strange": [1, 2, 3, 4, 4],
                      "functions": [0, 1], "many": [4, 6, 10, 20]}[kind])  # fmt: skip
    strangers = unseen.functions(r, min(count, len(unseen.LINES)))
    if kind == "all":
        specs = [workshop.python, *workshop.own]
    elif kind == "python":
        specs = [workshop.python, *r.sample(workshop.own, r.choice([0, 1, 2, 3]))]
    elif kind == "strange":
        specs = [workshop.python] if r.random() < 0.4 else []
    elif kind == "functions":
        specs = r.sample(workshop.own, r.choice([1, 2, 4]))
    else:
        specs = [workshop.python, *r.sample(workshop.own, r.choice([2, 4, len(workshop.own)]))]
    # The browser and the painter come with the app, beside Python and before the functions.
    share = {"all": 0.4, "many": 0.4, "python": 0.25, "functions": 0.15, "strange": 0.1}[kind]
    at = 1 if workshop.python in specs else 0
    specs[at:at] = [spec for spec in (browsing.BROWSER, drawing.COGVIEW) if r.random() < share]
    specs = [*specs, *(stranger.spec for stranger in strangers)]
    if r.random() < 0.5:
        r.shuffle(specs)
    if r.random() < 0.03:
        specs = [replace(spec, description="") for spec in specs]
    return specs, strangers


def task(
    r: Random, today: date, names: Sequence[str], strangers: Sequence[unseen.Function]
) -> Task:
    """A task for which these tools are right, or none of them is."""
    skills = {
        "own": {skill: share for skill, (tool, share) in functions.OWN.items() if tool in names},
        "trouble": {skill: share for skill, (tool, share) in trouble.OWN.items() if tool in names},
        "browse": browsing.SKILLS if browsing.BROWSER.name in names else {},
        "draw": drawing.SKILLS if drawing.COGVIEW.name in names else {},
    }
    kinds = {
        "python": 7.0 if "python" in names else 0,
        "own": 0.6 * sum(skills["own"].values()),
        "strange": 3.5 * min(len(strangers), 2),
        "browse": 1.6 if skills["browse"] else 0,
        "draw": 0.8 if skills["draw"] else 0,
        "trouble": 0.3 if skills["trouble"] else 0,
        "several": 0.7,
        "none": 1.1,
        "talk": 0.9,
    }
    kind = r.choices(list(kinds), list(kinds.values()))[0]
    if kind == "python":
        return python_task(r, names)
    if kind in skills:
        choice = skills[kind]
        return r.choices(list(choice), list(choice.values()))[0](r, today)
    if kind == "strange":
        return r.choice(strangers).task(r, today)
    if kind == "several":
        return several.task(r, today, names, lambda: python_task(r, names))
    if kind == "none":
        return talk.impossible(r, today, names)
    return talk.saying(r, names)


def python_task(r: Random, names: Sequence[str]) -> Task:
    """A task for Python that no other tool on offer does better."""
    while True:
        made = r.choices(list(PYTHON_SKILLS), list(PYTHON_SKILLS.values()))[0](r)
        if not set(made.unless) & set(names):
            return made


def played(
    r: Random, task: Task, workshop: Workshop, figures: int
) -> tuple[list[dict[str, Any]], int]:
    """The messages of one task, and how many figures there are after it."""
    ask = task.ask
    if r.random() < 0.12:
        ask = ask[0].lower() + ask[1:]
    messages: list[dict[str, Any]] = [{"role": "user", "content": ask}]
    results = []
    for step in task.calls:
        observed = step.observation or workshop.result(step.tool, step.input)
        if found := _FIGURE.search(observed):
            figures += 1
            observed = observed.replace(found[0], f"[figure {figures}:")
        results.append(observed)
        messages += [called(step.tool, step.input, not step.mistaken),
                     {"role": "tool", "name": step.tool, "content": observed}]  # fmt: skip
    # A mended call's answer is made of its last result alone.
    observed = PARTED.join(results) if task.steps else (results or [""])[-1]
    answer = task.answer(observed)
    if len(observed) > LONGEST and observed.strip() in answer:
        answer = "这是结果。" if not ask.isascii() else "Here it is."
    messages.append({"role": "assistant", "content": answer})
    return messages, figures


def called(name: str, input: str, train: bool) -> dict[str, Any]:
    plain = RAW.get(name)
    arguments = json.dumps({plain: input}, ensure_ascii=False) if plain else input
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
    """So many families of conversations as JSONL, the same for the same seed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for number in range(count):
            made = family(Random(f"{seed}/{number}"), workshop)
            file.write(json.dumps(made, ensure_ascii=False) + "\n")
