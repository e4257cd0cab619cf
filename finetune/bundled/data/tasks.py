"""Tasks: a user's request, its calls and the answer. A skill makes random tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random

from tools.base import ToolSpec

_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
_HIDDEN = str.maketrans("{|}", "\ue0f2\ue0f3\ue0f4")
_SHOWN = str.maketrans("\ue0f2\ue0f3\ue0f4", "{|}")


def phrase(r: Random, template: str, **slots: object) -> str:
    """Expand a template: `{a|b}` to one of its alternatives, `{name}` to the slot's value.

    Braces may be nested; the innermost are expanded first.
    """
    while found := _ALTERNATIVES.search(template):
        inside = found[1]
        if inside in slots:
            # Braces and bars in a value are not expanded.
            value = str(slots[inside]).translate(_HIDDEN)
        else:
            value = r.choice(inside.split("|"))
        template = template[: found.start()] + value + template[found.end() :]
    return template.translate(_SHOWN)


Answer = Callable[[str], str]
"""Makes the answer from the result; for `Task.steps`, from the results joined by
`RESULT_SEPARATOR`."""
RESULT_SEPARATOR = "\x1e"


@dataclass(frozen=True)
class Step:
    """A call in a sequence.

    Attributes:
        tool: name of the tool.
        input: its input.
        observation: the result, if the call can't be run.
        mistaken: whether it fails; it is not learned, and the next step corrects it.
    """

    tool: str
    input: str
    observation: str | None = None
    mistaken: bool = False


@dataclass(frozen=True)
class Task:
    """A user's request, and how it is answered.

    Attributes:
        ask: the request.
        answer: makes the answer from the result.
        tool: name of the tool to call; None: no call.
        input: the call's input.
        spec: the tool's spec, for a made-up function.
        observation: the result, if the call can't be run.
        broken: a first input that fails and is then corrected.
        unless: tools that would be a better choice; the task isn't used if one is offered.
        steps: calls in sequence, in place of `tool` and `input`.
        follow: follow-up requests, which depend on this one.
    """

    ask: str
    answer: Answer
    tool: str | None = None
    input: str = ""
    spec: ToolSpec | None = None
    observation: str | None = None
    broken: str | None = None
    unless: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    follow: tuple[Task, ...] = ()

    @property
    def calls(self) -> tuple[Step, ...]:
        """All calls in order, from `steps`, or from `tool`, `input` and `broken`."""
        if self.steps or self.tool is None:
            return self.steps
        last = Step(self.tool, self.input, self.observation)
        if self.broken is None:
            return (last,)
        return (Step(self.tool, self.broken, self.observation, mistaken=True), last)


Skill = Callable[[Random], Task]
DatedSkill = Callable[[Random, date], Task]


def said(text: str) -> Answer:
    """An answer that doesn't depend on the result."""
    return lambda _: text


def stating(r: Random, template: str, **slots: object) -> Answer:
    """An answer from a template in which `[[]]` is the result; see `phrase`."""
    text = phrase(r, template, **slots)
    return lambda observed: text.replace("[[]]", observed.strip())


def arguments(**given: object) -> str:
    """The arguments of a call as JSON; dates are in ISO format."""
    return json.dumps(given, ensure_ascii=False, default=str)


def number(r: Random, low: int, high: int, step: int = 1) -> int:
    return r.randrange(low, high + 1, step)


def spoken_list(items: list[str], last: str = "and") -> str:
    """`items` as a list in words: "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
