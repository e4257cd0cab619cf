"""Generates conversations from tasks, with the real results of their calls."""

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
from finetune.bundled.data.tasks import RESULT_SEPARATOR, Skill, Task
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
MAX_REPEATED_CHARS = 160  # of a result that the answer repeats


class ToolRunner(Protocol):
    """Runs tools; `python` and `own` are the specs of Python and of the app's functions."""

    @property
    def python(self) -> ToolSpec: ...

    @property
    def own(self) -> Sequence[ToolSpec]: ...

    def result(self, name: str, input: str) -> str:
        """Run a tool. Returns the text of its result."""


def family(r: Random, runner: ToolRunner) -> dict[str, Any]:
    """Conversations with the same tools, in the form of the OpenAI API.

    Returns `conversations`, each a list of messages, and `tools`. A message with `"train": false`
    is not learned; a tool's `"raw"` names its parameter that is plain text.
    """
    today = date(2024, 6, 1) + timedelta(days=r.randint(0, 1200))
    specs, made_up_functions = offered(r, runner)
    names = [spec.name for spec in specs]
    # All conversations share the prefix with the tools; rare tools get fewer conversations.
    familiar = runner.python in specs and len(made_up_functions) < 2
    count = 30 if familiar else min(12, 4 + 2 * len(specs))
    return {
        "conversations": [
            conversation(r, today, names, made_up_functions, runner) for _ in range(count)
        ],
        "tools": [described(spec) for spec in specs],
    }


def conversation(
    r: Random,
    today: date,
    names: Sequence[str],
    made_up_functions: Sequence[unseen.Function],
    runner: ToolRunner,
) -> list[dict[str, Any]]:
    """The messages of one to three tasks and their follow-ups."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": f"You are a helpful assistant. Today is {today}."}
    ]
    figures = 0
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        pending = [task(r, today, names, made_up_functions)]
        while pending:
            now = pending.pop(0)
            # A follow-up may need a tool that is not offered here.
            usable = (t for t in now.follow if {step.tool for step in t.calls} <= set(names))
            pending = [*usable, *pending]
            turns, figures = played(r, now, runner, figures)
            messages += turns
    return messages


def offered(r: Random, runner: ToolRunner) -> tuple[list[ToolSpec], list[unseen.Function]]:
    """The tools of a family, and the made-up functions among them."""
    kinds = {"all": 0.1, "python": 0.2, "made_up": 0.54, "functions": 0.08, "many": 0.08}
    kind = r.choices(list(kinds), list(kinds.values()))[0]
    count = r.choice({"all": [0, 0, 0, 1], "python": [0, 1, 2], "made_up": [1, 2, 3, 4, 4],
                      "functions": [0, 1], "many": [4, 6, 10, 20]}[kind])  # fmt: skip
    made_up_functions = unseen.functions(r, min(count, len(unseen.LINES)))
    if kind == "all":
        specs = [runner.python, *runner.own]
    elif kind == "python":
        specs = [runner.python, *r.sample(runner.own, r.choice([0, 1, 2, 3]))]
    elif kind == "made_up":
        specs = [runner.python] if r.random() < 0.4 else []
    elif kind == "functions":
        specs = r.sample(runner.own, r.choice([1, 2, 4]))
    else:
        specs = [runner.python, *r.sample(runner.own, r.choice([2, 4, len(runner.own)]))]
    # In the app, the browser and the painter are listed after Python and before the functions.
    share = {"all": 0.4, "many": 0.4, "python": 0.25, "functions": 0.15, "made_up": 0.1}[kind]
    at = 1 if runner.python in specs else 0
    specs[at:at] = [spec for spec in (browsing.BROWSER, drawing.COGVIEW) if r.random() < share]
    specs = [*specs, *(function.spec for function in made_up_functions)]
    if r.random() < 0.5:
        r.shuffle(specs)
    if r.random() < 0.03:
        specs = [replace(spec, description="") for spec in specs]
    return specs, made_up_functions


def task(
    r: Random, today: date, names: Sequence[str], made_up_functions: Sequence[unseen.Function]
) -> Task:
    """A task that one of these tools, or none, is right for."""
    skills = {
        "own": {skill: share for skill, (tool, share) in functions.OWN.items() if tool in names},
        "trouble": {skill: share for skill, (tool, share) in trouble.OWN.items() if tool in names},
        "browse": browsing.SKILLS if browsing.BROWSER.name in names else {},
        "draw": drawing.SKILLS if drawing.COGVIEW.name in names else {},
    }
    kinds = {
        "python": 7.0 if "python" in names else 0,
        "own": 0.6 * sum(skills["own"].values()),
        "made_up": 3.5 * min(len(made_up_functions), 2),
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
    if kind == "made_up":
        return r.choice(made_up_functions).task(r, today)
    if kind == "several":
        return several.task(r, today, names, lambda: python_task(r, names))
    if kind == "none":
        return talk.impossible(r, today, names)
    return talk.saying(r, names)


def python_task(r: Random, names: Sequence[str]) -> Task:
    """A task for Python that no other offered tool is better for."""
    while True:
        made = r.choices(list(PYTHON_SKILLS), list(PYTHON_SKILLS.values()))[0](r)
        if not set(made.unless) & set(names):
            return made


def played(
    r: Random, task: Task, runner: ToolRunner, figures: int
) -> tuple[list[dict[str, Any]], int]:
    """The messages of one task, and the number of figures in the conversation after it."""
    ask = task.ask
    if r.random() < 0.12:
        ask = ask[0].lower() + ask[1:]
    messages: list[dict[str, Any]] = [{"role": "user", "content": ask}]
    results = []
    for step in task.calls:
        observed = step.observation or runner.result(step.tool, step.input)
        if found := _FIGURE.search(observed):
            figures += 1
            observed = observed.replace(found[0], f"[figure {figures}:")
        results.append(observed)
        messages += [called(step.tool, step.input, not step.mistaken),
                     {"role": "tool", "name": step.tool, "content": observed}]  # fmt: skip
    # After a corrected call, only its last result belongs to the answer.
    observed = RESULT_SEPARATOR.join(results) if task.steps else (results or [""])[-1]
    answer = task.answer(observed)
    if len(observed) > MAX_REPEATED_CHARS and observed.strip() in answer:
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


def write(out: Path, count: int, seed: int, runner: ToolRunner) -> None:
    """Write `count` families of conversations as JSONL, which depend only on the seed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for number in range(count):
            made = family(Random(f"{seed}/{number}"), runner)
            file.write(json.dumps(made, ensure_ascii=False) + "\n")
