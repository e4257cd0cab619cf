"""Calls that are nearly right, as servers and models write them, made into what they say.

Only spelling is mended: each repair has one reading, and what has none stays as it is, so that the
model reads why its call did not run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from tools.base import ToolCall

MAX_REPAIRED_CHARS: Final = 200_000
"""Longer arguments are not repaired: Python's parser takes about a second for as many."""

_MAX_LAYERS: Final = 3
"""Times that arguments may be JSON within a string of JSON, or fenced."""

_FENCE: Final = re.compile(r"```\w*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_LITERAL: Final = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL),
}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}

# What stands around a name: tags and special tokens, a namespace, the call's number.
_TAGS: Final = re.compile(r"<[^<>]{0,80}>")
_NAMESPACE: Final = re.compile(r"(?:functions?|tools?|default_api)[.:/]", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[:#_-]?\d{1,3}|\[\d{1,3}\]|\(\)?")


def repaired(call: ToolCall, offered: Collection[str]) -> ToolCall:
    """`call` with the name of an offered tool and with arguments that are one JSON object, where
    it can be read so; its `note` says what was repaired."""
    name = _offered_name(call.name, offered)
    notes = [] if name == call.name else ["its name"]
    input = call.input
    if call.raw is None and (found := _object(input)) is not None:
        input, what = json.dumps(found[0], ensure_ascii=False), found[1]
        notes.append(f"its arguments ({what})")
    if not notes:
        return call
    return replace(call, name=name, input=input, note=f"Repaired: {' and '.join(notes)}.")


def _offered_name(name: str, offered: Collection[str]) -> str:
    """The one offered tool that `name` means, else `name` itself."""
    if name in offered or len(name) > 500:
        return name
    plain = _TAGS.sub("", name).strip().strip("\"'`")
    plain = plain.splitlines()[0].strip() if plain else plain
    short = _NAMESPACE.sub("", plain, count=1) if _NAMESPACE.match(plain) else plain
    for candidate in (plain, short):
        if candidate in offered:
            return candidate
    meant = {
        tool for tool in offered if short.startswith(tool) and _NUMBER.fullmatch(short, len(tool))
    }
    return meant.pop() if len(meant) == 1 else name


def _object(text: str, layers: int = _MAX_LAYERS) -> tuple[dict[str, Any], str] | None:
    """The object that `text` spells, and what was wrong with it. None where it is one already, or
    has no one reading."""
    text = text.strip()
    if not text or len(text) > MAX_REPAIRED_CHARS or layers == 0:
        return None
    try:
        value = _loads(text)
    except RecursionError:
        return None
    except ValueError:
        return _spelled(text, layers)
    if isinstance(value, str):
        return _within(value, "JSON within a string", layers)
    if not isinstance(value, dict) or _is_json(text):
        return None
    return value, "line breaks in strings"


def _spelled(text: str, layers: int) -> tuple[dict[str, Any], str] | None:
    """See `_object`, for what JSON's own parser does not read."""
    if fenced := _FENCE.fullmatch(text):
        return _within(fenced[1], "a fence around them", layers)
    if (value := _repeated(text)) is not None:
        return value, "more than one object"
    if (value := _literal(text)) is not None:
        return value, "not quite JSON"
    return None


def _within(text: str, why: str, layers: int) -> tuple[dict[str, Any], str] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value, why
    found = _object(text, layers - 1)
    return None if found is None else (found[0], why)


def _repeated(text: str) -> dict[str, Any] | None:
    """The object of a text that has it more than once, or empty ones beside it, as the last flush
    of a server's parser sends them."""
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
    found: list[dict[str, Any]] = []
    at = 0
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            if not isinstance(value, dict):
                return None
            if value and value not in found:
                found.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
    except (ValueError, RecursionError):
        return None
    if len(found) > 1:
        return None
    return found[0] if found else {}


def _literal(text: str) -> dict[str, Any] | None:
    """The object of a text with Python's constants, quotes or trailing commas."""
    text = _STRING.sub(lambda string: _as_in_python(string[0]), text)
    try:
        value = _value(ast.parse(text, mode="eval").body, text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict) else None


def _as_in_python(string: str) -> str:
    """A string of JSON without what Python does not take in one."""
    string = _ESCAPE.sub(lambda escape: "/" if escape[1] == "/" else escape[0], string)
    return string.replace("\n", "\\n").replace("\r", "\\r")


def _value(node: ast.expr, text: str) -> Any:
    """The JSON value of an expression. Raises `ValueError` where it is none."""
    match node:
        case ast.Dict(keys, values):
            names = [None if key is None else _value(key, text) for key in keys]
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                raise ValueError
            return {name: _value(value, text) for name, value in zip(names, values, strict=True)}
        case ast.List(elements):
            return [_value(each, text) for each in elements]
        case ast.Name(id) if id in _CONSTANTS:
            return _CONSTANTS[id]
        case ast.Constant(str()):
            return _string(ast.get_source_segment(text, node) or "")
        case ast.Constant(bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            if not isinstance(value, bool):
                return -value
    raise ValueError


def _string(source: str) -> str:
    """The value of one string: in double quotes it is JSON's, else Python's."""
    if source[:1] not in _LITERAL or not _LITERAL[source[0]].fullmatch(source):
        raise ValueError  # two in a row, with a comma forgotten between them; or with a prefix
    value = json.loads(source, strict=False) if source[0] == '"' else ast.literal_eval(source)
    return str(value)


def _loads(text: str) -> Any:
    return json.loads(text, strict=False, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
