"""Parses the browser's GLM-4 face: finds the call expression in a model's text.

    search("sea otters", recency_days=30)      mclick([0, 2])      open_url(“https://…”)

A scanner, not Python's own parser: models use quotes of every kind, full-width punctuation,
JSON for arguments, and write prose or a code fence around it. Nothing is ever evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from tools.base import ToolCall
from tools.browser.calls.call import ALIASES, HOW, NAME, Call, NoCall, make_call

MAX_CHARS = 20_000  # of the text that are parsed
_MAX_PLACES = 50  # positions at which a call may begin
_MAX_DEPTH = 8  # levels of nested brackets

_OPENS = "(（"
_CLOSERS = {
    "(": ")）",
    "（": ")）",
    "[": "]］】",
    "［": "]］】",
    "【": "]］】",
    "{": "}｝",
    "｛": "}｝",
}
_COMMAS = ",，、;；"
_EQUALS = "=＝:："
_AFTER_TEXT = frozenset(",，、;；)）]］】}｝:：")
_DOUBLE, _SINGLE = '"“”„‟＂«»', "'‘’‚‛＇"
_QUOTES = {
    **dict.fromkeys(_DOUBLE, _DOUBLE),
    **dict.fromkeys(_SINGLE, _SINGLE),
    **dict.fromkeys("`´", "`´'’"),
    "「": "」", "『": "』",
}  # fmt: skip
_MATCH = {
    '"': '"',
    "“": "”",
    "„": "“”",
    "«": "»",
    "'": "'",
    "‘": "’",
    "`": "`",
    "「": "」",
    "『": "』",
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS = {"true": True, "false": False, "none": None, "null": None}

_NAMES = "|".join(sorted(ALIASES, key=len, reverse=True))
_PLACE = re.compile(rf"(?<!\w)({_NAMES})\s*[{_OPENS}]", re.IGNORECASE)
_BARE = re.compile(
    rf"^[ \t]*({_NAMES})[ \t]*[{_OPENS}]([^\n\"'{{\[]*)[)）][ \t;；。]*$", re.I | re.M
)
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?!\w)")
_WORD = re.compile(r"[^\W\d]\w*")
_FENCE = re.compile(r"```[\w-]*[ \t]*\n")
_BY_KEY = {
    "query": "search", "ids": "mclick", "url": "open_url", "pattern": "find", "lines": "scroll",
    "line": "scroll",
}  # fmt: skip

Ending = Literal["first", "before punctuation", "last"]
"""Where a quoted text ends that contains its own quotation mark; tried in this order."""


class _Wrong(Exception):
    """A position that is not a call; another position or another `Ending` may be one."""


def read_call(text: str) -> Call:
    """The first call in `text`. Raises only `NoCall`, for a text without one."""
    text = text[:MAX_CHARS]
    found = list(_calls(text))
    if not found:
        found = [call for call in (_from_json(text), _unquoted(text)) if call is not None][:1]
    if not found:
        raise NoCall(f"That is no call. {HOW}")
    name, given, named = found[0]
    return make_call(name, given, named, more=len(found) - 1)


def wanted_call(call: ToolCall) -> Call:
    """The `Call` of a tool call in either face. Raises `NoCall` and `ToolError`."""
    if call.name == NAME and call.raw is not None:
        return read_call(call.input)
    arguments = call.arguments()
    if call.name != NAME:
        return make_call(call.name, named=arguments)
    inner = arguments.get("input")
    return read_call(inner if isinstance(inner, str) else call.input)


Parts = tuple[str, list[Any], dict[str, Any]]


def _calls(text: str) -> Iterator[Parts]:
    """All calls in `text`, with their arguments as written."""
    end = 0
    for place in [*_PLACE.finditer(text)][:_MAX_PLACES]:
        if place.start() < end:
            continue  # inside a text of the call before
        for ending in ("first", "before punctuation", "last"):
            with suppress(_Wrong):
                scanner = _Scanner(text, place.end(), ending)
                given, named = scanner.arguments()
                end = scanner.position
                yield place[1], given, named
                break


def _unquoted(text: str) -> Parts | None:
    """A line that is a call with one unquoted argument: search(sea otters)."""
    if (line := _BARE.search(text)) and (words := line[2].strip()):
        return line[1], [words], {}
    return None


def _from_json(text: str) -> Parts | None:
    """A call in JSON: an object with name and arguments, or with the arguments only."""
    text = text.strip()
    if fence := _FENCE.match(text):
        text = text[fence.end() :].removesuffix("```")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    name = value.get("name") or value.get("function")
    inner = value.get("arguments", value.get("parameters"))
    if isinstance(name, str) and isinstance(inner, dict):
        return name, [], inner
    for key, function in _BY_KEY.items():
        if key in value:
            return function, [], value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in ALIASES:
            return (name, [], inner) if isinstance(inner, dict) else (name, [inner], {})
    return None


class _Scanner:
    """Parses values; `position` is the index of the next character. Raises `_Wrong`."""

    def __init__(self, text: str, position: int, ending: Ending) -> None:
        self.text, self.position, self._ending = text, position, ending

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments up to the closing bracket, which may be missing at the end of the text."""
        given: list[Any] = []
        named: dict[str, Any] = {}
        while not self._closed("("):
            name = self._name()
            value = self._value(1)
            if name is None:
                given.append(value)
            else:
                named[name] = value
            self._comma("(")
        return given, named

    def _value(self, depth: int) -> Any:
        self._blanks()
        here = self._peek()
        if depth > _MAX_DEPTH or not here:
            raise _Wrong
        if here in "[［【(（":
            self.position += 1
            values = []
            while not self._closed(here):
                values.append(self._value(depth + 1))
                self._comma(here)
            return values
        if here in "{｛":
            return self._dictionary(depth)
        if here in _QUOTES:
            return self._quoted()
        if number := _NUMBER.match(self.text, self.position):
            self.position = number.end()
            amount = float(number[0].replace("−", "-"))
            return int(amount) if abs(amount) < 1e15 and amount == int(amount) else amount
        word = _WORD.match(self.text, self.position)
        if word is None:
            raise _Wrong
        self.position = word.end()
        if word[0].lower() in ("r", "u", "f", "b") and self._peek() in ("'", '"'):
            return self._quoted()
        if word[0].lower() not in _WORDS:
            raise _Wrong
        return _WORDS[word[0].lower()]

    def _dictionary(self, depth: int) -> dict[str, Any]:
        here = self.text[self.position]
        self.position += 1
        values: dict[str, Any] = {}
        while not self._closed(here):
            name = self._name()
            if name is None:
                raise _Wrong
            values[name] = self._value(depth + 1)
            self._comma(here)
        return values

    def _name(self) -> str | None:
        """A keyword, quoted or not, whose equals sign is consumed; None without a keyword."""
        self._blanks()
        begun = self.position
        if self._peek() in _QUOTES:
            with suppress(_Wrong):
                name = self._quoted()
                if self._skipped(_EQUALS):
                    return name
        elif word := _WORD.match(self.text, self.position):
            self.position = word.end()
            if self._skipped(_EQUALS):
                return word[0]
        self.position = begun
        return None

    def _quoted(self) -> str:
        here = self.text[self.position]
        for triple in ('"""', "'''"):
            if self.text.startswith(triple, self.position):
                end = self.text.find(triple, self.position + 3)
                if end >= 0:
                    self.position, begun = end + 3, self.position + 3
                    return self.text[begun:end]
        strict = self._ending == "first"
        closers = _MATCH.get(here, _QUOTES[here]) if strict else _QUOTES[here]
        letters: list[str] = []
        closed: tuple[int, int] | None = None  # the last quote that may end it, and letters so far
        position = self.position + 1
        while position < len(self.text):
            letter = self.text[position]
            if letter == "\\" and position + 1 < len(self.text):
                escaped, position = self._escape(position)
                letters.append(escaped)
                continue
            position += 1
            if letter in closers and (strict or self._ends_value(position)):
                closed = position, len(letters)
                if self._ending != "last":
                    break
            letters.append(letter)
        if closed is None:
            raise _Wrong
        self.position = closed[0]
        return "".join(letters[: closed[1]])

    def _escape(self, position: int) -> tuple[str, int]:
        """The character of an escape sequence, and the index after it; unknown ones stay."""
        following = self.text[position + 1]
        if following in _ESCAPES:
            return _ESCAPES[following], position + 2
        if code := re.compile(r"u([0-9a-fA-F]{4})").match(self.text, position + 1):
            return chr(int(code[1], 16)), code.end()
        if following in _QUOTES or following in "\\/":
            return following, position + 2
        return "\\" + following, position + 2

    def _ends_value(self, position: int) -> bool:
        rest = self.text[position : position + 20].lstrip()
        return not rest or rest[0] in _AFTER_TEXT

    def _closed(self, opened: str) -> bool:
        """Whether the bracket closes here; at the end of the text it may be missing."""
        self._blanks()
        if self._peek() and self._peek() in _CLOSERS[opened]:
            self.position += 1
            return True
        return self.position >= len(self.text)

    def _comma(self, opened: str) -> None:
        self._blanks()
        if not self._skipped(_COMMAS) and self._peek() and self._peek() not in _CLOSERS[opened]:
            raise _Wrong

    def _skipped(self, letters: str) -> bool:
        self._blanks()
        if self._peek() and self._peek() in letters:
            self.position += 1
            return True
        return False

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
