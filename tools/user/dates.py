"""Dates and times. Needs no network: the time zones come with Python."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from tools import tool
from tools.base import ToolError


@tool
def current_time(
    zone: Annotated[str, "city or time zone, such as Tokyo or Europe/Berlin"] = "UTC",
) -> str:
    """Tell the date and time now, in a city or time zone."""
    name = find_zone(zone)
    now = datetime.now(ZoneInfo(name))
    return f"{now:%A, %Y-%m-%d %H:%M:%S} ({name}, UTC{now:%z})"


@tool
def days_between(
    start: Annotated[date, "first date, as 2025-01-31"],
    end: Annotated[date, "second date, as 2025-12-24"],
) -> str:
    """Count the days from one date to another."""
    days = (end - start).days
    return f"From {start:%A}, {start}, to {end:%A}, {end}: {days} days."


@tool
def add_to_date(
    start: Annotated[date, "the date to count from, as 2025-01-31"],
    amount: Annotated[int, "how many; negative goes back"],
    unit: Annotated[Literal["days", "weeks"], "what is counted"] = "days",
) -> str:
    """Find the date some days or weeks after, or before, another date."""
    try:
        found = start + timedelta(**{unit: amount})
    except OverflowError:
        raise ToolError(f"{amount} {unit} from {start} is no date in the calendar.") from None
    return f"{found:%A}, {found}"


def find_zone(name: str) -> str:
    """The full name of a time zone, given in full or by its last part, in any case.

    Raises ToolError for an unknown zone.
    """
    wanted = name.strip().replace(" ", "_").lower()
    zones = sorted(available_timezones())
    for zone in zones:
        if zone.lower() == wanted:
            return zone
    for zone in zones:
        if zone.lower().endswith(f"/{wanted}"):
            return zone
    raise ToolError(f"No time zone is named {name}. Give one such as Asia/Shanghai.")
