"""Stream chunks to events, in the forms that servers really send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import glm4
from backends.chat_completions.chunks import ChunkReader
from backends.events import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from tools.base import ToolCall, ToolSpec

NAMES = {"add": "add", "weather_today": "weather.today", "simple_browser": "simple_browser"}


def chunk(delta: dict[str, Any] | None = None, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}]}


def calls(*parts: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(parts)})


def part(
    name: str | None = None, arguments: Any = None, index: int | None = None, id: str | None = None
) -> dict[str, Any]:
    given = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    given["function"] = {k: v for k, v in given["function"].items() if v is not None}
    return {k: v for k, v in given.items() if v is not None}


def read(*chunks: dict[str, Any], reason: str | None = "tool_calls") -> list[ModelEvent]:
    reader = ChunkReader(NAMES)
    events = [event for c in chunks for event in reader.feed(c)]
    if reason:
        events += reader.feed(chunk(reason=reason))
    return events + reader.finish()


def ready(events: list[ModelEvent]) -> list[ToolCall]:
    return [event.call for event in events if isinstance(event, ToolCallReady)]


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def inputs(events: list[ModelEvent]) -> list[tuple[str, str]]:
    return [(call.name, call.input) for call in ready(events)]


def test_text_and_nulls() -> None:
    events = read(
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "Hel"}),
        chunk({"content": ""}),
        chunk({"content": "lo", "tool_calls": None}),
        reason="stop",
    )
    assert events == [TextDelta("Hel"), TextDelta("lo")]


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning(key: str) -> None:
    assert read(chunk({key: "hm", "content": None})) == [ReasoningDelta("hm")]


def test_reasoning_under_both_keys_is_told_once() -> None:
    delta = {"reasoning_content": "hm", "reasoning": "hm"}
    assert read(chunk(delta)) == [ReasoningDelta("hm")]


def test_typed_content_parts() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "so"},
    ]
    assert read(chunk({"content": content})) == [ReasoningDelta("hm"), TextDelta("so")]


def test_one_call_in_pieces() -> None:
    events = read(
        calls(part("add", "", 0, "call_x")),
        calls(part(None, '{"a"', 0)),
        calls(part(None, ": 1}", 0)),
    )
    assert events[:3] == [
        ToolCallDelta(0, "add", ""),
        ToolCallDelta(0, "add", '{"a"'),
        ToolCallDelta(0, "add", ": 1}"),
    ]
    assert ready(events) == [ToolCall("call_x", "add", '{"a": 1}')]


def test_names_are_mapped_back() -> None:
    events = read(calls(part("weather_today", "{}", 0, "c")))
    assert events[0] == ToolCallDelta(0, "weather.today", "{}")
    assert ready(events)[0].name == "weather.today"


def test_several_calls_interleaved_and_out_of_order() -> None:
    events = read(
        calls(part("simple_browser", '{"q":', 1, "b")),
        calls(part("add", '{"a":', 0, "a"), part(None, "2}", 1)),
        calls(part(None, "1}", 0)),
    )
    assert ready(events) == [
        ToolCall("a", "add", '{"a":1}'),
        ToolCall("b", "simple_browser", '{"q":2}'),
    ]


def test_all_indexes_equal() -> None:
    events = read(
        calls(part("add", '{"a":1}', 0, "x")),
        calls(part("add", '{"a":1}', 0, "y")),
        calls(part("simple_browser", '{"q"', 0, "z")),
        calls(part(None, ":1}", 0)),
    )
    assert [call.id for call in ready(events)] == ["x", "y", "z"]
    assert inputs(events)[2] == ("simple_browser", '{"q":1}')


def test_no_index_at_all() -> None:
    events = read(
        calls(part("add", '{"a":', id="x")),
        calls(part(None, "1}")),
        calls(part("simple_browser", "{}", id="y")),
    )
    assert inputs(events) == [("add", '{"a":1}'), ("simple_browser", "{}")]


def test_no_index_several_in_one_chunk() -> None:
    events = read(
        calls(part("add", '{"a"'), part("simple_browser", '{"q"')),
        calls(part(None, ":1}"), part(None, ":2}")),
    )
    assert inputs(events) == [("add", '{"a":1}'), ("simple_browser", '{"q":2}')]


def test_neither_index_nor_id_whole_calls_one_after_the_other() -> None:
    events = read(calls(part("add", '{"a":1}')), calls(part("add", '{"a":1}')))
    assert inputs(events) == [("add", '{"a":1}')] * 2
    assert len({call.id for call in ready(events)}) == 2


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_id_is_made(missing: str | None) -> None:
    (call,) = ready(read(calls(part("add", "{}", 0, missing))))
    assert call.id.startswith("call_") and len(call.id) > 20


def test_an_id_that_comes_later_is_kept() -> None:
    (call,) = ready(read(calls(part("add", "{", 0)), calls(part(None, "}", 0, "late"))))
    assert call == ToolCall("late", "add", "{}")


def test_an_id_that_two_calls_share_is_made_unique() -> None:
    got = ready(read(calls(part("add", "{}", 0, "same")), calls(part("add", "{}", 1, "other"))))
    assert [call.id for call in got] == ["same", "other"]
    reader = ChunkReader(NAMES)
    reader.feed(calls(part("add", "{}", 0), part("add", '{"a":2}', 1)))
    reader.feed(calls({"index": 0, "id": "same"}))
    reader.feed(chunk(reason="stop"))
    assert len({call.id for call in ready(reader.finish())}) == 2


def test_a_new_id_with_every_piece_is_still_one_call() -> None:
    events = read(
        calls(part("add", "", 0, "r1")),
        calls(part(None, '{"a"', 0, "r2")),
        calls(part(None, ":1}", 0, "r3")),
    )
    assert ready(events) == [ToolCall("r1", "add", '{"a":1}')]


@pytest.mark.parametrize(
    "pieces",
    [["simple_", "browser"], ["simple_browser", "simple_browser"], ["sim", "simple_browser"]],
)
def test_names_in_pieces_and_repeated(pieces: list[str]) -> None:
    events = read(
        *(calls(part(piece, None, 0, "c")) for piece in pieces), calls(part(None, "{}", 0))
    )
    assert inputs(events) == [("simple_browser", "{}")]


def test_a_name_repeated_with_every_piece_of_the_arguments() -> None:
    events = read(
        *(calls(part("add", piece, 0)) for piece in ['{"a"', ":", "1}"]), calls(part("add", "", 0))
    )
    assert inputs(events) == [("add", '{"a":1}')]


def test_an_unknown_name_is_passed_on() -> None:
    assert inputs(read(calls(part("no_such", "{}", 0, "c")))) == [("no_such", "{}")]


def test_arguments_as_an_object() -> None:
    assert inputs(read(calls(part("add", {"a": 1, "b": "ü"}, 0)))) == [
        ("add", '{"a": 1, "b": "ü"}')
    ]


def test_arguments_that_are_no_json_are_passed_on_as_they_are() -> None:
    assert inputs(read(calls(part("add", "{a: 1", 0)))) == [("add", "{a: 1")]


def test_legacy_function_call() -> None:
    events = read(
        chunk({"function_call": {"name": "add", "arguments": '{"a"'}}),
        chunk({"function_call": {"arguments": ":1}"}}),
        reason="function_call",
    )
    assert inputs(events) == [("add", '{"a":1}')]


def test_a_whole_completion_is_one_chunk() -> None:
    message = {"content": "So", "tool_calls": [part("add", '{"a":1}', None, "c")]}
    reader = ChunkReader(NAMES)
    events = reader.feed({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    events += reader.finish()
    assert text_of(events) == "So"
    assert ready(events) == [ToolCall("c", "add", '{"a":1}')]


def test_stop_beside_calls_is_fine() -> None:
    assert len(ready(read(calls(part("add", "{}", 0)), reason="stop"))) == 1


def test_the_end_mark_alone_ends_an_answer() -> None:
    reader = ChunkReader(NAMES)
    reader.feed(calls(part("add", "{}", 0)))
    assert not reader.ended
    reader.end()
    assert reader.ended and len(ready(reader.finish())) == 1


def test_an_answer_without_an_end_has_no_calls() -> None:
    assert ready(read(calls(part("add", "{}", 0)), reason=None)) == []


def test_a_stopped_answer_has_no_calls() -> None:
    reader = ChunkReader(NAMES)
    reader.feed(calls(part("add", "{}", 0)))
    reader.feed(chunk(reason="tool_calls"))
    assert ready(reader.finish(complete=False)) == []


def test_at_the_length_limit_only_whole_calls_are_ready() -> None:
    events = read(calls(part("add", '{"a":1}', 0)), calls(part("add", '{"a":', 1)), reason="length")
    assert inputs(events) == [("add", '{"a":1}')]


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", "stop"), ("tool_calls", "stop"), ("length", "length")]
)
def test_finish_reasons(reason: str, finish: str) -> None:
    reader = ChunkReader()
    reader.feed(chunk({"content": "x"}, reason))
    assert reader.finish_reason == finish and reader.fault is None


@pytest.mark.parametrize("reason", ["content_filter", "error"])
def test_an_answer_that_the_server_stopped_has_a_fault_and_no_calls(reason: str) -> None:
    reader = ChunkReader(NAMES)
    reader.feed(calls(part("add", "{}", 0)))
    reader.feed(chunk(reason=reason))
    assert reader.fault and ready(reader.finish()) == []


def test_usage() -> None:
    reader = ChunkReader()
    details = {"cached_tokens": 4}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": details}
    reader.feed({"choices": [], "usage": usage})
    got = reader.usage
    assert (got.prompt_tokens, got.cached_tokens, got.completion_tokens) == (9, 4, 3)


def test_usage_from_llama_cpp_timings() -> None:
    reader = ChunkReader()
    reader.feed({"choices": [], "timings": {"prompt_n": 5, "cache_n": 4, "predicted_n": 3}})
    got = reader.usage
    assert (got.prompt_tokens, got.cached_tokens, got.completion_tokens) == (9, 4, 3)


def test_without_usage_pieces_are_counted() -> None:
    reader = ChunkReader()
    for piece in ("a", "b", ""):
        reader.feed(chunk({"content": piece}))
    assert reader.usage.completion_tokens == 2


def test_other_choices_are_passed_over() -> None:
    assert read({"choices": [{"index": 1, "delta": {"content": "x"}}]}, reason=None) == []


def test_an_emoji_cut_in_half_is_joined() -> None:
    high, low = "\ud83d", "\ude00"
    assert text_of(read(chunk({"content": "a" + high}), chunk({"content": low + "b"}))) == "a😀b"
    events = read(calls(part("add", '{"a":"' + high, 0)), calls(part(None, low + '"}', 0)))
    assert inputs(events) == [("add", '{"a":"😀"}')]


def test_half_an_emoji_is_replaced() -> None:
    assert text_of(read(chunk({"content": "a\ud83d"}), reason="stop")) == "a\ufffd"
    assert text_of(read(chunk({"content": "\ude00a"}), reason="stop")) == "\ufffda"


SPECS = (ToolSpec("add", "adds", {"type": "object", "properties": {}}),)


def test_a_text_protocol_is_parsed_and_its_calls_kept_back() -> None:
    reader = ChunkReader(parser=glm4.Parser(SPECS))
    events = []
    for piece in ["\nOne mo", "ment.<|assis", 'tant|>add\n{"a"', ": 1}", "<|observation|>"]:
        events += reader.feed(chunk({"content": piece}))
    assert text_of(events).strip() == "One moment." and ready(events) == []
    reader.feed(chunk(reason="stop"))
    assert inputs(reader.finish()) == [("add", '{"a": 1}')]


def test_half_a_call_in_a_text_protocol_is_never_ready() -> None:
    reader = ChunkReader(parser=glm4.Parser(SPECS))
    reader.feed(chunk({"content": 'add\n{"a": '}))
    assert ready(reader.finish()) == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "delta", "message", "content", "tool_calls", "function",
                         "name", "arguments", "index", "id", "usage", "finish_reason",
                         "timings", "reasoning", "function_call", "text", "thinking"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(JUNK.filter(lambda value: isinstance(value, dict)), max_size=4))
def test_nothing_that_a_server_sends_raises(junk: list[dict[str, Any]]) -> None:
    reader = ChunkReader(NAMES)
    for value in junk:
        reader.feed(value)
        reader.feed({"choices": [{"delta": value}, value]})
        reader.feed(calls(value))
    for event in reader.finish():
        assert event
    assert reader.usage.completion_tokens >= 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(NAMES)),
            st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=6), max_size=3),
        ),
        min_size=1,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_wherever_calls_are_cut_they_are_the_same(
    asked: list[tuple[str, dict[str, Any]]], random: Any
) -> None:
    written = [json.dumps(arguments) for _, arguments in asked]
    left = dict(enumerate(written))
    begun: set[int] = set()
    chunks = []
    while left:
        index = random.choice(sorted(left))
        size = random.randint(1, 8)
        name = None if index in begun else asked[index][0]
        chunks.append(calls(part(name, left[index][:size], index, f"id{index}" if name else None)))
        begun.add(index)
        left[index] = left[index][size:]
        if not left[index]:
            del left[index]
    events = read(*chunks)
    assert [(c.id, c.input) for c in ready(events)] == [
        (f"id{i}", text) for i, text in enumerate(written)
    ]
    for index, text in enumerate(written):
        deltas = [e.text for e in events if isinstance(e, ToolCallDelta) and e.index == index]
        assert "".join(deltas) == text
