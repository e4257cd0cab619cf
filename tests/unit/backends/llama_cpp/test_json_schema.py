"""What of a function's schema llama.cpp is asked to hold a model to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backends.llama_cpp.json_schema import MAX_SCHEMA_CHARS, arguments_schema

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
LIST: dict[str, Any] = {"type": "array", "items": WHOLE}


def held(value: Any, **others: Any) -> Any:
    """What is held of one required value, or `{}` where it may be any JSON."""
    schema = {"type": "object", "properties": {"x": value}, "required": ["x"], **others}
    made = arguments_schema(schema)
    assert made["type"] == "object" and made["required"] == ["x"]
    return made["properties"]["x"]


def test_names_and_their_order_are_kept_and_no_others_allowed() -> None:
    schema = {"type": "object", "properties": {"b": TEXT, "a": WHOLE}, "required": ["a"]}
    made = arguments_schema(schema)
    assert list(made["properties"].items()) == [("b", TEXT), ("a", WHOLE)]
    assert made["required"] == ["a"] and made["additionalProperties"] is False


@pytest.mark.parametrize("none", [{}, {"type": "object"}, {"properties": {}}, {"properties": None}])
def test_a_function_without_parameters_gets_none(none: dict[str, Any]) -> None:
    made = arguments_schema(none)
    assert made["properties"] == {} and made["additionalProperties"] is False


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (TEXT, TEXT),
        ({"type": "string", "description": "who", "default": "a", "title": "X"}, TEXT),
        ({"type": "string", "minLength": 1, "maxLength": 5}, None),
        ({"type": "string", "format": "email"}, None),
        ({"type": "string", "pattern": "^[A-Z]{2}\\d+$"}, None),
        ({"type": "integer", "minimum": 1, "maximum": 5}, None),
        ({"type": "integer", "minimum": 7, "maximum": 7}, None),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, None),
        ({"type": "array", "items": WHOLE, "minItems": 1, "maxItems": 3}, None),
        ({"enum": ["a", 1, None, True, {"b": [1.5]}]}, None),
        ({"type": "string", "enum": ["Zürich", "北京"]}, {"enum": ["Zürich", "北京"]}),
        ({"const": "a\n\"b"}, None),
        ({"anyOf": [TEXT, WHOLE]}, None),
        ({"oneOf": [TEXT, WHOLE]}, {"anyOf": [TEXT, WHOLE]}),
        ({"allOf": [WHOLE]}, WHOLE),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"type": "string", "nullable": True}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"items": WHOLE}, {"type": "array", "items": WHOLE}),
        (
            {"type": "object", "additionalProperties": WHOLE},
            {"type": "object", "properties": {}, "additionalProperties": WHOLE},
        ),
    ],
)  # fmt: skip
def test_what_can_be_held_is_held(given: dict[str, Any], wanted: dict[str, Any] | None) -> None:
    assert held(given) == (given if wanted is None else wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "odd"}, {}),
        ({"type": ["string", "odd"]}, {}),
        ({"$ref": "#/$defs/Nope"}, {}),
        ({"$ref": "http://nowhere.invalid/x"}, {}),
        (False, {}),
        (None, {}),
        ([1], {}),
        ({"enum": []}, {}),
        ({"enum": "abc"}, {}),
        ({"anyOf": []}, {}),
        ({"anyOf": [TEXT, {"type": "odd"}]}, {}),
        ({"allOf": [TEXT, {"minLength": 2}]}, {}),
        ({"type": "string", "not": {"const": "a"}}, TEXT),
        ({"type": "string", "format": "path"}, TEXT),
        ({"type": "string", "pattern": "^(?=a)b"}, TEXT),
        ({"type": "string", "pattern": "("}, TEXT),
        ({"type": "string", "pattern": r"(a)\1"}, TEXT),
        ({"type": "string", "pattern": 3}, TEXT),
        ({"type": "string", "minLength": 100_000}, TEXT),
        ({"type": "string", "minLength": 5, "maxLength": 2}, TEXT),
        ({"type": "integer", "minimum": 5, "maximum": 3}, WHOLE),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}, WHOLE),
        ({"type": "integer", "minimum": "3", "maximum": True}, WHOLE),
        ({"type": "integer", "minimum": -1e300, "maximum": float("nan")}, WHOLE),
        ({"type": "integer", "multipleOf": 0}, WHOLE),
        ({"type": "array", "items": False, "minItems": -1}, {"type": "array", "items": {}}),
        (LIST | {"minItems": 3, "maxItems": 2}, LIST),
    ],
)  # fmt: skip
def test_what_cannot_be_held_gives_way_to_the_nearest_looser(given: Any, wanted: Any) -> None:
    assert held(given) == wanted


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("date", ["2026-11-21"], ["2026-13-01", "21.11.2026", "2026-1-1"]),
        ("time", ["09:30", "23:59:59"], ["24:00", "9:30"]),
        ("date-time", ["2026-11-21T09:30", "2026-11-21 09:30:00+01:00"], ["2026-11-21"]),
    ],
)
def test_dates_and_times_are_held_as_people_say_them(
    shape: str, good: list[str], bad: list[str]
) -> None:
    pattern = held({"type": "string", "format": shape})["pattern"]
    assert all(re.search(pattern, text) for text in good)
    assert not any(re.search(pattern, text) for text in bad)


def test_a_reference_is_put_in_place_and_one_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "id": WHOLE}}
    made = held({"$ref": "#/$defs/Node"}, **{"$defs": {"Node": node}})
    assert made["properties"]["id"] == WHOLE
    assert made["properties"]["next"]["properties"]["id"] == WHOLE
    assert "$ref" not in json.dumps(made)


def test_an_object_that_allows_other_names_stays_open() -> None:
    inner = {"type": "object", "properties": {"a": TEXT}}
    assert held(inner)["additionalProperties"] is False
    assert held({**inner, "additionalProperties": WHOLE})["additionalProperties"] == WHOLE
    assert "additionalProperties" not in held({**inner, "additionalProperties": True})
    assert "additionalProperties" not in held({**inner, "allOf": [{"required": ["b"]}]})


def test_arguments_may_be_one_of_several_objects() -> None:
    one = {"type": "object", "properties": {"a": WHOLE}, "required": ["a"]}
    other = {"type": "object", "properties": {"b": WHOLE}, "required": ["b"]}
    made = arguments_schema({"anyOf": [one, other]})
    assert [choice["required"] for choice in made["anyOf"]] == [["a"], ["b"]]
    assert arguments_schema({"anyOf": [one, TEXT]}) == {"type": "object"}


def test_a_schema_beyond_all_measure_is_held_less_deeply() -> None:
    many = {"enum": [f"number {n}" for n in range(20_000)]}
    assert held(many) == {}
    wide = {"properties": {f"p{n}": {"$ref": "#/$defs/A"} for n in range(9)}}
    made = held({"$ref": "#/$defs/A"}, **{"$defs": {"A": wide}})
    assert len(json.dumps(made)) < MAX_SCHEMA_CHARS
    deep: Any = TEXT
    for _ in range(500):
        deep = {"type": "array", "items": deep}
    assert len(json.dumps(held(deep))) < 1000
    names = {f"a rather long name for a parameter {n}": TEXT for n in range(3_000)}
    assert arguments_schema({"properties": names}) == {"type": "object"}
    assert held({"const": float("inf")}) == {}
