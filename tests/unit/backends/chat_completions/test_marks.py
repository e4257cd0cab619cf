"""What a server left in the text is told apart; what only looks so stays text."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from backends.chat_completions.marks import MAX_HELD_CHARS, NOTE, LeftMarks
from backends.events import ReasoningDelta, TextDelta, TextWasReasoning, ToolCallReady
from tools.base import ToolSpec

TOWN = ToolSpec("town", "The town of a post code.", {"properties": {"code": {"type": "string"}}})
PYTHON = ToolSpec("python", "Runs code.", {"properties": {"code": {"type": "string"}}}, raw="code")
TOOLS = (TOWN, PYTHON)


def read(
    pieces: Iterable[str], tools: tuple[ToolSpec, ...] = TOOLS, complete: bool = True
) -> tuple[str, str, list[tuple[str, object]]]:
    """Text, reasoning and calls of an answer."""
    marks = LeftMarks(tools)
    events = [event for piece in pieces for event in marks.feed(piece)]
    text, reasoning, calls = "", "", []
    for event in [*events, *marks.finish(complete)]:
        match event:
            case TextDelta(piece):
                text += piece
            case ReasoningDelta(piece):
                reasoning += piece
            case TextWasReasoning():
                text, reasoning = "", reasoning + text
            case ToolCallReady(call):
                assert call.note == NOTE
                calls.append((call.name, call.arguments()))
    return text, reasoning, calls


CALLED = [("town", {"code": "02139"})]
JSON = '{"name": "town", "arguments": {"code": "02139"}}'
TAGGED = "<tool_call>town\n<arg_key>code</arg_key>\n<arg_value>02139</arg_value>\n</tool_call>"
ANSWERS = [
    ("<think>\nSo.\n</think>\n\n408", ("408", "\nSo.\n", [])),
    ("17 * 20 is 340.</think>408", ("408", "17 * 20 is 340.", [])),
    ("It is <|begin_of_box|>42<|end_of_box|>.", ("It is 42.", "", [])),
    (TAGGED, ("", "", CALLED)),
    (f"Let me look.\n{TAGGED}\n{TAGGED}", ("Let me look.\n", "", CALLED * 2)),
    (f"<think>Which?</think>{TAGGED}", ("", "Which?", CALLED)),
    (f"<tool_call>\n{JSON}\n</tool_call>", ("", "", CALLED)),
    (f"<tool_call>\n{JSON[:-1]},}}\n</tool_call> Done.", (" Done.", "", CALLED)),
    ('town\n{"code": "02139"}', ("", "", CALLED)),
    (JSON, ("", "", CALLED)),
    (f"```json\n{JSON}\n```", ("", "", CALLED)),
    ('{"function": {"name": "town", "arguments": "{\\"code\\": \\"02139\\"}"}}', ("", "", CALLED)),
    ("<think>still at it", ("", "still at it", [])),
]
TEXTS = [
    "",
    "town",
    "town hall\n{}",
    'town\n{"code": "02139"} is what I would call.',
    '{"name": "Ada", "age": 36}',
    '{"name": "town", "inhabitants": 118000}',
    '```json\n{"a": 1}\n```',
    "The tag `</think>` ends it, as </think> does.",
    "```\n<tool_call>town\n</tool_call>\n```",
    "<tool_call>hall\n<arg_key>code</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
    '<tool_call>{"name": "hall", "arguments": {}}</tool_call>',
    '<tool_call>{"name": "town"',
    "<tool_call>",
    "a < b and c <t",
    "[1] <think> is a tag of some models",
]


@pytest.mark.parametrize(("answer", "found"), ANSWERS)
def test_marks_are_told_apart_wherever_the_text_is_split(
    answer: str, found: tuple[str, str, list[tuple[str, object]]]
) -> None:
    assert read([answer]) == found
    assert read(answer) == found
    assert read([answer[:7], answer[7:]]) == found


@pytest.mark.parametrize("text", TEXTS)
def test_what_only_looks_so_stays_text(text: str) -> None:
    assert read([text]) == (text, "", [])
    assert read(text) == (text, "", [])


@pytest.mark.parametrize("answer", [TAGGED, JSON, f"<tool_call>{JSON}</tool_call>"])
def test_without_tools_on_offer_calls_are_text(answer: str) -> None:
    assert read(answer, ()) == (answer, "", [])


def test_a_whole_answer_that_was_cut_is_no_call() -> None:
    assert read(JSON, complete=False) == (JSON, "", [])


def test_ordinary_text_is_not_held_back() -> None:
    marks = LeftMarks(TOOLS)
    assert marks.feed("The ") == [TextDelta("The ")]
    assert marks.feed('{"name": ') == [TextDelta('{"name": ')]


def test_a_long_object_is_given_out_in_the_end() -> None:
    long = '{"name": "town", "arguments": {"code": "' + "x" * MAX_HELD_CHARS
    assert read([long[i : i + 997] for i in range(0, len(long), 997)]) == (long, "", [])
