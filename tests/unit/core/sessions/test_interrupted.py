"""Turns whose process ended in their middle, killed or in order, as the next one finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from app.core.history.schema import processes
from app.core.history.shared.processes import ALIVE_S
from app.core.sessions.cut_off import BROKEN, UNBEGUN_CALL, UNKNOWN_CALL
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.transcript.blocks import (
    INTERRUPTED,
    UNANSWERED,
    Block,
    NoteBlock,
    latest,
    latest_blocks,
)
from backends.messages import user
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Reasoning, Script, ToolCall, Wait
from tests.support.scripted_steps import Text as Say
from tests.support.stored_sessions import (
    ASK,
    ME,
    StoredSessions,
    at_rest,
    said,
    stored_sessions,
    until,
)
from tools import tool
from tools.base import Tool

RUNS: list[str] = []
End = Callable[[StoredSessions], Sessions]
ENDS: list[End] = [StoredSessions.killed, StoredSessions.ended]


@tool
def wait_for_long(what: str) -> str:
    """Wait."""
    import time

    RUNS.append(what)
    time.sleep(1.5)
    return "waited"


@tool(acts=True)
def act(what: str) -> str:
    """Act."""
    RUNS.append(what)
    return "acted"


@tool
def read_page(what: str) -> str:
    """Read a page."""
    return "a page"


read_page.taints = True  # type: ignore[attr-defined]


def tools_of(_folder: Path) -> tuple[Tool, ...]:
    return (wait_for_long, act, read_page)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoredSessions]:
    RUNS.clear()
    with ScriptedServer() as server, stored_sessions(tmp_path, server, tools_of) as world:
        yield world


def begin(world: StoredSessions, script: Script) -> Session:
    world.server.script = script
    session = world.sessions.open(ME, "tools")
    session.start_turn(user("go"), ASK)
    return session


def blocks(session: Session) -> list[Block]:
    view = session.view()
    last = latest(view.conversation.messages)
    assert last is not None
    return latest_blocks(view, last.answers)


def notes(session: Session) -> list[str]:
    assert all(
        each.kind == "interrupted" for each in blocks(session) if isinstance(each, NoteBlock)
    )
    return [each.text for each in blocks(session) if isinstance(each, NoteBlock)]


def stored_text(world: StoredSessions, session: Session) -> str:
    """What the database has of the running answer."""
    assert world.sessions.history is not None
    assert session.recorder is not None
    stored = world.sessions.history.load(session.recorder.person, session.id)
    return stored.running.body if stored is not None and stored.running is not None else ""


@pytest.mark.parametrize("end", ENDS)
def test_the_text_so_far_stands_there_and_goes_on(world: StoredSessions, end: End) -> None:
    session = begin(world, [[Say("so far "), Wait(60)]])
    until(session, lambda _: "so far " in stored_text(world, session))
    again = end(world).open(ME, "tools", session.id)
    assert said(again) == ["go", "so far "]
    assert notes(again) == [INTERRUPTED]
    assert again.view().conversation.messages[-1].error is None
    world.server.script = [[Say("and the rest")]]
    again.start_turn(None, ASK)
    at_rest(again)
    assert said(again) == ["go", "so far ", "and the rest"]


@pytest.mark.parametrize("end", ENDS)
def test_a_retry_asks_for_the_cut_off_answer_again(world: StoredSessions, end: End) -> None:
    session = begin(world, [[Say("so far "), Wait(60)]])
    until(session, lambda _: "so far " in stored_text(world, session))
    again = end(world).open(ME, "tools", session.id)
    world.server.script = [[Say("whole")]]
    again.retry(ASK)
    at_rest(again)
    assert said(again) == ["go", "whole"]


@pytest.mark.parametrize("end", ENDS)
def test_reasoning_is_kept_and_what_goes_on_begins_the_answer(
    world: StoredSessions, end: End
) -> None:
    session = begin(world, [[Reasoning("hm, "), Reasoning("so"), Wait(60)]])
    until(session, lambda _: "hm, so" in stored_text(world, session))
    again = end(world).open(ME, "tools", session.id)
    assert again.view().conversation.messages[-1].reasoning == "hm, so"
    assert notes(again) == [INTERRUPTED]
    world.server.script = [[Say("the answer")]]
    again.start_turn(None, ASK)
    at_rest(again)
    assert said(again) == ["go", "the answer"]


@pytest.mark.parametrize("end", ENDS)
def test_a_question_without_an_answer_says_so(world: StoredSessions, end: End) -> None:
    session = begin(world, [[Wait(60)]])
    again = end(world).open(ME, "tools", session.id)
    assert said(again) == ["go"]
    assert notes(again) == [UNANSWERED]
    world.server.script = [[Say("the answer")]]
    again.start_turn(None, ASK)
    at_rest(again)
    assert said(again) == ["go", "the answer"]
    assert notes(again) == []


@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_ran_is_interrupted_and_not_run_again(world: StoredSessions, end: End) -> None:
    calls = [ToolCall("wait_for_long", {"what": "it"}), Finish("tool_calls")]
    session = begin(world, [calls])
    until(session, lambda _: RUNS == ["it"])
    again = end(world).open(ME, "tools", session.id)
    result = again.view().conversation.messages[-1].result
    assert result is not None
    assert (result.error, result.text) == (BROKEN, UNKNOWN_CALL)
    assert notes(again) == [UNANSWERED]
    world.server.script = [[Say("then not")]]
    again.start_turn(None, ASK)
    at_rest(again)
    assert RUNS == ["it"]
    assert said(again)[-1] == "then not"


@pytest.mark.parametrize("end", ENDS)
def test_a_call_that_waits_for_approval_is_not_run(world: StoredSessions, end: End) -> None:
    read = [ToolCall("read_page", {"what": "one"}), Finish("tool_calls")]
    session = begin(world, [read, [ToolCall("act", {"what": "it"}), Finish("tool_calls")]])
    until(session, lambda _: session.approvals.waiting)
    again = end(world).open(ME, "tools", session.id)
    result = again.view().conversation.messages[-1].result
    assert result is not None and result.error == BROKEN
    assert result.text == (UNBEGUN_CALL if end is StoredSessions.ended else UNKNOWN_CALL)
    assert notes(again) == [UNANSWERED]
    assert RUNS == []


def test_what_came_last_is_stored_also_when_nothing_more_comes(world: StoredSessions) -> None:
    session = begin(world, [[Say("first "), Wait(0.2), Say("second "), Wait(60)]])
    until(session, lambda _: "first second " in stored_text(world, session))


def test_a_conversation_that_is_deleted_in_mid_turn_is_not_stored_again(
    world: StoredSessions,
) -> None:
    session = begin(world, [[Say("so far "), Wait(60)]])
    until(session, lambda _: "so far " in stored_text(world, session))
    assert world.sessions.history is not None and session.recorder is not None
    world.sessions.history.delete_all(session.recorder.person)
    world.sessions.forget(ME, session.id)
    assert world.sessions.history.catalog.count(session.recorder.person) == 0


def test_a_turn_of_a_process_that_may_be_alive_is_left_alone(world: StoredSessions) -> None:
    session = begin(world, [[Say("so far "), Wait(60)]])
    until(session, lambda _: "so far " in stored_text(world, session))
    elsewhere = world.sessions.history
    assert elsewhere is not None
    sessions = world.killed()
    elsewhere.processes.beat()  # as one on another machine, whose lock is not seen here
    (elsewhere.processes._folder / elsewhere.process).unlink()
    assert said(sessions.open(ME, "tools", session.id)) == ["go"]
    assert ALIVE_S == 10
    with elsewhere.database.writing() as connection:
        connection.execute(update(processes).values(seen=processes.c.seen - ALIVE_S - 1))
    sessions.forget(ME, session.id)
    assert said(sessions.open(ME, "tools", session.id)) == ["go", "so far "]
