"""Whether a text, or a call's arguments, are what a request asked for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tools.base import ToolCall

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_BETWEEN = r"[\s,;'\"\[\](){}]+"  # what may part the items of a list
_REFUSAL = re.compile(
    r"can(?:no|'|’)?t\b|can not|unable|not able|n(?:o|'|’)t have|no tool|none of|sorry|"
    r"不能|无法|没法|没有|抱歉|不会|做不到",
    re.IGNORECASE,
)


def holds(text: str, check: str) -> bool:
    """Whether what is checked stands in a text: a figure, a number as such, a list, words.

    `a|b` is either, `a & b` both; `refusal` is any words that decline.
    """
    if check == "figure":
        return "[figure" in text
    if check == "refusal":
        return _REFUSAL.search(text) is not None
    return all(any(_stands(each, text) for each in part.split("|")) for part in check.split(" & "))


def _stands(wanted: str, text: str) -> bool:
    if re.fullmatch(r"-?\d+(\.\d+)?", wanted):
        return _number_stands(wanted, text)
    items = [re.escape(item.strip("'")) for item in wanted.split(", ")]
    before, after = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
    around = (before * _ascii(wanted[:1]), after * _ascii(wanted[-1:]))
    return re.search(_BETWEEN.join(items).join(around), text, re.IGNORECASE) is not None


def _ascii(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _number_stands(wanted: str, text: str) -> bool:
    # A decimal that is expected was cut, not rounded: one in its last place is allowed.
    places = len(wanted.partition(".")[2])
    near = 10.0**-places if places else 1e-6
    for number in _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text)):
        short = len(number.partition(".")[0]) <= 12  # a float tells longer ones apart no more
        if number == wanted or (short and abs(float(number) - float(wanted)) <= near):
            return True
        if number.rstrip("0") == f"{wanted}.":
            return True
    return False


def tells(answer: str, tool: str, check: str, observed: str) -> bool:
    """Whether an answer to the user holds what was observed and wanted.

    Where the check is about arguments it must hold what the tool said: the numbers drawn, the
    hour, something of the weather.
    """
    if not answer.strip():
        return False
    if check == "figure":
        return True
    if tool == "random_numbers":
        # Of a decimal the first place is enough.
        drawn = re.findall(r"-?\d+(?:\.\d)?", re.sub(r"(?<=\.\d)\d+", "", observed))
        return all(holds(answer, number) for number in drawn)
    if tool == "current_time":
        hour = re.search(r"(\d\d):(\d\d)", observed)
        return hour is None or any(said in answer for said in _hours(int(hour[1]), hour[2]))
    if check.startswith("{"):
        return any(holds(answer, each) for each in re.findall(r"-?\d+|[Rr]ain", observed))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", check):
        return any(holds(answer, said) for said in _dates(date.fromisoformat(check)))
    return holds(answer, check.replace(" days", ""))


def _hours(hour: int, minutes: str) -> set[str]:
    return {f"{said}:{minutes}" for said in (f"{hour:02}", hour % 12 or 12)}


def _dates(day: date) -> tuple[str, ...]:
    number, month = day.day, f"{day:%B}"
    return (f"{day}", f"{month} {number}", f"{number} {month}",
            f"{day.month}月{number}日", f"{day.month} 月 {number} 日")  # fmt: skip


def fits(call: ToolCall, check: str, parameters: Mapping[str, Any] | None = None) -> bool:
    """Whether the arguments are the expected ones: `a|b` in a text is either, a key `k?` may be
    left out, and so may what is the parameter's default. Plain text must hold the words."""
    if call.raw is not None:
        return _searches(call.input, check) if call.raw == "input" else holds(call.input, check)
    try:
        given = json.loads(call.input or "{}")
    except ValueError:
        return False
    if not isinstance(given, dict):
        return False
    wanted = json.loads(check)
    for name, schema in (parameters or {}).get("properties", {}).items():
        if "default" in schema:
            given.setdefault(name, schema["default"])
            wanted.setdefault(name, schema["default"])
    must = {name for name in wanted if not name.endswith("?")}
    known = {name.rstrip("?"): value for name, value in wanted.items()}
    if not must <= set(given) <= set(known):
        return False
    return all(_same(value, known[name]) for name, value in given.items())


def _searches(code: str, words: str) -> bool:
    """Whether it is a call of `search` or `open_url` with one of the words."""
    try:
        call = ast.parse(code.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    match call:
        case ast.Call(
            func=ast.Name(id="search" | "open_url"), args=[ast.Constant(value=str() as said), *_]
        ):
            return any(word in said.casefold() for word in words.casefold().split("|"))
    return False


def _same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return _plain(str(given)) in [_plain(each) for each in wanted.split("|")]
    if isinstance(wanted, list) and isinstance(given, list):
        return len(given) == len(wanted) and all(map(_same, given, wanted))
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    return bool(given == wanted)


def _plain(text: str) -> str:
    """Without what doesn't change what is meant: case, an article, quotes, a full stop."""
    return text.casefold().strip(" .!?'\"").removeprefix("the ")
