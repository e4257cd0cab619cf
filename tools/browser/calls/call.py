"""The five functions of the browser and their arguments.

Models write the same call in many forms; `make_call` turns each of them into one `Call`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from tools.text import one_line

Name = Literal["search", "mclick", "open_url", "find", "scroll"]

NAME = "simple_browser"
"""The name of the tool, and of its one function in the GLM-4 face."""

EXAMPLES: Mapping[Name, str] = {
    "search": 'search("words", recency_days=30)',
    "mclick": "mclick([0, 2])",
    "open_url": 'open_url("https://...")',
    "find": 'find("words")',
    "scroll": "scroll(1)",
}
HOW = f"A call looks like one of these: {', '.join(EXAMPLES.values())}."

ALIASES: Mapping[str, Name] = {
    **{name: name for name in EXAMPLES},
    "web_search": "search",
    "click": "mclick",
    "open": "open_url",
    "goto": "open_url",
    "visit": "open_url",
    "find_in_page": "find",
}
_PARAMETERS: Mapping[Name, Mapping[str, tuple[str, ...]]] = {
    "search": {
        "query": ("query", "q", "text", "keywords", "words"),
        "recency_days": ("recency_days", "recency", "days"),
    },
    "mclick": {"ids": ("ids", "id", "links", "link", "index", "indices", "indexes")},
    "open_url": {"url": ("url", "link", "address", "href", "id"), "line": ("line", "at", "loc")},
    "find": {
        "pattern": ("pattern", "text", "words", "query", "q"),
        "id": ("id", "page"),
    },
    "scroll": {
        "lines": ("lines", "amount", "n", "by", "count"),
        "line": ("line", "to", "at", "loc"),
        "id": ("id", "page"),
    },
}
_MAX_ARGUMENT_CHARS = 2_000  # of one argument
_BETWEEN = re.compile(r"[\s\[\]【】(),，、]+")
_WHOLE = re.compile(r"-?\d{1,9}")


class NoCall(Exception):
    """Text that is not a valid call; the message shows the model a valid one."""


@dataclass(frozen=True)
class Call:
    """One call of a function.

    The arguments are those of the function, by name, those not given left out: `query` and
    `pattern` are text on one line, `url` has no blank, `ids` is a tuple of whole numbers, and
    `recency_days`, `line`, `lines` and `id` are whole numbers. `more` counts the calls that
    stood behind this one in the same text.
    """

    name: Name
    arguments: Mapping[str, Any] = field(default_factory=dict)
    more: int = 0


def make_call(
    name: str, given: Sequence[Any] = (), named: Mapping[str, Any] | None = None, more: int = 0
) -> Call:
    """The call of the function with this name or alias.

    `given` are positional and `named` are keyword arguments. Raises `NoCall`.
    """
    function = ALIASES.get(name.lower())
    if function is None:
        raise NoCall(f"There is no function {one_line(name, 40)}. {HOW}")
    named = dict(named or {})
    if len(given) == 1 and isinstance(given[0], Mapping) and not named:
        given, named = [], dict(given[0])
    if function == "mclick" and len(given) > 1:
        given = [list(given)]
    if len(given) > len(_PARAMETERS[function]):
        raise NoCall(f"{function} was given too many values. {_how(function)}")
    arguments: dict[str, Any] = {}
    for parameter, aliases in _PARAMETERS[function].items():
        values = [named.pop(alias) for alias in aliases if alias in named]
        if given:
            values, given = [given[0], *values], given[1:]
        values = [value for value in values if value is not None]
        if len(values) > 1 and values[1:] != values[:-1]:
            raise NoCall(f"{function} was given {parameter} more than once. {_how(function)}")
        if values:
            arguments[parameter] = values[0]
    if named:
        unknown = one_line(str(next(iter(named))), 40)
        raise NoCall(f"{function} has no parameter {unknown}. {_how(function)}")
    if function == "open_url" and _is_number(arguments.get("url")):
        return make_call("mclick", [arguments["url"]], more=more)
    return Call(function, _checked(function, arguments), more)


def _how(function: Name) -> str:
    return f"It looks like this: {EXAMPLES[function]}."


def _checked(function: Name, arguments: dict[str, Any]) -> dict[str, Any]:
    needed = {"search": "query", "mclick": "ids", "open_url": "url", "find": "pattern"}
    wanted = needed.get(function)
    if wanted is not None and wanted not in arguments:
        raise NoCall(f"{function} needs {wanted}. {_how(function)}")
    if function == "scroll" and {"line", "lines"} <= arguments.keys():
        raise NoCall("scroll takes lines (how far) or line (where to), not both.")
    checked: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in ("query", "pattern", "url"):
            checked[name] = _text(function, name, value)
        elif name == "ids":
            values = value if isinstance(value, list | tuple) else [value]
            ids = [number for each in values for number in _numbers(function, name, each)]
            if not ids:
                raise NoCall(f"mclick needs the numbers of results or links. {_how(function)}")
            checked[name] = tuple(ids)
        else:
            numbers = _numbers(function, name, value)
            if len(numbers) != 1:
                raise NoCall(f"{name} of {function} must be one whole number. {_how(function)}")
            checked[name] = numbers[0]
    return checked


def _text(function: Name, name: str, value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NoCall(f"{name} of {function} must be text. {_how(function)}")
    text = " ".join(str(value).split())
    if not text:
        raise NoCall(f"{name} of {function} is empty. {_how(function)}")
    if len(text) > _MAX_ARGUMENT_CHARS:
        raise NoCall(f"{name} of {function} is longer than {_MAX_ARGUMENT_CHARS:,} characters.")
    return text


def _numbers(function: Name, name: str, value: Any) -> list[int]:
    """Integers, also from a model's strings such as "[0, 2]", "3", "【3】". Raises `NoCall`."""
    if _is_number(value):
        return [int(value)]
    if isinstance(value, str):
        parts = [part for part in _BETWEEN.split(value[:_MAX_ARGUMENT_CHARS]) if part]
        if parts and all(map(_WHOLE.fullmatch, parts)):
            return [int(part) for part in parts]
    raise NoCall(f"{name} of {function} must be whole numbers. {_how(function)}")


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 1e9
        and cast(float, value) == int(value)
    )
