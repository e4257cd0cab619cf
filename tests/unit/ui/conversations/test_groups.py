"""The list's headings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from app.core.history.stored import Entry
from app.ui.conversations.groups import grouped

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


def entry(id: str, updated: datetime, pinned: bool = False) -> Entry:
    return Entry(id, "chat", id, pinned, 0.0, updated.timestamp())


def headings(
    entries: list[Entry], now: datetime = NOON, zone: timezone | ZoneInfo = UTC
) -> list[tuple[str, list[str]]]:
    found = grouped(entries, now.timestamp(), zone)
    return [(name, [each.id for each in rows]) for name, rows in found]


def test_pinned_ones_come_first_and_the_rest_by_age() -> None:
    entries = [
        entry("old but pinned", NOON - timedelta(days=90), pinned=True),
        entry("now", NOON),
        entry("this morning", NOON - timedelta(hours=11)),
        entry("yesterday", NOON - timedelta(hours=13)),
        entry("six days ago", NOON - timedelta(days=6)),
        entry("a week ago", NOON - timedelta(days=7)),
        entry("long ago", NOON - timedelta(days=700)),
    ]
    assert headings(entries) == [
        ("Pinned", ["old but pinned"]),
        ("Today", ["now", "this morning"]),
        ("This week", ["yesterday", "six days ago"]),
        ("Older", ["a week ago", "long ago"]),
    ]


def test_today_is_the_readers_today() -> None:
    early = [entry("eleven hours ago", NOON - timedelta(hours=11))]
    assert headings(early, zone=timezone(timedelta(hours=-8)))[0][0] == "This week"
    assert headings(early, zone=timezone(timedelta(hours=8)))[0][0] == "Today"


def test_a_day_of_23_hours_begins_at_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")  # the clocks go forward on 2026-03-29 at 2:00
    noon = datetime(2026, 3, 29, 12, tzinfo=berlin)
    entries = [
        entry("half past midnight", datetime(2026, 3, 29, 0, 30, tzinfo=berlin)),
        entry("half past eleven", datetime(2026, 3, 28, 23, 30, tzinfo=berlin)),
    ]
    found = headings(entries, noon, berlin)
    assert [name for name, _ in found] == ["Today", "This week"]


def test_a_clock_that_was_set_back_lets_nothing_vanish() -> None:
    ahead = [entry("tomorrow", NOON + timedelta(days=400)), entry("now", NOON)]
    assert headings(ahead) == [("Today", ["tomorrow", "now"])]


def test_nothing_has_no_headings() -> None:
    assert headings([]) == []
