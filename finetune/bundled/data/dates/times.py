"""Values of times, days and lengths of time: how they are said, and what is sent."""

# ruff: noqa: E501  (a line a table row)

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

Said = tuple[str, Any]  # as it stands in the request, as it is sent
Make = Callable[[Random, date], Said]
MONTHS = list(calendar.month_name)[1:]
WEEKDAYS = list(calendar.day_name)
SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve"]  # fmt: skip
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 80: "eighty"}


@dataclass(frozen=True)
class Kind:
    """A JSON schema, and a maker of random values for it."""

    schema: dict[str, Any]
    make: Make


def in_words(n: int) -> str:
    """A small integer in words, others in digits."""
    return SMALL[n] if n <= 12 else TENS.get(n, str(n))


def _time(r: Random) -> Kind:
    def make(r: Random, _: date) -> Said:
        hour, minute = r.randint(0, 23), r.choice([0, 0, 0, 15, 30, 30, 45, r.randint(1, 59)])
        sent = f"{hour:02}:{minute:02}"
        if minute == 0 and hour in (0, 12) and r.random() < 0.8:
            return "noon" if hour else "midnight", sent
        clock = (hour - 1) % 12 + 1
        half = "am" if hour < 12 else "pm"
        forms = [f"{clock}{f':{minute:02}' if minute else ''}{gap}{half}" for gap in ("", " ", " ")]
        forms += [sent, sent]
        part = (
            "in the morning"
            if 4 <= hour < 12
            else "in the afternoon"
            if 12 <= hour < 18
            else "in the evening"
        )
        if hour >= 4 and minute in (0, 15, 30, 45):
            after = clock % 12 + 1
            names = {0: f"{in_words(clock)} o'clock", 15: f"quarter past {in_words(clock)}",
                     30: f"half past {in_words(clock)}", 45: f"quarter to {in_words(after)}"}  # fmt: skip
            if not (minute == 45 and hour in (11, 17)):
                forms.append(f"{names[minute]} {part}")
        return r.choice(forms), sent

    return Kind({"type": "string"}, make)


def day(r: Random, today: date, low: int = 0, high: int = 400) -> Said:
    """A random day, `low` to `high` days after today, as it is said, and in ISO format."""
    away = r.choice(
        [
            1,
            1,
            2,
            0,
            r.randint(2, 7),
            r.randint(low, 60),
            r.randint(low, high),
            r.randint(low, high),
        ]
    )
    away = max(low, away)
    when = today + timedelta(days=away)
    month = MONTHS[when.month - 1]
    nth = {1: "st", 2: "nd", 3: "rd"}.get(
        when.day % 10 if when.day not in (11, 12, 13) else 0, "th"
    )
    forms = [f"{when}"] * 3 + [f"{month} {when.day}, {when.year}", f"{when.day} {month} {when.year}",
                               f"{month} {when.day}{nth}, {when.year}", f"the {when.day}{nth} of {month} {when.year}"]  # fmt: skip
    if away in (0, 1, 2):
        forms = [["today", "tomorrow", "the day after tomorrow"][away]]
    elif away < 8 and r.random() < 0.3:
        forms = [f"next {WEEKDAYS[when.weekday()]}"]
    elif 0 < away < 330:
        forms += [f"{month} {when.day}", f"{when.day} {month}"]
    return r.choice(forms), str(when)


def _date(r: Random) -> Kind:
    return Kind(_dated(r, "date"), day)


def _past(r: Random) -> Kind:
    """A day in the past."""

    def make(r: Random, today: date) -> Said:
        if r.random() < 0.15:
            return "yesterday", str(today - timedelta(days=1))
        when = today - timedelta(days=r.randint(2, r.choice([90, 900, 18000])))
        month = MONTHS[when.month - 1]
        forms = [
            f"{when}",
            f"{when}",
            f"{month} {when.day}, {when.year}",
            f"{when.day} {month} {when.year}",
        ]
        return r.choice(forms), str(when)

    return Kind(_dated(r, "date"), make)


def _datetime(r: Random) -> Kind:
    def make(r: Random, today: date) -> Said:
        said, sent = day(r, today)
        clock, at = _time(r).make(r, today)
        return f"{said} at {clock}", f"{sent}T{at}:00"

    return Kind({"type": "string", "format": "date-time"}, make)


def _dated(r: Random, format: str) -> dict[str, Any]:
    return {"type": "string", "format": format} if r.random() < 0.7 else {"type": "string"}


def _month(r: Random) -> Kind:
    def make(r: Random, today: date) -> Said:
        if r.random() < 0.3:
            away = r.choice([0, 1, 1])
            year, month = today.year + (today.month + away > 12), (today.month + away - 1) % 12 + 1
            return ("next month" if away else "this month"), f"{year}-{month:02}"
        year, month = today.year + r.randint(-4, 1), r.randint(1, 12)
        return r.choice([f"{year}-{month:02}", f"{MONTHS[month - 1]} {year}"]), f"{year}-{month:02}"

    return Kind({"type": "string"}, make)


def _span(
    unit: str, high: int, other: str, factor: int, special: dict[str, int]
) -> Callable[[Random], Kind]:
    """A length of time in one unit, which is said in this or a larger unit."""

    def make(r: Random, _: date) -> Said:
        kind = r.random()
        if kind < 0.18 and special:
            spoken = r.choice(list(special))
            return spoken, special[spoken]
        if kind < 0.4 and other:
            n = r.randint(2, 6)
            return f"{r.choice([str(n), in_words(n)])} {other}", n * factor
        n = r.choice(
            [
                r.randint(2, high),
                r.randint(1, high // 5 + 1) * 5 if high > 20 else r.randint(2, high),
            ]
        )
        return f"{in_words(n) if r.random() < 0.3 else n} {unit}", n

    return lambda r: Kind({"type": "integer" if r.random() < 0.7 else "number"}, make)


def _year(low: int, high: int) -> Callable[[Random], Kind]:
    def make(r: Random, _: date) -> Said:
        year = r.randint(low, high)
        return str(year), year

    return lambda _: Kind({"type": "integer"}, make)


TIMES: dict[str, Callable[[Random], Kind]] = {
    "time": _time, "date": _date, "past": _past, "datetime": _datetime, "month": _month,
    "year": _year(1900, 2026), "recent": _year(2005, 2026), "coming": _year(2027, 2060),
    "minutes": _span("minutes", 95, "hours", 60, {"an hour": 60, "half an hour": 30, "an hour and a half": 90, "a quarter of an hour": 15}),
    "seconds": _span("seconds", 90, "minutes", 60, {"a minute": 60, "half a minute": 30, "a minute and a half": 90}),
    "hours": _span("hours", 12, "days", 24, {"a day": 24, "half a day": 12}),
    "days": _span("days", 30, "weeks", 7, {"a week": 7, "a fortnight": 14}),
    "nights": _span("nights", 14, "weeks", 7, {"a week": 7}),
    "weeks": _span("weeks", 16, "", 1, {}),
    "months": _span("months", 18, "years", 12, {"a year": 12, "half a year": 6, "a year and a half": 18}),
    "years": _span("years", 30, "decades", 10, {"a decade": 10}),
}  # fmt: skip
