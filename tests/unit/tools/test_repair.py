"""Calls that are nearly right are read as what they say, and no other way."""

from __future__ import annotations

import json

import pytest

from tools.base import ToolCall
from tools.repair import MAX_REPAIRED_CHARS, repaired

OFFERED = ("weather", "weather_at", "python")
ROW = {"city": "Łódź", "days": 3}
TEXT = json.dumps(ROW, ensure_ascii=False)


def read(input: str, name: str = "weather") -> ToolCall:
    return repaired(ToolCall("1", name, input), OFFERED)


@pytest.mark.parametrize(
    "input",
    [
        json.dumps(TEXT),
        json.dumps(json.dumps(TEXT)),
        TEXT + "{}",
        "{}" + TEXT,
        f"{TEXT}\n{TEXT}",
        f"```json\n{TEXT}\n```",
        f"```\n{json.dumps(TEXT)}\n```",
        TEXT[:-1] + ",}",
        "{'city': 'Łódź', 'days': 3}",
        "{'city': \"Łódź\", 'days': 3,}",
        json.dumps("{'city': 'Łódź', 'days': 3}"),
    ],
)
def test_spellings_of_one_object(input: str) -> None:
    call = read(input)
    assert call.arguments() == ROW
    assert call.note.startswith("Repaired: its arguments (")


@pytest.mark.parametrize(
    ("input", "value"),
    [
        ('{"code": "a = 1\nprint(a)"}', {"code": "a = 1\nprint(a)"}),
        ('{"code": "a\r\n\tb", "x": [1, 2,],}', {"code": "a\r\n\tb", "x": [1, 2]}),
        ('{"on": True, "off": False, "no": None, "some": [null, true]}',
         {"on": True, "off": False, "no": None, "some": [None, True]}),
        (r'{"path": "C:\\new\/x", "é": "\u00e9", "n": -1.5e3,}',
         {"path": "C:\\new/x", "é": "é", "n": -1500.0}),
        ("{'said': 'it\\'s', 'n': {'deep': ['x']}}", {"said": "it's", "n": {"deep": ["x"]}}),
    ],
)  # fmt: skip
def test_values_keep_their_meaning(input: str, value: object) -> None:
    assert read(input).arguments() == value


@pytest.mark.parametrize(
    "input",
    [
        TEXT,
        "",
        '{"city": "a", "city": "b"}',  # JSON's own rule: the last one counts
        "[1]",
        '"weather"',
        TEXT + '{"city": "Oslo"}',
        '{"city": "Oslo"',
        '{"city": "Oslo" "days": 3}',
        '{"city": "Os" "lo",}',
        '{"city": Oslo}',
        "{'city': open('x')}",
        "{'city': f'{1}'}",
        "{1: 2}",
        "{'a': 1, 'a': 2}",
        "{'a': ('b',)}",
        "{'a': NaN}",
        "[" * 5000,
        "{'a':" * 5000,
        "{'a': '" + "x" * MAX_REPAIRED_CHARS + "'}",
    ],
)
def test_what_is_right_or_has_no_one_reading_is_left(input: str) -> None:
    assert read(input) == ToolCall("1", "weather", input)


@pytest.mark.parametrize(
    "name",
    [
        "weather\n",
        " weather",
        "</think>weather",
        "<|assistant|>weather",
        "functions.weather",
        "functions.weather:0",
        "weather[1]",
        "weather()",
        '"weather"',
        "tools.weather\n{}",
    ],
)
def test_names_of_an_offered_tool(name: str) -> None:
    call = read(TEXT, name)
    assert (call.name, call.note) == ("weather", "Repaired: its name.")


@pytest.mark.parametrize(
    "name", ["forecast", "weatherman", "weather_in", "", "my.weather", "x" * 9999]
)
def test_other_names_are_left(name: str) -> None:
    assert read(TEXT, name).name == name


def test_raw_input_is_never_touched() -> None:
    call = ToolCall("1", "python", "{'a': 1}", raw="code")
    assert repaired(call, OFFERED) == call
