"""Intents: many wordings of one request, and the one idiom of Python code for it.

A request is made from one of several templates, and varied (polite, terse, with typos). The code
differs only in its values, because a small model learns one idiom well and ten badly.
"""

# ruff: noqa: SIM905  (a line a template; words read better as text)

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from finetune.bundled.data.tasks import Answer, Skill, Task, phrase

Slots = Mapping[str, object]
WHAT = (
    "{What is|What's|what is|whats|Calculate|Compute|Work out|Tell me|Find|Give me|What's|What is}"
)
CHINESE = 0.24  # of the requests that have Chinese wordings
_SLOT = re.compile(r"\{(\w+[#$~]?)\}")
_SMALL = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
          "fifteen sixteen seventeen eighteen nineteen twenty").split()  # fmt: skip
_IMPERATIVES = frozenset(
    "add calculate check choose compute convert count create divide draw evaluate expand factor "
    "factorize factorise find flip generate give invert list make mix multiply order pick plot "
    "print put remove replace reverse roll round run show simplify simulate solve sort split "
    "square subtract sum take tell toss turn work write draw graph sketch".split()
)


@dataclass(frozen=True)
class Intent:
    """Templates of a request, its code and its answer.

    A template has slots `{n}`, which may also be written `{n~}` ("ten"), `{n#}` ("10th") and
    `{n$}` ("$10").

    Attributes:
        slots: makes random values of the slots.
        asks: templates of the request in English, one per line.
        code: template of the code.
        answer: template of the answer, in which `[[]]` is the result; `yes||no`: two answers, for
            the result True and for any other.
        zh: templates of the request in Chinese, one per line.
        zh_answer: template of the answer in Chinese.
        weight: relative frequency.
        unless: see `Task`.
        broken: a text in the code, and its replacement in a first attempt that fails.
        follow: request, code and answer of follow-ups, one of which may be used.
        plain: whether the request must not be varied, because its letters matter.
    """

    slots: Callable[[Random], Slots]
    asks: str
    code: str
    answer: str
    zh: str = ""
    zh_answer: str = ""
    weight: float = 1.0
    unless: tuple[str, ...] = ()
    broken: tuple[str, str] = ("", "")
    follow: tuple[tuple[str, str, str], ...] = ()
    plain: bool = False

    def task(self, r: Random) -> Task:
        slots = self.slots(r)
        chinese = bool(self.zh) and (not self.asks.strip() or r.random() < CHINESE)
        ask = one_of(r, self.zh if chinese else self.asks, slots)
        if not chinese:
            ask = dressed(r, ask, typos=not self.plain and _numeric(slots))
        code = filled(self.code, slots)
        broken = None
        if self.broken[0] and r.random() < 0.06:
            broken = code.replace(*self.broken) if self.broken[0] in code else None
        follow: tuple[Task, ...] = ()
        if self.follow and not chinese and r.random() < 0.35:
            asks, after, answer = r.choice(self.follow)
            follow = (Task(one_of(r, asks, slots), telling(filled(answer, slots)), "python",
                           filled(after, slots)),)  # fmt: skip
        answer = self.zh_answer if chinese else self.answer
        return Task(ask, telling(filled(answer, slots)), "python", code, broken=broken,
                    unless=self.unless, follow=follow)  # fmt: skip


def skill(intents: Sequence[Intent]) -> Skill:
    """A skill that makes tasks of these intents, by their weights."""

    def make(r: Random) -> Task:
        return r.choices(intents, [intent.weight for intent in intents])[0].task(r)

    return make


def one_of(r: Random, templates: str, slots: Slots) -> str:
    """One of the templates (one per line), filled; numbers are written in varying forms."""
    template = r.choice([line.strip() for line in templates.splitlines() if line.strip()])
    written: dict[str, object] = {}
    money = r.choice(["${}", "${}", "{} dollars", "{} euros", "€{}", "{}", "£{}"])
    for name, value in slots.items():
        written[name] = value
        if isinstance(value, int | float):
            small = isinstance(value, int) and 0 <= value < len(_SMALL) and r.random() < 0.3
            written[f"{name}~"] = _SMALL[int(value)] if small else value
            written[f"{name}#"] = ordinal(int(value))
            written[f"{name}$"] = money.format(value)
            if isinstance(value, int) and value >= 1000 and name != "year" and r.random() < 0.15:
                written[name] = written[f"{name}~"] = f"{value:,}"
    return phrase(r, template, **written).strip()


def filled(template: str, slots: Slots) -> str:
    """`template` with the values of its slots; other braces are unchanged."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name.endswith("#") and name[:-1] in slots:
            return ordinal(int(str(slots[name[:-1]])))
        return str(slots[name]) if name in slots else found[0]

    return _SLOT.sub(value, template)


def telling(text: str) -> Answer:
    yes, _, no = text.partition("||")
    return lambda seen: (yes if not no or "True" in seen else no).replace("[[]]", seen.strip())


def dressed(r: Random, ask: str, typos: bool = False) -> str:
    """A random variation of a request: its politeness, case, punctuation and typos."""
    first = ask.split(" ", 1)[0].lower().strip(":,")
    lower = ask if ask[:2].isupper() else ask[:1].lower() + ask[1:]
    draw = r.random()
    if first in _IMPERATIVES and draw < 0.16:
        start = r.choice(["Please ", "please ", "Can you ", "Could you ", "I want you to ",
                          "I need you to ", "Would you ", "Hey, "])  # fmt: skip
        ask = start + lower
        if start[:2] in ("Ca", "Co", "Wo"):
            ask = ask.rstrip(".?") + "?"
    elif draw < 0.04:
        ask = r.choice(["Hi! ", "Quick one: ", "Quick question: ", "OK, ", "Hello, "]) + lower
    elif draw > 0.95:
        ask = r.choice(["Use Python: ", "With Python: ", "In Python: ", "using python, ",
                        "Run some Python: "]) + lower  # fmt: skip
    elif draw > 0.91:
        ask = ask.rstrip(".?") + r.choice([" please", ", please", " in Python", " with Python",
                                           ", use Python", " thanks"])  # fmt: skip
    if ask.endswith("?") and r.random() < 0.12:
        ask = ask[:-1]
    elif ask[-1:].isalnum() and first in _IMPERATIVES and r.random() < 0.15:
        ask += "."
    if typos and r.random() < 0.05:
        ask = mistyped(r, ask)
    return ask


def mistyped(r: Random, text: str) -> str:
    """`text` with a typo in a longer word: two letters swapped, or one left out."""
    words = list(re.finditer(r"[a-z]{5,}", text))
    if not words:
        return text
    word = r.choice(words)
    at = word.start() + r.randint(1, len(word[0]) - 3)
    if r.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def size(r: Random) -> int:
    """A random number of a magnitude that is common in calculations."""
    return r.choice([r.randint(2, 12), r.randint(2, 20), r.randint(10, 99), r.randint(10, 999),
                     r.randint(100, 9999), r.choice([100, 1000, 50, 500, 10000, 250])])  # fmt: skip


def _numeric(slots: Slots) -> bool:
    return all(isinstance(value, int | float) for value in slots.values())
