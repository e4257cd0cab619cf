"""GLM-4: one answer to events, rule by rule."""

import itertools
import json
from dataclasses import replace

import pytest

from backends import glm4
from backends.events import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from backends.glm4 import Parser
from backends.messages import Message, Text, user
from tools.base import ToolCall, ToolSpec

CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "grade": {"enum": ["1", "2"]},
    },
}
CODE = {"type": "object", "properties": {"code": {"type": "string"}}}
WEATHER = ToolSpec("weather", "The weather.", CITY)
PYTHON = ToolSpec("python", "Runs code.", CODE, raw="code")
ODD = ToolSpec("天气 now", "A name that is no identifier.", CITY)
TOOLS = (WEATHER, PYTHON, ODD)


def parser(**options) -> Parser:
    ids = (f"id{number}" for number in itertools.count())
    return Parser(TOOLS, lambda: next(ids), **options)


def _thing(event: ModelEvent) -> object:
    """What an event is a piece of. A ready call is a piece of nothing but itself."""
    match event:
        case ToolCallDelta(index, name, _):
            return index, name
        case ToolCallReady(call):
            return call
    return type(event)


def merged(events: list[ModelEvent]) -> list[ModelEvent]:
    """Neighbouring pieces of the same thing as one."""
    out: list[ModelEvent] = []
    for _, group in itertools.groupby(events, key=_thing):
        first, *rest = group
        if not isinstance(first, ToolCallReady):
            first = replace(first, text=first.text + "".join(event.text for event in rest))
        out.append(first)
    return out


def parse(answer: str, complete: bool = True, **options) -> list[ModelEvent]:
    reader = parser(**options)
    return merged(reader.feed(answer) + reader.finish(complete))


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def called(index: int, name: str, input: str, raw: str | None = None) -> list[ModelEvent]:
    """The events of one whole call."""
    delta: list[ModelEvent] = [ToolCallDelta(index, name, input)] if input else []
    return [*delta, ToolCallReady(ToolCall(f"id{index}", name, input, raw))]


# Text


@pytest.mark.parametrize("end", ["", "<|user|>", "<|endoftext|>", "<|observation|>"])
@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_plain_answer(newline, end):
    assert parse(f"{newline}Hello 你好 🙂\nBye{end}") == [TextDelta("Hello 你好 🙂\nBye")]


def test_only_one_newline_is_not_part_of_the_text():
    assert parse("\n\n  indented\n\n") == [TextDelta("\n  indented\n\n")]


@pytest.mark.parametrize("answer", ["", "\n", "<|user|>", "\n<|endoftext|>"])
def test_an_empty_answer(answer):
    assert parse(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Yes",
        "Hello\nworld",
        "# weather\nis nice",
        "weather is\nnice",
        "Weather\nis nice",
        '```json\n{"city": "Bergen"}\n```',
        "Example\n{name} is a placeholder",
        'Output\n{"a": 1}\nis what you get',
        'Output\n{"a": 1, oops}',
        'Output\n{"a": [1}',
        "Output\n{'a': 1}",
        'Output\n{"a": 1',
        "Output\n[1, 2]",
        "Output\n",
        "Output\n{",
        "two words\n{}",
        "1st\n{}",
        " weather\nindented",
        "x" * 65 + "\n{}",
        "weather",
        "Nested\n" + '{"a":' * 5000,
        "Deep\n" + '{"a":' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_what_only_looks_like_a_call_is_text_and_loses_no_line(answer):
    assert parse(answer) == [TextDelta(answer)]


def test_after_an_empty_metadata_a_name_is_text():
    assert parse("\npython\nis a snake") == [TextDelta("python\nis a snake")]
    assert parse('\nother\n{"a": 1}') == [TextDelta('other\n{"a": 1}')]


# Calls


@pytest.mark.parametrize("end", ["", "<|observation|>", "<|user|>", "<|endoftext|>"])
@pytest.mark.parametrize(
    "code", ["print(1)", "\n  if x:\n\ty()\n\n", "", "# [gMASK] <sop> <think>"]
)
def test_a_raw_call_keeps_its_input_exactly(code, end):
    assert parse(f"python\n{code}{end}") == called(0, "python", code, "code")


@pytest.mark.parametrize("end", ["", "<|observation|>"])
def test_a_json_call(end):
    assert parse('weather\n{"city": "Bergen"}\n' + end) == called(
        0, "weather", '{"city": "Bergen"}\n'
    )


def test_the_name_of_an_offered_tool_makes_a_call_of_whatever_follows():
    assert parse("weather\nis nice") == called(0, "weather", "is nice")
    assert parse("weather\n") == called(0, "weather", "")


def test_an_offered_name_need_not_be_an_identifier():
    assert parse("天气 now\n{}") == called(0, "天气 now", "{}")
    assert parse("天气 很好\n{}") == [TextDelta("天气 很好\n{}")]


@pytest.mark.parametrize("end", ["", "<|observation|>"])
@pytest.mark.parametrize("name", ["nope", "a.b-c_d", "x" * 64])
def test_an_identifier_and_a_json_object_is_a_call_of_an_unknown_tool(name, end):
    input = ' {"a": "}\\"{", "b": [{}]}\n'
    assert parse(f"{name}\n{input}{end}") == called(0, name, input)


def test_text_then_calls():
    answer = (
        "\nLet me see.<|assistant|>python\n1+1<|assistant|>weather\n{}<|assistant|>nope\n{}"
        "<|observation|>"
    )
    assert parse(answer) == [
        TextDelta("Let me see."),
        *called(0, "python", "1+1", "code"),
        *called(1, "weather", "{}"),
        *called(2, "nope", "{}"),
    ]


def test_the_first_lines_of_later_segments_are_not_lost():
    assert parse("\none<|assistant|>two\nthree<|assistant|>nope\n{") == [
        TextDelta("onetwo\nthreenope\n{")
    ]


def test_an_object_that_a_token_cuts_short_is_text():
    assert parse('nope\n{"a<|assistant|>python\n1') == [
        TextDelta('nope\n{"a'),
        *called(0, "python", "1", "code"),
    ]


def test_two_texts_of_one_answer_stay_apart():
    assert parse("\none<|assistant|>\ntwo") == [TextDelta("one\ntwo")]


def test_an_unready_call_does_not_run_when_the_stream_broke():
    assert parse("python\nprint(", complete=False) == [ToolCallDelta(0, "python", "print(")]
    assert parse('nope\n{"a": 1}', complete=False) == [TextDelta('nope\n{"a": 1}')]
    assert parse("python\n1<|assistant|>python\n2", complete=False) == [
        *called(0, "python", "1", "code"),
        ToolCallDelta(1, "python", "2"),
    ]


def test_arguments_that_are_no_json_are_still_handed_over():
    assert parse('weather\n{"city": ') == called(0, "weather", '{"city": ')


def test_an_answer_begun_by_the_prompt():
    assert parse("1+1", begins="python\n") == called(0, "python", "1+1", "code")
    assert parse("", begins="\nSure") == [TextDelta("Sure")]


def test_ids_are_fresh_unless_given():
    answer = "python\n1<|assistant|>python\n2"
    events = [event for run in range(2) for event in Parser(TOOLS).feed(answer + "<|user|>")]
    ids = {event.call.id for event in events if isinstance(event, ToolCallReady)}
    assert len(ids) == 4


# Special tokens


def test_nothing_after_the_end_is_read():
    reader = parser()
    assert reader.feed("\nHi<|user|>ignored<|assistant|>python\n1") == [TextDelta("Hi")]
    assert reader.feed("more") == []
    assert reader.finish() == []
    assert reader.feed("more") == []


@pytest.mark.parametrize(
    "token", [t for t in glm4.special_tokens if t not in ("[MASK]", "<|assistant|>")]
)
def test_a_token_that_a_confused_model_writes_is_left_out(token):
    stops = token in ("<|user|>", "<|observation|>", "<|endoftext|>")
    assert parse(f"\none {token}two") == [TextDelta("one " if stops else "one two")]
    assert parse(f"{token}python\n1") == ([] if stops else called(0, "python", "1", "code"))


def test_a_model_may_write_about_masks():
    assert parse("Use [MASK] here") == [TextDelta("Use [MASK] here")]


def test_an_echoed_prompt_head_is_left_out():
    assert parse("[gMASK]<sop><|assistant|>python\n1") == called(0, "python", "1", "code")


@pytest.mark.parametrize("half", ["<|user|", "<|", "<", "[gMAS", "a < b [0] <|x|> <user>"])
def test_what_is_no_whole_token_is_text(half):
    assert parse(f"\nx {half}") == [TextDelta(f"x {half}")]
    assert parse(half) == [TextDelta(half)]


# Thinking


@pytest.mark.parametrize("newline", ["", "\n"])
def test_thinking_comes_apart(newline):
    assert parse(f"{newline}<think>\nHm,\nwell</think>\n\nHello") == [
        ReasoningDelta("Hm,\nwell"),
        TextDelta("Hello"),
    ]


def test_thinking_that_the_prompt_began():
    thought = [ReasoningDelta("Hm"), TextDelta("Hello")]
    assert parse("\nHm</think>\nHello", thinking=True) == thought
    assert parse("\n<think>\nHm</think>\nHello", thinking=True) == thought


def test_unclosed_thinking_is_reasoning():
    assert parse("<think>Hm <tool_call>weather</tool_call> </thin") == [
        ReasoningDelta("Hm <tool_call>weather</tool_call> </thin")
    ]
    assert parse("") == parse("<think>") == parse("<think></think>\n") == []


def test_a_call_after_thinking():
    assert parse("<think>Hm</think>\n\npython\n1") == [
        ReasoningDelta("Hm"),
        *called(0, "python", "1", "code"),
    ]
    assert parse("<think>Hm<|assistant|>python\n1") == [
        ReasoningDelta("Hm"),
        *called(0, "python", "1", "code"),
    ]


def test_thinking_in_a_later_segment():
    assert parse("\none<|assistant|><think>Hm</think>two") == [
        TextDelta("one"),
        ReasoningDelta("Hm"),
        TextDelta("two"),
    ]


def test_the_tag_in_mid_text_is_text():
    assert parse("\nWrite <think> and </think>.") == [TextDelta("Write <think> and </think>.")]


def test_the_tags_around_an_answer_are_left_out():
    answer = "<think>Hm</think><answer>It is <|begin_of_box|>4<|end_of_box|>.</answer>"
    assert parse(answer) == [ReasoningDelta("Hm"), TextDelta("It is 4.")]
    assert parse("\nno <answer>tags</answer> here") == [TextDelta("no <answer>tags</answer> here")]


# Calls in tags (GLM-4.5)


def tagged(name: str, **arguments: str) -> str:
    pairs = "".join(
        f"<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n"
        for key, value in arguments.items()
    )
    return f"<tool_call>{name}\n{pairs}</tool_call>"


def test_tagged_calls():
    answer = (
        "<think>Hm</think>\nLooking.\n"
        + tagged("weather", city="Bergen", days="3")
        + "\n"
        + tagged("nope")
        + "\n<|observation|>"
    )
    assert parse(answer) == [
        ReasoningDelta("Hm"),
        TextDelta("Looking.\n"),
        *called(0, "weather", '{"city": "Bergen", "days": 3}'),
        *called(1, "nope", "{}"),
    ]


def test_a_tagged_call_of_a_raw_tool_has_json_arguments():
    code = 'print("<b>", {"a": [1]})\n\n# </arg_key> </tool_call> <tool_call>'
    [_, ready] = parse(tagged("python", code=code))
    assert isinstance(ready, ToolCallReady)
    assert ready.call.raw is None
    assert ready.call.arguments() == {"code": code}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("city", "3", "3"),
        ("city", '"x"', '"x"'),
        ("city", "null", "null"),
        ("days", "3", 3),
        ("days", "three", "three"),
        ("unit", "null", None),
        ("unit", "3", "3"),
        ("grade", "1", "1"),
        ("other", '{"a": [1, null]}', {"a": [1, None]}),
        ("other", "Bergen", "Bergen"),
        ("other", " two words\n", " two words\n"),
        ("other", '"quoted"', "quoted"),
        ("other", "[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_unless_the_schema_says_string(key, text, value):
    [_, ready] = parse(tagged("weather", **{key: text}))
    assert isinstance(ready, ToolCallReady)
    assert json.loads(ready.call.input) == {key: value}


@pytest.mark.parametrize("complete", [True, False])
def test_half_a_tagged_call_is_text_whatever_is_missing(complete):
    whole = tagged("weather", city="Bergen")
    for cut in range(len(whole)):
        assert parse("\n" + whole[:cut], complete) == ([TextDelta(whole[:cut])] if cut else [])


@pytest.mark.parametrize(
    "text",
    [
        "The tag <tool_call> is followed by a name.",
        "`<tool_call>` and `</tool_call>`",
        "<tool_call></tool_call>",
        "<tool_call>two words</tool_call>",
        "<tool_call>天气</tool_call>",
        '<tool_call>{"name": "weather"}</tool_call>',
        "<tool_call>weather<arg_value>x</arg_value></tool_call>",
        "<tool_call>weather<arg_key>k</arg_key>x<arg_value>",
        "<tool_call>weather<arg_key>k</arg_key><arg_value>v</arg_value>x</tool_call>",
    ],
)
def test_what_only_looks_like_a_tagged_call_is_text(text):
    assert parse("\n" + text) == [TextDelta(text)]


def test_a_whole_call_after_a_broken_one_is_found():
    assert parse("<tool_call>weather<tool_call>nope</tool_call>") == [
        TextDelta("<tool_call>weather"),
        *called(0, "nope", "{}"),
    ]


def test_a_special_token_breaks_a_tagged_call_off():
    assert parse("<tool_call>weather<arg_key>ci<|assistant|>python\n1") == [
        TextDelta("<tool_call>weather<arg_key>ci"),
        *called(0, "python", "1", "code"),
    ]


def test_newlines_after_a_tagged_call_are_kept_where_text_follows():
    assert parse(tagged("nope") + "\n\nmore") == [
        *called(0, "nope", "{}"),
        TextDelta("\n\nmore"),
    ]


def test_a_tagged_call_without_tools_on_offer():
    assert Parser((), lambda: "id0").feed("<tool_call>nope</tool_call>") == called(0, "nope", "{}")


# Streaming


def pieces(*texts: str) -> list[list[ModelEvent]]:
    reader = parser()
    return [reader.feed(text) for text in texts]


def test_text_is_not_held_back_once_it_can_not_be_a_name():
    assert pieces("Hel", "lo", " ", "you") == [
        [],
        [],
        [TextDelta("Hello ")],
        [TextDelta("you")],
    ]
    assert pieces("你") == [[TextDelta("你")]]
    assert pieces("\n", "python", "\n") == [[], [TextDelta("python")], [TextDelta("\n")]]
    assert pieces("x" * 64, "x", "x") == [[], [TextDelta("x" * 65)], [TextDelta("x")]]
    assert pieces("Hello\n", "w", "x") == [
        [],
        [TextDelta("Hello\n"), TextDelta("w")],
        [TextDelta("x")],
    ]


def test_an_unknown_name_is_held_back_only_while_an_object_may_follow():
    assert pieces('Out\n{"a": {}', "}\n", "\ni", "s")[2:] == [
        [TextDelta('Out\n{"a": {}}\n\n'), TextDelta("i")],
        [TextDelta("s")],
    ]
    assert pieces("Out\n{}", "{") == [[], [TextDelta("Out\n{}"), TextDelta("{")]]
    assert pieces("nope\n{", "}", "<|user|>")[:2] == [[], []]


def test_only_what_may_be_a_token_is_held_back():
    assert pieces("\na <", "|us", "x", "<") == [
        [TextDelta("a ")],
        [],
        [TextDelta("<|usx")],
        [],
    ]
    assert pieces("\na <|user|>") == [[TextDelta("a ")]]


def test_a_call_streams_and_is_ready_at_its_end():
    assert pieces("pyt", "hon\npr", "int<|", "obser", "vation|>") == [
        [],
        [ToolCallDelta(0, "python", "pr")],
        [ToolCallDelta(0, "python", "int")],
        [],
        [ToolCallReady(ToolCall("id0", "python", "print", "code"))],
    ]


def test_thinking_streams():
    assert pieces("<thi", "nk>H", "m</", "think>", "\nHi ") == [
        [],
        [ReasoningDelta("H")],
        [ReasoningDelta("m")],
        [],
        [TextDelta("Hi ")],
    ]


def test_bytes_may_be_cut_inside_a_character():
    reader = parser()
    events = [event for byte in "\n你🙂".encode() for event in reader.feed_bytes(bytes([byte]))]
    assert events == [TextDelta("你"), TextDelta("🙂")]


def test_garbage_and_half_a_character_become_replacement_characters():
    reader = parser()
    events = reader.feed_bytes(b"\nok \xff\xfe \xf0\x9f") + reader.finish()
    assert merged(events) == [TextDelta("ok \ufffd\ufffd \ufffd")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        "\n" + "word <" * 33_000,
        "\n" * 200_000,
        "python\n" + "x = [1]\n" * 25_000,
        "nope\n{" + '"k": [1, "<"],' * 14_000,
        "nope\n{}" + " " * 200_000,
        "\n<tool_call>weather" + "<arg_key>k</arg_key><arg_value>[</arg_value>" * 4_500,
        "\n<tool_call>weather<arg_key>k</arg_key>" + "\n" * 200_000,
        "\n<tool_call>" + " " * 200_000,
        "\n<tool_call>weather</tool_call>" + "\n" * 200_000,
        "\n" + "<tool_call>x y" * 14_000,
        "\n" + "<tool_call>x" * 16_000,
        "<sop>" * 40_000,
        "<think>" + "\n" * 200_000,
        "<|assistant|>a\n{x" * 11_000,
        "\nend<|user|>" + "x" * 200_000,
    ],
)
@pytest.mark.timeout(60)  # quadratic work on 200,000 characters would take minutes
def test_long_answers_in_one_piece_and_by_the_character(answer):
    whole = parse(answer)
    reader = parser()
    events = [event for char in answer for event in reader.feed(char)]
    assert merged(events + reader.finish()) == whole


# There and back


@pytest.mark.parametrize(
    "message",
    [
        Message("assistant", (Text("Hello\nthere\n"),)),
        Message("assistant", (Text("python\nis a snake"),)),
        Message("assistant", (Text("\n  # 标题\n"),)),
        Message("assistant", (), calls=(ToolCall("id0", "python", "\nif 1:\n  2\n", "code"),)),
        Message(
            "assistant",
            (Text("Let me see.\n"),),
            calls=(
                ToolCall("id0", "weather", '{"city": "卑尔根"}'),
                ToolCall("id1", "python", "print('🙂')", "code"),
                ToolCall("id2", "gone", "{}"),
            ),
        ),
    ],
)
def test_a_rendered_message_reads_as_itself(message):
    before = glm4.render([user("Hi")], TOOLS)
    after = glm4.render([user("Hi"), message], TOOLS)
    assert after.startswith(before)
    answer = after.removeprefix(before).removesuffix("<|assistant|>") + "<|observation|>"
    events = parse(answer)
    assert text_of(events) == message.text
    assert tuple(e.call for e in events if isinstance(e, ToolCallReady)) == message.calls
