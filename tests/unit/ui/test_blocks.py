"""A conversation as blocks: what is drawn of it, finished and running."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.agent.events import (
    Event,
    MessageFinished,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
)
from app.core.conversation import Conversation
from app.core.sessions.live_turn import LiveCall, LiveTurn, TurnSnapshot
from app.core.sessions.session import View
from app.ui.transcript.blocks import (
    CallBlock,
    NoteBlock,
    TextBlock,
    ThinkingBlock,
    WaitBlock,
    answer_blocks,
    exchanges,
    has_clock,
    latest_blocks,
    live_blocks,
    usage_of,
)
from backends.events import Notice, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady
from backends.messages import Message, Text, Usage, user
from tools.base import ToolCall, ToolResult


def said(text: str, *calls: ToolCall, **more: Any) -> Message:
    return Message("assistant", (Text(text),) if text else (), calls=calls, **more)


def call(id: str, name: str = "add", input: str = "{}") -> ToolCall:
    return ToolCall(id, name, input)


def result(of: ToolCall, text: str = "3") -> ToolResult:
    return ToolResult(of.id, of.name, text)


def test_the_conversation_is_cut_at_the_users_messages() -> None:
    one, two = user("one"), user("two")
    answer, tool = said("", call("a")), Message("tool", result=result(call("a")))
    cut = exchanges([one, answer, tool, two])
    assert [(e.index, e.question, e.answers) for e in cut] == [
        (0, one, (answer, tool)),
        (3, two, ()),
    ]


def test_two_questions_in_a_row_and_an_answer_without_one() -> None:
    cut = exchanges([said("hello"), user("a"), user("b")])
    assert [(e.index, e.question and e.question.text) for e in cut] == [
        (0, None),
        (1, "a"),
        (2, "b"),
    ]
    assert exchanges([]) == []


@given(st.lists(st.sampled_from([user("q"), said("a")]), max_size=12))
def test_every_message_is_in_exactly_one_exchange(messages: list[Message]) -> None:
    cut = exchanges(messages)
    joined = [m for e in cut for m in ([e.question] if e.question else []) + list(e.answers)]
    assert joined == messages
    assert [messages[e.index] for e in cut] == [e.question or e.answers[0] for e in cut]


def test_an_answer_is_drawn_in_its_order() -> None:
    a, b = call("a"), call("b")
    answers = [
        said("Let me see.", a, b, reasoning="Hm."),
        Message("tool", result=result(a, "1")),
        Message("tool", result=result(b, "2")),
        said("Done."),
    ]
    assert answer_blocks(answers) == [
        ThinkingBlock("Hm.", done=True),
        TextBlock("Let me see."),
        CallBlock(a, "done", result=result(a, "1")),
        CallBlock(b, "done", result=result(b, "2")),
        TextBlock("Done."),
    ]


def test_calls_that_share_an_id_keep_their_own_results() -> None:
    first, second = call("same", input='{"a": 1}'), call("same", input='{"a": 2}')
    answers = [
        said("", first),
        Message("tool", result=result(first, "one")),
        said("", second),
        Message("tool", result=result(second, "two")),
    ]
    texts = [b.result.text for b in answer_blocks(answers) if isinstance(b, CallBlock) and b.result]
    assert texts == ["one", "two"]


@pytest.mark.parametrize(
    ("message", "kind", "part"),
    [
        (said("so far", finish="error", error="It broke off."), "error", "It broke off."),
        (said("so far", finish="cancelled"), "stopped", "What was said so far is kept"),
        (said("so far", finish="length", usage=Usage(completion_tokens=1024)), "length", "1,024"),
    ],
)
def test_how_an_answer_ended_is_said_below_it(message: Message, kind: str, part: str) -> None:
    text, note = answer_blocks([message])
    assert text == TextBlock("so far")
    assert isinstance(note, NoteBlock) and note.kind == kind and part in note.text


def test_a_stop_before_the_first_word_does_not_speak_of_words_that_are_kept() -> None:
    assert answer_blocks([said("", finish="cancelled")]) == [NoteBlock("stopped", "Stopped.")]


def test_the_round_limit_and_a_stop_among_tools_are_said() -> None:
    a = call("a")
    answers = [said("", a), Message("tool", result=result(a))]
    for reason, kind in (("tool_limit", "tool_limit"), ("cancelled", "stopped")):
        view = View(1, Conversation(), ended=TurnFinished(reason, Usage()))  # type: ignore[arg-type]
        last = latest_blocks(view, answers)[-1]
        assert isinstance(last, NoteBlock) and last.kind == kind


def test_while_nothing_has_come_the_page_says_so() -> None:
    (block,) = live_blocks(TurnSnapshot(notice="Loading the model"), 0.0)
    assert isinstance(block, WaitBlock) and block.text == "Loading the model"


def test_what_waits_or_runs_has_its_own_clock_and_what_is_written_has_none() -> None:
    running = LiveCall(call("a"), "running", time.monotonic())
    asking = LiveCall(call("a"), "asking", asked=1)
    assert has_clock(live_blocks(TurnSnapshot(), 0.0))
    assert has_clock(live_blocks(TurnSnapshot("It is", calls=(running,)), 0.0))
    assert not has_clock(live_blocks(TurnSnapshot("It is"), 0.0))
    assert not has_clock(live_blocks(TurnSnapshot("It is", calls=(asking,)), 0.0))


def folded(*events: Event) -> tuple[TurnSnapshot, list[Message]]:
    """What a page sees after these events: the live part, and the messages."""
    turn, messages = LiveTurn(), []
    for event in events:
        turn.apply(event)
        if isinstance(event, MessageFinished):
            messages.append(event.message)
    return turn.snapshot(), messages


def drawn(*events: Event) -> list[Any]:
    live, messages = folded(*events)
    return latest_blocks(View(1, Conversation(), live), messages)


def test_a_call_is_one_block_from_its_first_letter_to_its_result() -> None:
    """The whole way of two calls that run at the same time, looked at after each event."""
    a, b = call("a", input='{"x": 1}'), call("b", input='{"x": 2}')
    ra, rb = result(a, "1"), result(b, "2")
    events: list[Event] = [
        ToolCallDelta(0, "add", '{"x"'),
        ToolCallDelta(1, "add", '{"x": '),
        ToolCallDelta(0, "add", ": 1}"),
        ToolCallDelta(1, "add", "2}"),
        ToolCallReady(a),
        ToolCallReady(b),
        MessageFinished(said("", a, b)),
        ToolStarted(a),
        ToolStarted(b),
        ToolProgress("b", "half way"),
        ToolFinished(rb),
        ToolFinished(ra),
        MessageFinished(Message("tool", result=ra)),
        MessageFinished(Message("tool", result=rb)),
    ]
    counts, firsts = [], []
    for end in range(1, len(events) + 1):
        calls = [x for x in drawn(*events[:end]) if isinstance(x, CallBlock)]
        counts.append(len(calls))
        firsts.append(calls[0].call.input)
    assert counts == [1, *[2] * 13]
    assert all(first.startswith('{"x"') and "2" not in first for first in firsts)
    assert [(x.state, x.result) for x in drawn(*events)[:2]] == [("done", ra), ("done", rb)]


def test_between_a_result_and_the_next_answer_the_page_waits_visibly() -> None:
    a = call("a")
    r = result(a)
    blocks = drawn(
        MessageFinished(said("", a)),
        ToolStarted(a),
        ToolFinished(r),
        MessageFinished(Message("tool", result=r)),
    )
    assert [type(block) for block in blocks] == [CallBlock, WaitBlock]


def test_progress_and_clock_are_those_of_a_running_call_alone() -> None:
    a = call("a")
    live, _ = folded(MessageFinished(said("", a)), ToolStarted(a), ToolProgress("a", "half way"))
    (block,) = live_blocks(live, 0.0)
    assert isinstance(block, CallBlock)
    assert (block.state, block.progress, block.seconds) == ("running", "half way", 0)


PIECES = st.lists(
    st.one_of(
        st.builds(TextDelta, st.text(max_size=3)),
        st.builds(ReasoningDelta, st.text(max_size=3)),
        st.builds(Notice, st.sampled_from(["", "Waiting"])),
        st.builds(
            ToolCallDelta,
            st.integers(0, 2),
            st.sampled_from(["add", "python"]),
            st.text(max_size=2),
        ),
    ),
    max_size=25,
)


@given(PIECES)
def test_what_streams_is_drawn_whole_in_whatever_order(events: list[Event]) -> None:
    live, _ = folded(*events)
    assert live.text == "".join(e.text for e in events if isinstance(e, TextDelta))
    assert live.reasoning == "".join(e.text for e in events if isinstance(e, ReasoningDelta))
    written = {int(c.call.id.removeprefix("writing-")): c.call.input for c in live.calls}
    indexes = list(dict.fromkeys(e.index for e in events if isinstance(e, ToolCallDelta)))
    assert list(written) == indexes
    for index in indexes:
        pieces = [e.text for e in events if isinstance(e, ToolCallDelta) and e.index == index]
        assert written[index] == "".join(pieces)
    text = "".join(b.text for b in live_blocks(live, 0.0) if isinstance(b, TextBlock))
    assert text == live.text or not live.text.strip()


def test_figures_under_an_answer_are_those_of_its_last_message() -> None:
    first, last = Usage(completion_tokens=1), Usage(completion_tokens=2)
    assert usage_of([said("a", usage=first), said("b", usage=last)]) is last
    assert usage_of([said("a")]) is None
