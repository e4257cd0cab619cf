"""A task is one request of a user and how it is met; a skill makes tasks at random."""

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
    """`{a|b}` is one of these, `{name}` a slot's value; innermost first."""
    while found := _ALTERNATIVES.search(template):
        inside = found[1]
        if inside in slots:
            # A value is data: its braces and bars stay what they are.
            value = str(slots[inside]).translate(_HIDDEN)
        else:
            value = r.choice(inside.split("|"))
        template = template[: found.start()] + value + template[found.end() :]
    return template.translate(_SHOWN)


Answer = Callable[[str], str]
PARTED = "\x1e"  # between the results of a task's steps, as its answer gets them


@dataclass(frozen=True)
class Step:
    """One call of a chain. `mistaken`: it fails and is not learned, the step after it mends it."""

    tool: str
    input: str
    observation: str | None = None
    mistaken: bool = False


@dataclass(frozen=True)
class Task:
    """What the user asks; the call that meets it (`tool` None: no call); the answer to its result.

    `unless` names tools that would be the better choice: the task is used where none of them is
    on offer. `observation` stands for a result that can't be had by running the call; `broken` is
    a first input that fails, for a call that is mended. `steps`, where there are any, are the calls
    instead, one after the other. `follow` are requests that lean on this.
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
        """The calls in order, however they were given."""
        if self.steps or self.tool is None:
            return self.steps
        last = Step(self.tool, self.input, self.observation)
        if self.broken is None:
            return (last,)
        return (Step(self.tool, self.broken, self.observation, mistaken=True), last)


Skill = Callable[[Random], Task]
DatedSkill = Callable[[Random, date], Task]


def said(text: str) -> Answer:
    """An answer that is the same whatever came."""
    return lambda _: text


def stating(r: Random, template: str, **slots: object) -> Answer:
    """An answer with `[[]]` where the result stands."""
    text = phrase(r, template, **slots)
    return lambda observed: text.replace("[[]]", observed.strip())


def arguments(**given: object) -> str:
    """The JSON of a call; dates as they are written in it."""
    return json.dumps(given, ensure_ascii=False, default=str)


def number(r: Random, low: int, high: int, step: int = 1) -> int:
    return r.randrange(low, high + 1, step)


def spoken_list(items: list[str], last: str = "and") -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
