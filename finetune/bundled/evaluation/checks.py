"""Checks whether a text or a call's arguments are what a request demands."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tools.base import ToolCall

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_BETWEEN = r"[\s,;'\"\[\](){}]+"  # separators between the items of a list
_REFUSAL = re.compile(
    r"can(?:no|'|’)?t\b|can not|unable|not able|n(?:o|'|’)t have|no tool|none of|sorry|"
    r"不能|无法|没法|没有|抱歉|不会|做不到",
    re.IGNORECASE,
)


def holds(text: str, check: str) -> bool:
    """Whether a text contains what a check demands.

    Arguments:
        text: a result or an answer.
        check: a number (as a value, within the last decimal), a list `a, b`, or words; `a|b`:
            either; `a & b`: both; `figure`: a drawn figure; `refusal`: words that decline.
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
    # Expected decimals are truncated, not rounded, so the last place may differ by one.
    places = len(wanted.partition(".")[2])
    near = 10.0**-places if places else 1e-6
    for number in _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text)):
        short = len(number.partition(".")[0]) <= 12  # a float can't distinguish longer ones
        if number == wanted or (short and abs(float(number) - float(wanted)) <= near):
            return True
        if number.rstrip("0") == f"{wanted}.":
            return True
    return False


def reports(answer: str, tool: str, check: str, observed: str) -> bool:
    """Whether the final answer reports the result.

    Arguments:
        answer: the turn's last text.
        tool: name of the tool that was called.
        check: the check of the call. If it is one of arguments, the answer must contain values
            of the result: the numbers drawn, the hour, the temperature.
        observed: the tool's result.
    """
    if not answer.strip():
        return False
    if check == "figure":
        return True
    if tool == "random_numbers":
        # The first decimal place is enough.
        drawn = re.findall(r"-?\d+(?:\.\d)?", re.sub(r"(?<=\.\d)\d+", "", observed))
        return all(holds(answer, number) for number in drawn)
    if tool == "current_time":
        hour = re.search(r"(\d\d):(\d\d)", observed)
        return hour is None or any(form in answer for form in _hours(int(hour[1]), hour[2]))
    if check.startswith("{"):
        return any(holds(answer, each) for each in re.findall(r"-?\d+|[Rr]ain", observed))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", check):
        return any(holds(answer, form) for form in _dates(date.fromisoformat(check)))
    return holds(answer, check.replace(" days", ""))


def _hours(hour: int, minutes: str) -> set[str]:
    return {f"{form}:{minutes}" for form in (f"{hour:02}", hour % 12 or 12)}


def _dates(day: date) -> tuple[str, ...]:
    number, month = day.day, f"{day:%B}"
    return (f"{day}", f"{month} {number}", f"{number} {month}",
            f"{day.month}月{number}日", f"{day.month} 月 {number} 日")  # fmt: skip


def fits(call: ToolCall, check: str, parameters: Mapping[str, Any] | None = None) -> bool:
    """Whether a call has the expected arguments.

    Arguments:
        call: the call.
        check: the expected arguments as JSON, in which `a|b` in a string is either, and a key
            `k?` is optional; for a plain-text call, words that it must contain.
        parameters: the tool's JSON schema; arguments equal to its defaults are optional.
    """
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
    """Whether `code` is a call of `search` or `open_url` with one of the words, `a|b`."""
    try:
        call = ast.parse(code.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    match call:
        case ast.Call(
            func=ast.Name(id="search" | "open_url"), args=[ast.Constant(value=str() as text), *_]
        ):
            return any(word in text.casefold() for word in words.casefold().split("|"))
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
    """`text` without case, a leading article, quotes and final punctuation."""
    return text.casefold().strip(" .!?'\"").removeprefix("the ")
