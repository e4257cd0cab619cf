"""What a call looks like in GLM text: a name, a JSON object, the arguments of GLM-4.5."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

NAME_LIMIT: Final = 64  # the longest function name that OpenAI-compatible servers accept
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class ObjectProbe:
    """Tells, character by character, whether a text can still become one JSON object.

    It looks at braces, brackets and strings only: `is_object` has the last word.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._last = ""  # the last character outside of strings and white space
        self._string = self._escape = False

    def accept(self, text: str) -> int:
        """How many characters of `text` are fine; fewer than all of them: it is no object."""
        for position, char in enumerate(text):
            if not self._takes(char):
                return position
        return len(text)

    def _takes(self, char: str) -> bool:
        if self._string:
            if self._escape:
                self._escape = False
            elif char == "\\":
                self._escape = True
            elif char == '"':
                self._string = False
            return True
        if char in " \t\r\n":
            return True
        if self._depth == 0 and (self._last or char != "{"):
            return False  # something else at the beginning, or something after the end
        if self._last == "{" and char not in '"}':
            return False
        self._string = char == '"'
        self._depth += (char in "{[") - (char in "}]")
        self._last = char
        return True


def is_object(text: str) -> bool:
    """Whether `text` is one JSON object."""
    return isinstance(_json(text), dict)


def encode_arguments(pairs: Iterable[tuple[str, str]], schema: Mapping[str, Any]) -> str:
    """The keys and values of a GLM-4.5 call as one JSON object.

    A value that is JSON goes in as it was written. It is text where it is none, and where
    `schema` (of type object) says string.
    """
    properties = schema.get("properties", {})
    members = (
        f"{_quote(key)}: {text if _is_value(text, properties.get(key)) else _quote(text)}"
        for key, text in pairs
    )
    return "{" + ", ".join(members) + "}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_value(text: str, schema: Any) -> bool:
    kinds = _kinds(schema)
    if "string" in kinds:
        return "null" in kinds and text.strip() == "null"
    if isinstance(schema, Mapping) and text in schema.get("enum", ()):
        return False
    return _json(text) is not _NO_JSON


def _kinds(schema: Any) -> set[str]:
    """The type names that a schema allows, as far as it says so in place."""
    if not isinstance(schema, Mapping):
        return set()
    kind = schema.get("type", ())
    kinds = {kind} if isinstance(kind, str) else set(kind)
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        kinds |= _kinds(choice)
    return kinds


_NO_JSON: Final = object()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # the second for thousands of opening brackets
        return _NO_JSON
