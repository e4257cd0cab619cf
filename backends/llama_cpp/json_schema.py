"""A function's JSON Schema, reduced to what llama.cpp can enforce.

llama.cpp passes schemas to llguidance, which rejects the whole grammar for one schema that it
can't express; llama.cpp then generates without a grammar and reports nothing. So only keywords
that llguidance is known to accept remain: other constraints are dropped, a value of unknown type
becomes any JSON value, and a schema that is too large becomes any JSON object. Input that
matches the result may violate the schema; the tool itself validates it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

KINDS: Final = ("string", "integer", "number", "boolean", "null", "array", "object")
MAX_SCHEMA_CHARS: Final = 50_000  # characters of one schema: compiled in some 30 ms
MAX_NODES: Final = 2_000
DEPTHS: Final = (8, 4, 2, 1)  # levels of nested values; tried until the schema is small enough
MAX_COUNT: Final = 1_000  # characters or items that a schema may count
MAX_BOUND: Final = 10**15  # larger bounds of a number are dropped: llguidance rejects them

# RFC 3339 requires seconds and a time zone, which people seldom write; ISO 8601 does not.
_TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_FORMATS: Final = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": rf"^{_DATE}[T ]{_TIME}(Z|[+-]\d\d:\d\d)?$",
}
_KNOWN_FORMATS: Final = ("duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid")
# Characters, classes, groups and counts that all dialects have in common.
_COMMON_PATTERN: Final = re.compile(
    r"\^?(?:[\w\s@#%&=:;,<>'\"/!~`-]|\\[dws.\-+*?()\[\]{}/^$|]|\[\^?(?:[\w \-.+@:/,]|\\[dws.-])+\]"
    r"|[.*+|)]|\?(?![+*?])|\((?!\?)|\(\?:|\{\d{1,2}(?:,\d{0,2})?\})*\$?"
)
# Keywords that may allow more names than `properties` has.
_OPENING: Final = ("additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref")


class _TooLarge(Exception):
    """The schema has more than `MAX_NODES` nodes."""


def arguments_schema(parameters: Mapping[str, Any]) -> Schema:
    """The narrowest enforceable schema that allows all that `parameters` (of type object) allows.

    Names outside of `properties` are excluded unless one of `_OPENING` is present.
    """
    for depth in DEPTHS:
        try:
            schema = _Narrowing(parameters).arguments(depth)
            if len(json.dumps(schema, allow_nan=False)) <= MAX_SCHEMA_CHARS:
                return schema
        except (_TooLarge, ValueError, TypeError):
            continue
    return {"type": "object"}


class _Narrowing:
    """One pass over one schema, with references resolved."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = 0

    def arguments(self, depth: int) -> Schema:
        root = self._root
        if "properties" in root or not any(key in root for key in _OPENING):
            return self._object({"properties": {}, **root}, depth)
        schema = self._value(root, depth + 1)
        choices = schema.get("anyOf", [schema])
        if all(choice.get("type") == "object" for choice in choices):
            return schema
        return {"type": "object"}

    def _value(self, node: Any, depth: int) -> Schema:
        """Any schema below the top, or `{}` for any JSON value."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLarge
        if not isinstance(node, Mapping) or depth <= 0:
            return {}
        if "properties" in node:
            return self._object(node, depth)
        if "$ref" in node:
            return self._value(self._referred(node["$ref"]), depth - 1)
        if "const" in node:
            return {"const": node["const"]}
        if "enum" in node:
            values = node["enum"]
            return {"enum": values} if isinstance(values, list) and values else {}
        for key in ("anyOf", "oneOf", "allOf"):
            choices = node.get(key)
            if isinstance(choices, list) and choices and (key != "allOf" or len(choices) == 1):
                return _either([self._value(choice, depth - 1) for choice in choices])
        return _either([self._of_kind(kind, node, depth) for kind in _kinds(node)])

    def _of_kind(self, kind: str, node: Mapping[str, Any], depth: int) -> Schema:
        match kind:
            case "string":
                return _string(node)
            case "integer" | "number":
                return {"type": kind} | _range(node, whole=kind == "integer")
            case "array":
                return self._array(node, depth)
            case "object":
                return self._object(node, depth)
        return {"type": kind}

    def _object(self, node: Mapping[str, Any], depth: int) -> Schema:
        properties = node.get("properties")
        if not isinstance(properties, Mapping):
            properties = {}
        result: Schema = {
            "type": "object",
            "properties": {
                str(name): self._value(value, depth - 1) for name, value in properties.items()
            },
        }
        required = node.get("required")
        if isinstance(required, list):
            result["required"] = [name for name in properties if name in required]
        others = node.get("additionalProperties")
        if isinstance(others, Mapping):
            result["additionalProperties"] = self._value(others, depth - 1)
        elif others is False or ("properties" in node and not any(k in node for k in _OPENING)):
            result["additionalProperties"] = False
        return result

    def _array(self, node: Mapping[str, Any], depth: int) -> Schema:
        result: Schema = {"type": "array", "items": self._value(node.get("items"), depth - 1)}
        first = node.get("prefixItems")
        if isinstance(first, list):
            result["prefixItems"] = [self._value(item, depth - 1) for item in first[:MAX_COUNT]]
        return result | _lengths(node, "minItems", "maxItems")

    def _referred(self, reference: Any) -> Any:
        """The target of a reference inside this schema, None where it has none."""
        steps = str(reference).split("/")
        if steps[0] != "#":
            return None
        place: Any = self._root
        for step in steps[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) else None
        return place


def _kinds(node: Mapping[str, Any]) -> list[str]:
    """The known types that a schema allows; empty without a type or with an unknown one."""
    given = node.get("type")
    if given is None and "items" in node:
        given = "array"
    kinds = [given] if isinstance(given, str) else list(given or ())
    if not all(kind in KINDS for kind in kinds):
        return []
    if kinds and node.get("nullable") is True and "null" not in kinds:  # OpenAPI 3.0
        kinds.append("null")
    return kinds


def _either(choices: list[Schema]) -> Schema:
    """A schema for any of `choices`; any value if one of them allows any."""
    if not choices or {} in choices:
        return {}
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _string(node: Mapping[str, Any]) -> Schema:
    schema: Schema = {"type": "string"}
    pattern = node.get("pattern")
    if isinstance(pattern, str) and _is_common(pattern):
        return schema | {"pattern": pattern}
    shape = node.get("format")
    if shape in _FORMATS:
        return schema | {"pattern": _FORMATS[shape]}
    if shape in _KNOWN_FORMATS:
        return schema | {"format": shape}
    return schema | _lengths(node, "minLength", "maxLength")


def _is_common(pattern: str) -> bool:
    """Whether a regular expression means the same in every dialect, and is not long."""
    if len(pattern) > 200 or not _COMMON_PATTERN.fullmatch(pattern):
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError):
        return False
    return True


def _lengths(node: Mapping[str, Any], least: str, most: str) -> Schema:
    bounds = {key: node[key] for key in (least, most) if _is_count(node.get(key))}
    if bounds.get(least, 0) > bounds.get(most, MAX_COUNT):
        return {}
    return bounds


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT


def _range(node: Mapping[str, Any], whole: bool) -> Schema:
    """The bounds of a number; empty where no number lies between them."""
    bounds: Schema = {}
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        value = node.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not abs(value) <= MAX_BOUND:  # so that NaN is left out too
                continue
            bounds[key] = value
    low = max(bounds.get("minimum", -math.inf), bounds.get("exclusiveMinimum", -math.inf))
    high = min(bounds.get("maximum", math.inf), bounds.get("exclusiveMaximum", math.inf))
    # Every interval longer than one has a whole number.
    return (
        bounds if high - low > (1 if whole else 0) or _has_whole_number(bounds, low, high) else {}
    )


def _has_whole_number(bounds: Schema, low: float, high: float) -> bool:
    """Whether a short interval has a whole number: its lower bound or the next one."""
    lowest = math.ceil(low)
    return any(
        low <= number <= high
        and number > bounds.get("exclusiveMinimum", -math.inf)
        and number < bounds.get("exclusiveMaximum", math.inf)
        for number in (lowest, lowest + 1)
    )
