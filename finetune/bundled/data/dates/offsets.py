"""Tasks on dates that are a number of days, weeks or months before or after another."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from finetune.bundled.data.dates.datewords import FEASTS, NAMED, upcoming, written, written_zh
from finetune.bundled.data.dates.spans import capital
from finetune.bundled.data.maths.quantities import SPOKEN
from finetune.bundled.data.tasks import DatedSkill, Task, arguments, phrase

WHICH = "{What {date|day|day of the week} is|Which {date|day} is|What's the date|What is the date|Find the date|When is|Tell me the date|Give me the date|Which weekday is}"
WAS = "{What {date|day|day of the week} was|Which {date|day} was|What was the date|When was|What date did we have|What day was it}"
BESIDE = (
    "{"
    + WHICH
    + " {n} {k} {d}{?|}|{What day|What date} is it {n} {k} {d}{?|}|{n} {k} {d}{?|: which date is that?|, what date is that?|is what date?}}"
)
PLUS = (
    "{"
    + BESIDE
    + "|{Add {n} to {d}|{d} plus {n}{?|}|Start at {d} and add {n}|What is {d} plus {n}?|{n} from {d}{, when is that|}?|Count {n} from {d}}}"
)
MINUS = (
    "{"
    + BESIDE
    + "|{Take {n} from {d}|{d} minus {n}{?|}|Subtract {n} from {d}|Go back {n} from {d}|What is {d} minus {n}?}}"
)
STORY = (
    "{{I bought it|The course starts|The visa was issued|I sent it|The trial begins|The warranty starts|The project starts} {on}"
    "{ and takes| and lasts|. It lasts| and runs for} {n}. {When does it end|What is the last date|When is it over|On which date does it end}?|"
    "If I {start|begin} {on} and need {n}, when am I {done|ready|finished}?|{The milk|The offer|The ticket} is {good|valid} for {n} from {d}. "
    "When does it {expire|run out|end}?}"
)
AHEAD = (
    "{{What {date|day|weekday} {is it|will it be|is|do we have}|Which {day|date} is|When is|What is the date|What will the date be|"
    "Which date will it be|What's the date|Tell me the date|What weekday will it be} {{n} {from now|from today|ahead}|in {n}}{?|}|"
    "{In {n}|{n} from now}{, what date is it|: which date|, which day is it}?|Date in {n}|Today plus {n}{?|}|{What date comes|Which day comes} {n} after today?|"
    "Add {n} to today|I have {n}. Which date is that?|The deadline is in {n}. {Which date is that|What date is that}?}"
)
AGO = (
    "{"
    + WAS
    + " {n} {ago|before today|earlier|back}{?|}|{n} ago{ was which date|, what date was it|: which day was that}?|Date {n} ago|"
    "Today minus {n}{?|}|{I saw her|It happened|We arrived|I bought it} {n} ago. {Which date|What day|What date} was that?}"
)
NEAR = [("{What {day|date} is|What's the date} tomorrow{?|}", 1), ("{Which|What} {day|date} is the day after tomorrow{?|}", 2),
        ("{What {day|date} was|What was the date} yesterday{?|}", -1), ("{What|Which} {day|date} was the day before yesterday{?|}", -2)]  # fmt: skip


def length(r: Random) -> tuple[str, int, str]:
    """A length of time: in words, its number, and its unit."""
    if r.random() < 0.08:
        return r.choice(
            [
                ("a week", 1, "weeks"),
                ("one week", 1, "weeks"),
                ("a fortnight", 2, "weeks"),
                ("a day", 1, "days"),
            ]
        )
    n = r.choice(
        [
            r.randint(2, 12),
            r.randint(2, 20),
            r.randint(10, 400),
            r.choice([30, 60, 90, 100, 180, 1000]),
        ]
    )
    unit = r.choice(["days", "days", "weeks"])
    return f"{SPOKEN[n] if n in SPOKEN and r.random() < 0.4 else n} {unit}", n, unit


def add(r: Random, today: date) -> Task:
    said, n, unit = length(r)
    kind = r.choices(
        ["now", "ago", "after", "before", "near", "story", "zh"], [3, 2, 2.4, 1.6, 1, 1.3, 1.7]
    )[0]
    if kind == "zh":
        return add_zh(r, today)
    if kind == "near":
        ask, n = r.choice(NEAR)
        return Task(
            phrase(r, ask),
            lambda seen: f"That {'is' if n > 0 else 'was'} {seen.strip()}.",
            "add_to_date",
            arguments(start=today, amount=n),
        )
    sign = -1 if kind in ("ago", "before") else 1
    start = date(1970, 1, 1) + timedelta(days=r.randint(0, 25000))
    named = written(r, start)
    if kind in ("after", "before"):
        if r.random() < 0.15:
            named = r.choice(NAMED)
            start = upcoming(*FEASTS[named], today)
            named = f"{named} {start.year}" if r.random() < 0.4 else named
        ask = phrase(r, PLUS if sign > 0 else MINUS, n=said, k=kind, d=named)
        end = f"{said} {kind} {named}"
    elif kind == "story":
        if r.random() < 0.3:
            start, named = today, "today"
        ask = phrase(r, STORY, on="today" if named == "today" else f"on {named}", n=said, d=named)
        end = f"{said} after {named}"
    else:
        start = today
        ask = phrase(r, AHEAD if sign > 0 else AGO, n=said)
        end = f"In {said}" if sign > 0 else f"{said} ago"
    follow: tuple[Task, ...] = ()
    if r.random() < 0.2 and kind in ("now", "ago"):
        m = r.randint(2, 90)
        head = f"In {m} {unit}" if sign > 0 else f"{m} {unit} ago"
        follow = (Task(phrase(r, "{And|and|What about|how about} {w}{?|}", w=head[0].lower() + head[1:]), lambda seen: f"{head}: {seen.strip()}.",
                       "add_to_date", counted_from(today, sign * m, unit)),)  # fmt: skip
    return Task(
        capital(ask),
        lambda seen: f"{capital(end)}: {seen.strip()}.",
        "add_to_date",
        counted_from(start, sign * n, unit),
        follow=follow,
    )


def counted_from(start: date, amount: int, unit: str) -> str:
    """The call's arguments; the unit is left out for days, the default."""
    return arguments(start=start, amount=amount, **({"unit": unit} if unit == "weeks" else {}))


def add_zh(r: Random, today: date) -> Task:
    n, unit = r.choice(
        [(r.randint(2, 20), "天"), (r.randint(10, 300), "天"), (r.randint(2, 30), "周")]
    )
    back = r.random() < 0.35
    way, start = "前" if back else "后", today
    if r.random() < 0.3:
        start = date(1980, 1, 1) + timedelta(days=r.randint(0, 20000))
        ask = phrase(
            r,
            "{d} {之|}{k} {n} {u}是{哪天|几号|哪一天|什么日期}？",
            d=written_zh(r, start),
            k=way,
            n=n,
            u=unit,
        )
    else:
        ask = phrase(r, "{{n}{ |}{u}{之|以|}{k}是{哪天|几号|什么日子|星期几|哪一天|什么日期}？|今天{往|向}{k}{n}{u}是哪一天？|{n}{u}{k}{的日期是什么|是几月几号}？}",
                     n=n, u=unit, k=way)  # fmt: skip
    return Task(
        ask,
        lambda seen: f"是 {seen.strip()}。",
        "add_to_date",
        counted_from(start, -n if back else n, "weeks" if unit == "周" else "days"),
    )


OWN: dict[DatedSkill, tuple[str, float]] = {add: ("add_to_date", 2.6)}
