"""The requests of a session: bounded, of one session alone, and nothing without an observer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.loop import TurnConfig
from app.core.inspection.replay import settings_of
from app.core.inspection.request_log import MAX_CHARS, MAX_RAW_CHARS, MAX_REQUESTS, RequestLog
from app.core.inspection.shown import MAX_SHOWN_CHARS, MAX_TOKEN_ROWS, shortened, token_rows
from app.core.models.host import ModelHost
from app.core.sessions.session import Session
from backends.base import GenerationConfig
from backends.chat_template import Piece
from backends.messages import Message, user
from backends.openai_api.backend import OpenAIBackend
from backends.sent_request import SentRequest, observed, unheard
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text, ToolCall, Usage
from tests.support.stored_sessions import at_rest
from tools import tool
from tools.registry import Registry


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def request(text: str) -> SentRequest:
    return SentRequest("m", (user(text),), (), {})


def done(id: str) -> Message:
    return Message("assistant", id=id)


def test_old_requests_give_way() -> None:
    log = RequestLog()
    for number in range(MAX_REQUESTS + 5):
        log.observe(request("hello"))
        log.finished(done(str(number)))
    assert not log.of(["4"]) and len(log.of(["5"])) == 1
    assert len(log.of([str(number) for number in range(MAX_REQUESTS + 5)])) == MAX_REQUESTS


def test_huge_requests_give_way_and_the_newest_stays() -> None:
    log = RequestLog()
    for id in "ab":
        log.observe(request("x" * MAX_CHARS))
        log.finished(done(id))
    assert not log.of(["a"]) and len(log.of(["b"])) == 1


def test_a_raw_answer_is_kept_to_a_bound() -> None:
    log = RequestLog()
    hear = log.observe(request("hello"))
    hear("")
    for _ in range(30):
        hear("y" * (MAX_RAW_CHARS // 20))
    log.finished(done("a"))
    (seen,) = log.of(["a"])
    assert len(seen.raw) == MAX_RAW_CHARS and seen.raw_left_out == MAX_RAW_CHARS // 2


def test_a_huge_prompt_is_shown_in_part() -> None:
    text = "word " * 1_000_000
    assert len(shortened(text)) <= MAX_SHOWN_CHARS
    sent = SentRequest(
        "m", (), (), {}, pieces=lambda: [Piece(text, False)] * 3,
        tokenize=lambda text, _: range(len(text)),
    )  # fmt: skip
    assert sum(len(row.ids) for row in token_rows(sent)) == MAX_TOKEN_ROWS


def test_nothing_is_made_where_nobody_observes() -> None:
    def never() -> SentRequest:
        raise AssertionError

    assert observed(None, never) is unheard


def test_settings_are_read_from_what_was_sent() -> None:
    body = {"temperature": 0.1, "top_p": 1, "max_completion_tokens": 7, "seed": 3}
    read = settings_of(SentRequest("m", (), (), body))
    assert read == GenerationConfig(0.1, 1.0, 7, seed=3)


# -- in sessions -----------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Session, Session, ScriptedServer]]:
    def says(body: dict[str, Any]) -> Any:
        last = body["messages"][-1]
        if last["role"] == "user" and "sum" in last["content"]:
            return [ToolCall("add", {"a": 1, "b": 2})]
        return [Text(f"T={body['temperature']}"), Usage(50, 5)]

    with ScriptedServer(says) as server:
        backend = OpenAIBackend(server.url, "scripted", None)
        host = ModelHost(lambda: backend)
        sessions = [Session(tmp_path / name, Registry((add,)), host) for name in ("one", "two")]
        yield sessions[0], sessions[1], server
        for session in sessions:
            session.close()
        backend.close()


def ask(session: Session, text: str) -> list[str]:
    """The ids of the answers of one turn."""
    before = len(session.conversation.messages)
    session.start_turn(user(text), TurnConfig(tools=None))
    view = at_rest(session)
    return [m.id for m in view.conversation.messages[before:] if m.role == "assistant"]


def test_each_round_of_a_turn_and_no_other_session(
    pair: tuple[Session, Session, ScriptedServer],
) -> None:
    one, two, _ = pair
    answers, others = ask(one, "the sum"), ask(two, "private words")
    called, said = one.requests.of(answers)
    assert (called.message, said.message) == tuple(answers)
    assert "tool_calls" in called.raw and said.usage is not None
    assert [m["role"] for m in said.request.body["messages"]] == ["user", "assistant", "tool"]
    assert one.requests.of(others) == () and len(two.requests.of(others)) == 1
    assert "private" not in str(one.requests.of(answers))
    one.close()
    assert one.requests.of(answers) == ()


def test_a_replay_beside_the_conversation(pair: tuple[Session, Session, ScriptedServer]) -> None:
    session, _, server = pair
    answers = ask(session, "the sum")
    before = session.conversation
    called, said = session.requests.of(answers)
    replay = session.replay(said, GenerationConfig(temperature=1.5))
    assert replay.wait(30)
    view = replay.view()
    assert view.done and view.text == "T=1.5" and view.error is None
    assert view.usage is not None and view.usage.completion_tokens == 5
    assert server.requests[-1].body["messages"] == said.request.body["messages"]
    # A call is shown and not run; nothing becomes part of the conversation or of its requests.
    again = session.replay(called, GenerationConfig())
    assert again.wait(30) and [call.name for call in again.view().calls] == ["add"]
    assert session.conversation is before and len(session.requests.of(answers)) == 2


def test_a_replay_that_fails_says_why(pair: tuple[Session, Session, ScriptedServer]) -> None:
    session, _, server = pair
    (answer,) = ask(session, "hello")
    (seen,) = session.requests.of([answer])
    server.stop()
    replay = session.replay(seen, GenerationConfig())
    replay.stop()
    assert replay.wait(60) and replay.view().done
