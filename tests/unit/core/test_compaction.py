"""Conversations too long for the model's window, on the bundled model and on a scripted server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.compaction import RULES, SUMMARISING, CompactionMode, compacted_in
from app.core.agent.events import Event, MessageFinished, TurnFinished
from app.core.agent.loop import Turn, TurnConfig, run_turn
from app.core.conversation import Conversation
from backends import bundled
from backends.base import Backend, GenerationConfig
from backends.events import Notice
from backends.llama_cpp.backend import LlamaCpp
from backends.llama_cpp.engine import EngineConfig
from backends.messages import Compacted, Message, Text, user
from backends.openai_api.backend import OpenAIBackend
from tests.support import scripted_steps as steps
from tests.support.scripted_server import ScriptedServer
from tools.base import ToolCall, ToolResult
from tools.registry import Registry

WINDOW = 2048
TALK = "The sea is wide and blue and cold. " * 20  # some 180 tokens


def conversation(exchanges: int, question: str = "And now?") -> Conversation:
    talk = Conversation()
    for number in range(exchanges):
        talk = talk.append(
            user(f"Question {number}"), Message("assistant", (Text(f"{number}: {TALK}"),))
        )
    return talk.append(user(question))


def take(
    backend: Backend,
    talk: Conversation,
    folder: Path,
    mode: CompactionMode = "summary",
    **more: Any,
) -> tuple[Conversation, list[Event]]:
    config = TurnConfig(
        GenerationConfig(max_tokens=16, temperature=0.0), "Be brief.", compaction=mode
    )
    turn = Turn(talk, Registry(()), config, threading.Event(), folder)
    events = list(run_turn(turn, backend))
    return turn.conversation, events


def ended(events: list[Event]) -> TurnFinished:
    assert isinstance(events[-1], TurnFinished)
    return events[-1]


def compaction(events: list[Event]) -> Compacted | None:
    return compacted_in([e.message for e in events if isinstance(e, MessageFinished)])


# -- on the bundled model --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCpp]:
    """The bundled model as one that is trusted with a summary."""
    opened = LlamaCpp(
        bundled.model_file(), "standard", EngineConfig(window=WINDOW, slots=2, threads=1)
    )
    yield opened
    opened.close()


@pytest.mark.slow
def test_a_model_here_summarises_and_goes_on(model: LlamaCpp, tmp_path: Path) -> None:
    long = conversation(14)
    after, events = take(model, long, tmp_path)
    assert ended(events).reason in ("stop", "length")
    assert Notice(SUMMARISING) in events
    made = compaction(events)
    assert made is not None and made.summary and made.messages % 2 == 0
    assert made.through == long.messages[made.messages - 1].id
    assert after.messages[: len(long.messages)] == long.messages  # what is shown stays whole

    # The next turn begins there, and finds most of its prompt read.
    following = after.append(user("And then?"))
    _, later = take(model, following, tmp_path)
    assert compaction(later) is None
    usage = ended(later).usage
    assert usage.cached_tokens > 0.8 * usage.prompt_tokens and usage.prompt_tokens < WINDOW


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["trim", "off"])
def test_a_model_here_without_summaries(
    model: LlamaCpp, tmp_path: Path, mode: CompactionMode
) -> None:
    _, events = take(model, conversation(14), tmp_path, mode)
    made = compaction(events)
    if mode == "off":
        assert made is None and "too long" in str(ended(events).error)
    else:
        assert made is not None and not made.summary and made.messages
        assert ended(events).error is None


@pytest.mark.slow
def test_a_small_model_leaves_out(tmp_path: Path) -> None:
    small = bundled.open_model(EngineConfig(window=WINDOW, slots=1, threads=1))
    try:
        _, events = take(small, conversation(14), tmp_path)
    finally:
        small.close()
    made = compaction(events)
    assert made is not None and not made.summary


# -- on a server -----------------------------------------------------------------------------------

Says = Callable[[Mapping[str, Any]], Any]


def served(
    says: Says,
    talk: Conversation,
    folder: Path,
    context: int | None = WINDOW,
    mode: CompactionMode = "summary",
) -> tuple[Conversation, list[Event], list[dict[str, Any]]]:
    with ScriptedServer(says) as server:
        backend = OpenAIBackend(server.url, "scripted", None, context=context, retries=0)
        try:
            after, events = take(backend, talk, folder, mode)
        finally:
            backend.close()
        return after, events, [request.body for request in server.requests]


def is_summary(body: Mapping[str, Any]) -> bool:
    return bool(body["messages"][0]["content"] == RULES)


def summing_up(body: Mapping[str, Any]) -> Any:
    text = "They spoke of the sea." if is_summary(body) else "An answer."
    return [steps.Text(text), steps.Usage(100, 7)]


def test_a_server_is_asked_for_a_summary(tmp_path: Path) -> None:
    _, events, (summary, asked) = served(summing_up, conversation(14), tmp_path)
    made = compaction(events)
    assert made is not None and made.summary == "They spoke of the sea."
    assert "Question 0" in summary["messages"][1]["content"] and "tools" not in summary
    system, noted, understood, first, *_, last = asked["messages"]
    assert system["content"] == "Be brief."
    assert noted["role"] == "user" and "They spoke of the sea." in noted["content"]
    assert f"first {made.messages} messages" in noted["content"]
    assert understood["role"] == "assistant"
    assert first == {"role": "user", "content": f"Question {made.messages // 2}"}
    assert last["content"] == "And now?"
    assert ended(events).usage.completion_tokens == 14  # the summary's are counted too


def test_a_summary_grows_out_of_the_one_before(tmp_path: Path) -> None:
    after, _, _ = served(summing_up, conversation(14), tmp_path)
    longer = after.append(*conversation(8).messages)
    _, events, (summary, asked) = served(summing_up, longer, tmp_path)
    told = summary["messages"][1]["content"]
    assert "They spoke of the sea." in told and "Question 0" not in told
    made = compaction(events)
    assert made is not None and made.messages > 14
    assert asked["messages"][-1]["content"] == "And now?"


@pytest.mark.parametrize("fault", [steps.Status(500, {"error": "no"}), steps.Drop(), []])
def test_a_summary_that_fails_is_no_summary(tmp_path: Path, fault: Any) -> None:
    def says(body: Mapping[str, Any]) -> Any:
        return fault if is_summary(body) else [steps.Text("An answer."), steps.Usage()]

    after, events, bodies = served(says, conversation(14), tmp_path)
    made = compaction(events)
    assert made is not None and not made.summary
    assert ended(events).error is None and after.messages[-1].text == "An answer."
    assert "are left out.]" in bodies[-1]["messages"][1]["content"]


def test_a_refusal_tells_of_a_window_that_is_not_known(tmp_path: Path) -> None:
    def says(body: Mapping[str, Any]) -> Any:
        if len(body["messages"]) > 8:
            error = {"message": "context length exceeded", "code": "context_length_exceeded"}
            return steps.Status(400, {"error": error})
        return [steps.Text("An answer."), steps.Usage()]

    after, events, bodies = served(says, conversation(14), tmp_path, context=None, mode="trim")
    made = compaction(events)
    assert made is not None and after.messages[-1].text == "An answer."
    sizes = [len(body["messages"]) for body in bodies]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 30 and sizes[-1] <= 8


def test_a_question_that_is_too_long_alone_is_refused_as_ever(tmp_path: Path) -> None:
    """Nothing is left out that would not help; and the refusal says what to do."""
    long = " ".join(f"word{number}" for number in range(9000))
    _, events, _ = served(summing_up, conversation(0, long), tmp_path)
    assert "too long" in str(ended(events).error) and compaction(events) is None


def test_what_fits_is_sent_whole(tmp_path: Path) -> None:
    _, events, (asked,) = served(summing_up, conversation(2), tmp_path)
    assert compaction(events) is None and len(asked["messages"]) == 6


def test_calls_stay_with_their_results(tmp_path: Path) -> None:
    talk = Conversation()
    for number in range(12):
        call = ToolCall(f"c{number}", "lamp", "{}")
        talk = talk.append(
            user(f"Question {number}"),
            Message("assistant", calls=(call,)),
            Message("tool", result=ToolResult(call.id, "lamp", "on")),
            Message("assistant", (Text(f"{number}: {TALK}"),)),
        )
    _, _, bodies = served(summing_up, talk.append(user("And now?")), tmp_path, mode="trim")
    sent = bodies[-1]["messages"][3:]
    called = [call["id"] for each in sent for call in each.get("tool_calls", ())]
    answered = [each["tool_call_id"] for each in sent if each["role"] == "tool"]
    assert sent[0]["role"] == "user" and called == answered and called


def test_a_stop_while_it_summarises_ends_the_turn(tmp_path: Path) -> None:
    cancel = threading.Event()

    def says(body: Mapping[str, Any]) -> Any:
        cancel.set()
        return [steps.Endless()]

    with ScriptedServer(says) as server:
        backend = OpenAIBackend(server.url, "scripted", None, context=WINDOW)
        config = TurnConfig(compaction="summary")
        turn = Turn(conversation(14), Registry(()), config, cancel, tmp_path)
        events = list(run_turn(turn, backend))
        backend.close()
    assert ended(events).reason == "cancelled" and len(server.requests) == 1
    assert compaction(events) is None


def test_an_edit_before_the_cut_reads_all_again(tmp_path: Path) -> None:
    after, events, _ = served(summing_up, conversation(14), tmp_path)
    assert compacted_in(after.messages) == compaction(events)
    edited = Conversation(after.messages[:2]).append(user("Another question"))
    assert compacted_in(edited.messages) is None
