"""Formats dates as people say them: in words, without a year, by the name of a holiday."""

# ruff: noqa: E501  (a line a form)

from __future__ import annotations

from datetime import date
from random import Random

from finetune.bundled.data.vocabulary import MONTHS

# name: month, day
FEASTS = {"Christmas": (12, 25), "Christmas Day": (12, 25), "Christmas Eve": (12, 24), "New Year": (1, 1), "New Year's Day": (1, 1),
          "New Year's Eve": (12, 31), "Valentine's Day": (2, 14), "Halloween": (10, 31), "April Fools' Day": (4, 1),
          "St. Patrick's Day": (3, 17), "May Day": (5, 1), "Independence Day": (7, 4), "the 4th of July": (7, 4),
          "Women's Day": (3, 8), "the end of the year": (12, 31)}  # fmt: skip
NAMED = [feast for feast in FEASTS if not feast.startswith("the ")]
FEASTS_ZH = {
    "圣诞节": (12, 25),
    "元旦": (1, 1),
    "国庆节": (10, 1),
    "劳动节": (5, 1),
    "情人节": (2, 14),
    "儿童节": (6, 1),
    "教师节": (9, 10),
}


def ordinal(n: int) -> str:
    return f"{n}{'th' if n in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def written(r: Random, when: date) -> str:
    """A date in a random unambiguous format."""
    month, day, year = MONTHS[when.month - 1], when.day, when.year
    return r.choice([
        *[when.isoformat()] * 4, f"{month} {day}, {year}", f"{month} {day}, {year}", f"{day} {month} {year}", f"{day} {month} {year}",
        f"{month} {day} {year}", f"{month} {ordinal(day)}, {year}", f"the {ordinal(day)} of {month} {year}", f"{ordinal(day)} {month} {year}",
        f"{month[:3]} {day}, {year}", f"{day} {month[:3]} {year}", f"{year}/{when.month:02}/{day:02}", f"the {ordinal(day)} of {month}, {year}",
    ])  # fmt: skip


def without_year(r: Random, when: date) -> str:
    month, day = MONTHS[when.month - 1], when.day
    return r.choice(
        [
            f"{month} {day}",
            f"{day} {month}",
            f"the {ordinal(day)} of {month}",
            f"{month} {ordinal(day)}",
            f"{month[:3]} {day}",
        ]
    )


def written_zh(r: Random, when: date) -> str:
    return r.choice(
        [
            when.isoformat(),
            f"{when.year}年{when.month}月{when.day}日",
            f"{when.year}年{when.month}月{when.day}号",
        ]
    )


def upcoming(month: int, day: int, today: date) -> date:
    this = date(today.year, month, day)
    return this if this > today else date(today.year + 1, month, day)


def past(month: int, day: int, today: date) -> date:
    this = date(today.year, month, day)
    return this if this < today else date(today.year - 1, month, day)
