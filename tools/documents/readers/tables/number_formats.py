"""Numbers of a spreadsheet as text, by their format: as dates, percentages or money.

Numbers are not rounded as their format would, because a model may calculate with them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

_LOCAL_DATES = {*range(27, 37), *range(50, 59)}
"""Ids of built-in formats that are dates in East Asian versions of Excel."""
_NO_FORMAT = ("", "General", "Standard", "@")
MAX_CODE_CHARS = 255
"""The longest format code that Excel accepts."""

_LITERAL = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|\\(.)|_.|\*.|\[[^\]]*\]')
_CURRENCY = re.compile(r"[$€£¥₩₹₽元]|\b(?:USD|EUR|GBP|CNY|RMB|JPY|CHF|SEK|kr|zł|R\$)", re.I)


@dataclass(frozen=True)
class Formats:
    """The number formats of a workbook's cell styles.

    `codes`: format codes by index of the style; `since_1904`: whether dates count from 1904.
    """

    codes: tuple[str, ...] = ()
    since_1904: bool = False

    def number(self, raw: str, style: int) -> str:
        """The text of the number `raw`, as the file has it, in a cell of this style."""
        return number(raw, self.codes[style] if style < len(self.codes) else "", self.since_1904)


def format_code(number: int, own: Mapping[int, str]) -> str:
    """The code of the format with the id `number`, of the workbook (`own`) or built into Excel."""
    if number in own:
        return own[number][:MAX_CODE_CHARS]
    return "yyyy-mm-dd" if number in _LOCAL_DATES else str(BUILTIN_FORMATS.get(number, ""))


def number(raw: str, code: str = "", since_1904: bool = False) -> str:
    """A number as text, by the code of its format."""
    kind, before, after = _style(code)
    if kind == "plain" and len(raw) < 15 and raw.isdecimal():
        return raw
    try:
        value = float(raw)
    except ValueError:
        return raw
    match kind:
        case "plain":
            return plain(value)
        case "date":
            return _dated(value, code, since_1904) or plain(value)
        case "percent":
            return f"{plain(value * 100)}%"
    sign, value = ("-", -value) if before and value < 0 else ("", value)
    return f"{sign}{before}{plain(value)}{after}"


def plain(value: float) -> str:
    """A number with 15 significant digits, and without an exponent if it is short enough."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.15g}"
    if "e" in text and 1e-7 <= abs(value) < 1e15:
        text = f"{value:.20f}".rstrip("0")
    return text


def moment(value: date | datetime | time | timedelta, clock: bool = True) -> str:
    """A date as 2024-03-31, followed by its time unless that is midnight or `clock` is false; a
    duration as 26:30:00."""
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        sign = "-" if seconds < 0 else ""
        minutes, seconds = divmod(abs(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{sign}{hours}:{minutes:02}:{seconds:02}"
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return f"{value:%Y-%m-%d}" if midnight or not clock else f"{value:%Y-%m-%d} {_of(value)}"
    return _of(value) if isinstance(value, time) else value.isoformat()


def _of(value: datetime | time) -> str:
    return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"


def _dated(value: float, code: str, since_1904: bool) -> str | None:
    epoch = MAC_EPOCH if since_1904 else WINDOWS_EPOCH
    first = code.split(";")[0]
    try:
        if is_timedelta_format(first):
            return moment(timedelta(days=value))
        found = from_excel(value, epoch)
    except (OverflowError, ValueError):
        return None
    has_day, has_clock = _parts(first)
    if isinstance(found, time) and has_day:  # day 0, which is shown as 1900-01-00
        return moment(epoch if not has_clock else datetime.combine(epoch, found))
    if isinstance(found, datetime) and not has_day:
        return _of(found)
    return moment(found, clock=has_clock) if found is not None else None


@functools.lru_cache(maxsize=1024)
def _parts(code: str) -> tuple[bool, bool]:
    """Whether a date's format shows the day, and the time of day."""
    bare = _LITERAL.sub("", code).lower()
    clock = "h" in bare or "s" in bare
    return any(letter in bare for letter in "yd") or not clock, clock


@functools.lru_cache(maxsize=1024)
def _style(code: str) -> tuple[str, str, str]:
    """The kind of a format - plain, date, percent or money - and the currency before and after the
    number."""
    first = code.split(";")[0]
    if first in _NO_FORMAT:
        return "plain", "", ""
    if is_date_format(code):
        return "date", "", ""
    if "%" in _LITERAL.sub("", first):
        return "percent", "", ""
    shown = _LITERAL.sub(lambda found: found[1] or found[2] or found[3] or "", first)
    digits = re.search(r"[0#?][0#?.,/ ]*", shown)
    if not digits:
        return "plain", "", ""
    before, after = shown[: digits.start()].strip(" (+-"), shown[digits.end() :].strip(" )+-")
    before = before if _CURRENCY.fullmatch(before) else ""
    after = f" {after}" if _CURRENCY.fullmatch(after) else ""
    return ("money", before, after) if before or after else ("plain", "", "")
