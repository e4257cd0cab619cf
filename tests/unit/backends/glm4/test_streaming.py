"""GLM-4: whatever the answer and wherever it is cut, the events are those of the uncut answer,
and nothing is lost or doubled."""

import itertools
import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends import glm4
from backends.events import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from backends.messages import Message, Text, user
from tests.unit.backends.glm4.test_parser import TOOLS, merged, parse, parser, tagged, text_of
from tools.base import ToolCall

NAMES = ["weather", "python", "天气 now", "nope", "Hello", "a.b-c", "json", "x" * 64, "x" * 65]
TAGS = ["<think>", "</think>", "<answer>", "</answer>", "<tool_call>", "</tool_call>"]
TAGS += ["<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"]
ENDS = ("<|user|>", "<|observation|>", "<|endoftext|>")

names = st.sampled_from(NAMES)
lines = st.sampled_from(
    ["Hello there", "# 标题", "你好，世界", "🙂👩‍👩‍👧 ok", "a < b [0] | c", "", " x"]
)
code = st.sampled_from(["print('<|')\n", "if x:\n\ty([1])\n\n", "1+1", "```json\n{}\n```"])
objects = st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2).map(json.dumps)
marks = st.sampled_from([*glm4.special_tokens, *TAGS, "\n", "\n\n"])
broken = st.tuples(marks, st.integers(1, 20), st.booleans()).map(
    lambda cut: cut[0][: cut[1]] if cut[2] else cut[0][cut[1] :]
)
heads = names.map(lambda name: name + "\n")
tagged_calls = st.builds(lambda name, value: tagged(name, city=value, days=value), names, lines)
pieces = st.one_of(
    lines, code, objects, marks, broken, heads, tagged_calls, st.just("<|assistant|>"), st.text()
)
answers = st.lists(pieces, max_size=14).map("".join)
cuts = st.lists(st.integers(0, 400), max_size=20)


def streamed(data: bytes, sizes: list[int] | None, complete: bool, **options: bool):
    """The events of `data`, cut at these places, or everywhere."""
    places = range(len(data)) if sizes is None else sorted({min(s, len(data)) for s in sizes})
    reader = parser(**options)
    events: list[ModelEvent] = []
    for start, end in itertools.pairwise([0, *places, len(data)]):
        events += reader.feed_bytes(data[start:end])
    return merged(events + reader.finish(complete))


def carried(events: list[ModelEvent]) -> str:
    """All that the events hold, in order, with a call as it is written."""
    out = ""
    index = -1
    for event in events:
        match event:
            case TextDelta(text) | ReasoningDelta(text):
                out += text
            case ToolCallDelta(number, name, text):
                out += text if number == index else f"{name}\n{text}"
                index = number
            case ToolCallReady(call) if not call.input:
                out += f"{call.name}\n"
    return out


def test_the_calls_are_counted_and_ready_with_what_was_streamed():
    events = parse("python\n1<|assistant|>weather\n<|assistant|>nope\n{}")
    assert carried(events) == "python\n1weather\nnope\n{}"


RICH = [
    "\n你好 🙂<|assistant|>python\nprint('<|')\n<|assistant|>weather\n{}<|observation|>late",
    "[gMASK]<sop><|assistant|>\n\n<think>\n</think>\na <b> <|begin_of_box|>4<|end_of_box|>",
    "<think>\n<think>\nHm, </thin <sop>好</think>\n\npython\n1+1\n<|user|>",
    "<think>Hm</think><answer>4</answer> </answer><|assistant|>天气 now\n{}<|endoftext|>",
    "Looking.\n" + tagged("weather", city="卑", days="3") + "\n\n" + tagged("nope") + "\n<|user|>",
    tagged("nope") + "\n\n<tool_cal" + tagged("two words") + "<tool_call>weather<arg_key>x",
    'nope\n{"a": "}<"}\n<|assistant|>nope\n{"b": [<|assistant|>Out\n{"c": 1}\nis text',
]


@pytest.mark.parametrize("answer", RICH)
@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("complete", [False, True])
def test_no_single_cut_changes_anything(answer, thinking, complete):
    data = answer.encode()
    whole = streamed(data, [], complete, thinking=thinking)
    for place in range(len(data)):
        assert streamed(data, [place], complete, thinking=thinking) == whole


@settings(max_examples=400, deadline=None)
@given(answers, cuts, st.booleans(), st.booleans())
def test_cuts_change_nothing(answer, places, complete, thinking):
    data = answer.encode("utf-8", "replace")
    whole = streamed(data, [], complete, thinking=thinking)
    assert streamed(data, places, complete, thinking=thinking) == whole
    assert streamed(data, None, complete, thinking=thinking) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=6) | answers.map(str.encode), max_size=4), cuts)
def test_cuts_of_garbage_change_nothing(parts, places):
    data = b"".join(parts)
    whole = parse(data.decode("utf-8", "replace"))
    assert streamed(data, places, True) == streamed(data, None, True) == whole


@settings(max_examples=300, deadline=None)
@given(answers, st.booleans())
def test_a_ready_call_is_what_was_streamed_of_it(answer, complete):
    events = parse(answer, complete)
    deltas = {event.index: event for event in events if isinstance(event, ToolCallDelta)}
    ready = [event.call for event in events if isinstance(event, ToolCallReady)]
    for event, after in itertools.pairwise([*events, TextDelta("")]):
        if isinstance(event, ToolCallDelta) and isinstance(after, ToolCallReady):
            assert (after.call.name, after.call.input) == (event.name, event.text)
    assert len({call.id for call in ready}) == len(ready)
    unready = len(deltas.keys()) - len([call for call in ready if call.input])
    assert unready in ((0,) if complete else (0, 1))


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(names | lines | objects | code | st.just("\n")).map("\n".join))
def test_without_markers_an_answer_is_carried_to_the_letter(answer):
    """Save the one newline that says that there is no metadata."""
    answer = answer.replace("<", "(")
    assert carried(parse(answer)) == answer.removeprefix("\n")


def without(pattern, text):
    while (less := pattern.sub("", text)) != text:
        text = less
    return text


@example("<[gMASK]|endoftext|>")
@settings(max_examples=300, deadline=None)
@given(st.lists(lines | marks | broken | heads | st.text(), max_size=14).map("".join))
def test_with_markers_only_markers_and_newlines_are_left_out(answer):
    """What is left out is a special token, a tag of thinking or answering, or a newline; and all
    after the end. A tagged call is written in another way and is looked at below."""
    answer = answer.replace("</tool_call>", "</tool_cal>")
    before_end = re.split("|".join(map(re.escape, ENDS)), answer)[0]
    out = re.compile("|".join(map(re.escape, [*glm4.special_tokens, *TAGS[:4], "\n"])))
    # A token may stand in a call's input, and one that is left out may make another of what
    # stood around it, so that removing from both sides, to the last, is the fair view.
    assert without(out, carried(parse(answer))) == without(out, before_end)


def numbered(shapes: list[str]) -> str:
    """Each # of the shapes with a number of its own."""
    numbers = itertools.count()
    return re.sub("#", lambda _: f"⟦{next(numbers)}⟧", "".join(shapes))


shapes = st.sampled_from(
    [
        *("#", "#\n", "\n", "<|assistant|>\n#", "<|assistant|>weather\n#", "<|assistant|>#"),
        *('<|assistant|>nope\n{"#": "#"}', '<|assistant|>nope\n{"#"', "python\n#\n", "[gMASK]"),
        *("<|assistant|><think>#</think>", "<think>#", "</think>", "<|begin_of_box|>#", "<|us"),
        *("<tool_call>", tagged("weather", city="#", days="#"), tagged("nope") + "\n"),
        *("<tool_call>weather<arg_key>#</arg_key>", "<tool_call>weather#", "</arg_value>"),
        *("<answer>#</answer>", "<sop>", "<arg_value>#</arg_value>", "</tool_call>"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(shapes, max_size=12), st.lists(shapes, max_size=3), st.booleans())
def test_everything_said_comes_out_once_and_in_order(before, after, complete):
    said = numbered(before)
    events = parse(said + "<|user|>" + after_end(after), complete)
    assert re.findall("⟦.*?⟧", carried(events)) == re.findall("⟦.*?⟧", said)
    assert carried(parse(said, complete)) == carried(parse(said + "<|user|>", True)) or not complete


def after_end(parts: list[str]) -> str:
    return "".join(parts).replace("#", "⟦late⟧")


clean = st.text(alphabet=st.characters(exclude_characters="<", exclude_categories=["Cs"]))
calls = st.one_of(
    st.builds(lambda text: ("python", text, "code"), clean),
    st.builds(lambda text: ("weather", text, None), clean),
    st.builds(lambda text: ("gone", text, None), objects),
)


@settings(max_examples=200, deadline=None)
@given(clean, st.lists(calls, max_size=3))
def test_a_rendered_message_reads_as_itself(text, parts):
    text = glm4.defuse(text) if text.strip() else ""
    made = tuple(
        ToolCall(f"id{number}", name, glm4.defuse(input), raw)
        for number, (name, input, raw) in enumerate(parts)
    )
    message = Message("assistant", (Text(text),), calls=made)
    before = glm4.render([user("Hi")], TOOLS)
    after = glm4.render([user("Hi"), message], TOOLS)
    answer = after.removeprefix(before).removesuffix("<|assistant|>") + "<|observation|>"
    events = parse(answer)
    assert text_of(events) == text
    assert tuple(e.call for e in events if isinstance(e, ToolCallReady)) == made
