"""Tasks in which a call of the app's functions fails, and is corrected or given up."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from finetune.bundled.data.dates import datewords, spans
from finetune.bundled.data.maths import quantities
from finetune.bundled.data.maths.quantities import UNIT, UNITS
from finetune.bundled.data.tasks import (
    RESULT_SEPARATOR,
    Answer,
    DatedSkill,
    Step,
    Task,
    arguments,
    phrase,
    said,
)
from finetune.bundled.data.tools import places

# Names of units that the tool doesn't know by that name, and units that it doesn't know at all.
SPOKEN = ["miles per hour", "kilometres per hour", "metres per second", "kilos", "cubic metres"]
UNKNOWN = [("acres", "hectares"), ("horsepower", "kilowatts"), ("joules", "calories"), ("light years", "km"), ("carats", "grams"), ("fathoms", "metres"),
           ("psi", "bar"), ("bytes", "megabytes"), ("furlongs", "miles"), ("barrels", "litres"), ("parsecs", "light years"), ("teaspoons", "ml"),
           ("square feet", "square metres"), ("watts", "horsepower"), ("tablespoons", "cups")]  # fmt: skip


def last(answer: Answer) -> Answer:
    """An answer that depends only on the last of several results."""
    return lambda observed: answer(observed.rsplit(RESULT_SEPARATOR, 1)[-1])


def mended(ask: str, answer: Answer, tool: str, wrong: str, right: str) -> Task:
    return Task(ask, last(answer), steps=(Step(tool, wrong, mistaken=True), Step(tool, right)))


def unit(r: Random, today: date) -> Task:
    a = r.choice(SPOKEN)
    kind = next(kind for kind, units in UNITS.items() if a in units)
    b = r.choice([u for u in UNITS[kind] if UNIT.get(u, u) != UNIT[a]])
    q, n = quantities.amount(r)
    x, y = UNIT[a], UNIT.get(b, b)
    if r.random() < 0.5:
        a, b, wrong = b, a, arguments(amount=n, from_unit=y, to_unit=a)
        x, y = y, x
    else:
        wrong = arguments(amount=n, from_unit=a, to_unit=y)
    return mended(phrase(r, quantities.ASKS, q=q, a=a, b=b), lambda seen: f"{seen}.", "convert_units", wrong,
                  arguments(amount=n, from_unit=x, to_unit=y))  # fmt: skip


def no_unit(r: Random, today: date) -> Task:
    a, b = r.choice(UNKNOWN)
    if r.random() < 0.5:
        a, b = b, a
    q, n = quantities.amount(r)

    def answer(seen: str) -> str:
        return f"I can't convert that: the unit {a if f'unit {a} ' in seen else b} is not known."

    return Task(phrase(r, quantities.ASKS, q=q, a=a, b=b), answer, "convert_units",
                arguments(amount=n, from_unit=UNIT.get(a, a), to_unit=UNIT.get(b, b)))  # fmt: skip


def zone(r: Random, today: date) -> Task:
    city, right = r.choice(list(places.ZONES.items()))
    return mended(phrase(r, places.TIME_IN, c=city), lambda seen: f"In {city} it is {places.clock(seen)}.", "current_time",
                  arguments(zone=city), arguments(zone=right))  # fmt: skip


def no_zone(r: Random, today: date) -> Task:
    """A place that doesn't exist: a second attempt, then an answer that says so."""
    city = r.choice(
        [
            "Atlantis",
            "Springfield",
            "Narnia",
            "Gotham",
            places.place(r).split()[-1] + "ino",
            "Hogwarts",
            "Mordor",
        ]
    )
    steps = (
        Step("current_time", arguments(zone=city)),
        Step("current_time", arguments(zone=f"Europe/{city}")),
    )
    return Task(phrase(r, places.TIME_IN, c=city), said(f"I don't know the time in {city}: no time zone has that name."),
                steps=steps if r.random() < 0.5 else steps[:1])  # fmt: skip


def no_place(r: Random, today: date) -> Task:
    city = places.place(r)
    return Task(phrase(r, places.WEATHER_IN, c=city), said(f"The weather service knows no place named {city}."), "weather", arguments(city=city),
                observation=f"The weather service knows no place named {city}.")  # fmt: skip


def busy(r: Random, today: date) -> Task:
    """A service that fails once, or every time."""
    city = places.place(r)
    seen, answer = places.look(r, city)
    trouble = r.choice(
        [
            "The weather service refused (HTTP 503).",
            "The weather service gave an answer that can't be read.",
        ]
    )
    ask, call = phrase(r, places.WEATHER_IN, c=city), arguments(city=city)
    good = r.random() < 0.5
    return Task(ask, said(answer if good else "I can't look up the weather now: the service doesn't answer."),
                steps=(Step("weather", call, trouble), Step("weather", call, seen if good else trouble)))  # fmt: skip


def span(r: Random, today: date) -> Task:
    """A date in a format that the tool doesn't accept."""
    goal = today + timedelta(days=r.randint(3, 700))
    named = datewords.written(r, goal)
    while named in (goal.isoformat(), goal.isoformat().replace("-", "/")):
        named = datewords.written(r, goal)
    ask = phrase(r, spans.UNTIL, d=named)
    return mended(ask[0].upper() + ask[1:], spans.counting(f"There are # days until {named}."), "days_between",
                  arguments(start=today, end=named), arguments(start=today, end=goal))  # fmt: skip


def limits(r: Random, today: date) -> Task:
    low = r.randint(0, 40)
    high = low + r.randint(2, 60) + 0.5
    asked = phrase(
        r, "{Pick|Give me|Draw} a random number {between|from} {l} {and|to} {h}", l=low, h=high
    )
    wrong, right = arguments(low=low, high=high), arguments(low=low, high=high, kind="decimal")
    return mended(
        asked, lambda seen: f"The result is {seen.strip()}.", "random_numbers", wrong, right
    )


OWN: dict[DatedSkill, tuple[str, float]] = {
    unit: ("convert_units", 1), no_unit: ("convert_units", 1), zone: ("current_time", 1), no_zone: ("current_time", 0.7),
    no_place: ("weather", 0.6), busy: ("weather", 0.6), span: ("days_between", 1), limits: ("random_numbers", 0.5),
}  # fmt: skip
