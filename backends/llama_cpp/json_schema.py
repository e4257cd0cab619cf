"""A function's JSON Schema cut down to what llama.cpp can hold a model to.

llama.cpp hands schemas to llguidance, which refuses a whole grammar for one schema that it can't
express; llama.cpp then holds the answer to nothing, and doesn't say so. So only what llguidance
is known to take goes through: what else a schema asks is left out, a value that can't be told
becomes any JSON value, and a schema beyond all measure any JSON object. What a model writes
under the result may break the schema; the tool itself has the last word.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

KINDS: Final = ("string", "integer", "number", "boolean", "null", "array", "object")
MAX_SCHEMA_CHARS: Final = 50_000  # characters of one schema: read in some 30 ms
MAX_NODES: Final = 2_000
DEPTHS: Final = (8, 4, 2, 1)  # how deep values are held; tried until the schema is small enough
MAX_COUNT: Final = 1_000  # characters or items that a schema may count
FARTHEST: Final = 10**15  # bounds of a number beyond this are refused

# RFC 3339 wants seconds and a time zone, which hardly anybody says; ISO 8601 does not.
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
# What may allow more names than `properties` has.
_OPENING: Final = ("additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref")


class _TooLarge(Exception):
    """The schema has more nodes than are worth holding to."""


def arguments_schema(parameters: Mapping[str, Any]) -> Schema:
    """`parameters` (of type object) or the nearest looser schema that can be held to.

    Names that `properties` doesn't have are closed out unless the schema speaks of others.
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
    """One walk through one schema, references put in place."""

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
        made: Schema = {
            "type": "object",
            "properties": {
                str(name): self._value(value, depth - 1) for name, value in properties.items()
            },
        }
        required = node.get("required")
        if isinstance(required, list):
            made["required"] = [name for name in properties if name in required]
        others = node.get("additionalProperties")
        if isinstance(others, Mapping):
            made["additionalProperties"] = self._value(others, depth - 1)
        elif others is False or ("properties" in node and not any(k in node for k in _OPENING)):
            made["additionalProperties"] = False
        return made

    def _array(self, node: Mapping[str, Any], depth: int) -> Schema:
        made: Schema = {"type": "array", "items": self._value(node.get("items"), depth - 1)}
        first = node.get("prefixItems")
        if isinstance(first, list):
            made["prefixItems"] = [self._value(item, depth - 1) for item in first[:MAX_COUNT]]
        return made | _lengths(node, "minItems", "maxItems")

    def _referred(self, reference: Any) -> Any:
        """What a reference inside this schema points at, None where it points at nothing."""
        steps = str(reference).split("/")
        if steps[0] != "#":
            return None
        place: Any = self._root
        for step in steps[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, Mapping) else None
        return place


def _kinds(node: Mapping[str, Any]) -> list[str]:
    """The known types that a schema allows, none where it doesn't say or may mean others."""
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
    """One of several, any value where one of them is."""
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
    """The bounds of a number; none of them where nothing lies between."""
    bounds: Schema = {}
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        value = node.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not abs(value) <= FARTHEST:  # so that NaN is left out too
                continue
            bounds[key] = value
    low = max(bounds.get("minimum", -math.inf), bounds.get("exclusiveMinimum", -math.inf))
    high = min(bounds.get("maximum", math.inf), bounds.get("exclusiveMaximum", math.inf))
    # A whole number lies in every stretch that is longer than one.
    return bounds if high - low > (1 if whole else 0) or _holds(bounds, low, high) else {}


def _holds(bounds: Schema, low: float, high: float) -> bool:
    """Whether a short stretch holds the whole number at its lower end or just above it."""
    at = math.ceil(low)
    return any(
        low <= number <= high
        and number > bounds.get("exclusiveMinimum", -math.inf)
        and number < bounds.get("exclusiveMaximum", math.inf)
        for number in (at, at + 1)
    )
