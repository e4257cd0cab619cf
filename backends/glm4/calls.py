"""The syntax of calls in GLM text: names, JSON objects, the tagged arguments of GLM-4.5."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from backends.glm4.scanner import Markers, Reader
from backends.glm4.tokens import ASSISTANT, STOPS

NAME_LIMIT: Final = 64  # the longest function name that OpenAI-compatible servers accept
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

CALL, CALL_END = "<tool_call>", "</tool_call>"
KEY, KEY_END = "<arg_key>", "</arg_key>"
VALUE, VALUE_END = "<arg_value>", "</arg_value>"
_ENDS: Final = (*STOPS, ASSISTANT)
_NEXT: Final = {  # tags that may follow a tag; the end of a segment also ends a key or value
    CALL: Markers(KEY, CALL_END),
    KEY: Markers(KEY_END, *_ENDS),
    KEY_END: Markers(VALUE),
    VALUE: Markers(VALUE_END, *_ENDS),
    VALUE_END: Markers(KEY, CALL_END),
}
_NO_TAG: Final = re.compile(r"[^<]*")
Progress = Literal["open", "whole", "broken"]


class ObjectProbe:
    """Tests, character by character, whether a text can still become one JSON object.

    The test covers braces, brackets and strings only; `is_object` tests the complete text.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._last = ""  # the last character outside of strings and white space
        self._string = self._escape = False

    def accept(self, text: str) -> int:
        """The number of accepted characters; fewer than `len(text)` mean that it is no object."""
        for position, char in enumerate(text):
            if not self._accepts(char):
                return position
        return len(text)

    def _accepts(self, char: str) -> bool:
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
            return False  # no brace at the beginning, or text after the end
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

    A value that is valid JSON stays unchanged. Any other value becomes a string, and so does one
    whose type in `schema` (of type object) is string.
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
    """The type names that a schema allows; references are not followed."""
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


class TaggedCall:
    """A possible tagged call, read from after its `<tool_call>`.

    `source` is all text that was read, which becomes the answer's text if this is no call.
    `is_name` says whether a text is a tool's name, `may_be_name` whether it is the beginning of
    one.
    """

    def __init__(self, may_be_name: Callable[[str], bool], is_name: Callable[[str], bool]) -> None:
        self.name = ""
        self.arguments: list[tuple[str, str]] = []
        self._may_be_name, self._is_name = may_be_name, is_name
        self._source = [CALL]
        self._tag = CALL
        self._content: list[str] = []  # since that tag

    @property
    def source(self) -> str:
        return "".join(self._source)

    def read(self, reader: Reader) -> Progress:
        """Reads further; text that can't belong to a call stays unread."""
        while self._tag != CALL_END:
            within = self._tag in (KEY, VALUE)
            tags = _NEXT[self._tag]
            text, tag = reader.until(tags) if within else (reader.match(_NO_TAG), "")
            if not within and not self._fits(text):
                reader.back(len(text))
                return "broken"
            self._source.append(text)
            self._content.append(text)
            tag = tag or reader.match(tags.pattern)
            if tag in _ENDS:
                reader.back(len(tag))
                return "broken"
            if not tag:
                return "open" if reader.waits_for(tags) else "broken"
            self._source.append(tag)
            if not self._take("".join(self._content), tag):
                return "broken"
        return "whole"

    def _fits(self, text: str) -> bool:
        """Whether `text` may be between two tags, or continue the name."""
        if self._tag != CALL:
            return not text.strip()
        so_far = "".join(self._content) + text
        return len(so_far) <= 2 * NAME_LIMIT and self._may_be_name(so_far.strip())

    def _take(self, content: str, tag: str) -> bool:
        match self._tag:
            case "<tool_call>":
                self.name = content.strip()
                if not self._is_name(self.name):
                    return False
            case "<arg_key>":
                self.arguments.append((content.strip(), ""))
            case "<arg_value>":
                self.arguments[-1] = (self.arguments[-1][0], content)
        self._tag, self._content = tag, []
        return True
