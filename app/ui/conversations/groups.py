"""The list's order in time, pure: pinned, today, this week, older."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo
from itertools import groupby

from app.core.history.stored import Entry

PINNED, TODAY, WEEK, OLDER = "Pinned", "Today", "This week", "Older"
WEEK_DAYS = 7


def grouped(
    entries: Iterable[Entry], now: float, zone: tzinfo | None = None
) -> list[tuple[str, list[Entry]]]:
    """The entries under their headings, in the order in which they came: pinned ones first, then
    the newest.

    Args:
        entries: what the catalog listed.
        now: seconds since 1970.
        zone: the reader's time zone; None for the server's.
    """
    midnight = datetime.combine(datetime.fromtimestamp(now, zone).date(), time(), zone)
    today = midnight.timestamp()
    week = (midnight - timedelta(days=WEEK_DAYS - 1)).timestamp()

    def heading(entry: Entry) -> str:
        if entry.pinned:
            return PINNED
        if entry.updated >= today:  # a clock that was set back lets nothing vanish
            return TODAY
        return WEEK if entry.updated >= week else OLDER

    return [(name, list(rows)) for name, rows in groupby(entries, heading)]
