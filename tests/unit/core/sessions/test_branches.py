"""Versions of messages, in stored and temporary conversations, and branches as conversations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.history.database import HistoryError
from app.core.history.history import person_key
from app.core.sessions.session import Busy, Session
from backends.messages import Document, Message, Text, user
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Wait
from tests.support.scripted_steps import Text as Say
from tests.support.stored_sessions import (
    ASK,
    ME,
    StoredSessions,
    ask,
    at_rest,
    said,
    stored_sessions,
    until,
)


def echo(body: dict[str, Any]) -> Answer:
    asked = [m["content"] for m in body["messages"] if m["role"] == "user"]
    return Say(f"{len(asked)}: {asked[-1]}")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoredSessions]:
    with ScriptedServer(echo) as server, stored_sessions(tmp_path, server) as world:
        yield world


@pytest.fixture(params=["stored", "temporary"])
def session(world: StoredSessions, request: pytest.FixtureRequest) -> Session:
    return world.sessions.renew(ME, "tools", temporary=request.param == "temporary")


def id_of(session: Session, text: str) -> str:
    return next(m.id for m in session.view().conversation.messages if m.text == text)


def versions(session: Session) -> dict[str, list[str]]:
    """The texts of the versions of each message that has several, by its text."""
    assert session.recorder is not None
    messages = session.recorder.messages()
    shown = session.view().conversation.messages
    found = session.recorder.versions(shown)
    return {messages[id].text: [messages[each].text for each in of] for id, of in found.items()}


def test_a_retry_keeps_both_answers(session: Session) -> None:
    ask(session, "a")
    assert versions(session) == {}
    first = id_of(session, "1: a")
    session.retry(ASK)
    at_rest(session)
    assert versions(session) == {"1: a": ["1: a", "1: a"]}
    assert id_of(session, "1: a") != first
    session.show_branch(first)
    assert id_of(session, "1: a") == first


def test_an_edit_in_the_middle_keeps_what_came_after(session: Session) -> None:
    for text in "abc":
        ask(session, text)
    old = id_of(session, "b")
    session.ask_from(old, ASK, user("B"))
    at_rest(session)
    assert said(session) == ["a", "1: a", "B", "2: B"]
    assert versions(session) == {"B": ["b", "B"]}
    session.show_branch(old)
    assert said(session) == ["a", "1: a", "b", "2: b", "c", "3: c"]
    ask(session, "d")
    assert versions(session) == {"b": ["b", "B"]}


def test_an_edit_of_what_is_not_shown_any_more_begins_where_that_stood(session: Session) -> None:
    """As a page does that another one has left behind."""
    ask(session, "a")
    ask(session, "b")
    old = id_of(session, "b")
    session.ask_from(id_of(session, "a"), ASK, user("A"))
    at_rest(session)
    session.ask_from(old, ASK, user("B"))
    at_rest(session)
    assert said(session) == ["a", "1: a", "B", "2: B"]
    assert versions(session) == {"a": ["a", "A"], "B": ["b", "B"]}


def test_a_retry_of_an_earlier_answer_loses_nothing_that_was_sent_meanwhile(
    session: Session,
) -> None:
    ask(session, "a")
    end = id_of(session, "1: a")
    ask(session, "b")
    session.retry(ASK, id=end)
    at_rest(session)
    assert said(session) == ["a", "1: a"]
    assert versions(session) == {"1: a": ["1: a", "1: a"]}
    session.show_branch(end)
    assert said(session) == ["a", "1: a", "b", "2: b"]


def test_what_came_to_nothing_and_what_is_of_another_role_is_no_version(session: Session) -> None:
    ask(session, "a")
    assert session.recorder is not None
    shown = session.view().conversation
    empty = shown.for_retry().append(Message("assistant", finish="cancelled"))
    other = shown.for_retry().append(user("no answer"))
    session.recorder.save(empty)
    session.recorder.save(other)
    assert versions(session) == {}


def test_no_branch_is_shown_while_a_turn_runs(world: StoredSessions, session: Session) -> None:
    ask(session, "a")
    first = id_of(session, "1: a")
    world.server.script = [[Say("so far"), Wait(60)]]
    session.retry(ASK)
    until(session, lambda view: bool(view.live and view.live.text))
    with pytest.raises(Busy):
        session.show_branch(first)
    session.stop()
    at_rest(session)
    session.show_branch("nothing of ours")
    assert said(session) == ["a", "so far"]


def test_what_came_below_a_message_is_found_on_all_branches(session: Session) -> None:
    for text in "ab":
        ask(session, text)
    assert session.recorder is not None
    old = id_of(session, "1: a")
    session.ask_from(id_of(session, "b"), ASK, user("B"))
    at_rest(session)
    below = [message.text for message in session.recorder.below(old)]
    assert below == ["1: a", "b", "2: b", "B", "2: B"]
    assert session.recorder.below("nothing") == []


def test_a_temporary_conversation_has_branches_and_is_in_no_list(world: StoredSessions) -> None:
    session = world.sessions.renew(ME, "tools", temporary=True)
    ask(session, "a")
    session.retry(ASK)
    at_rest(session)
    assert not session.stored
    history = world.sessions.history
    assert history is not None and history.catalog.listed(person_key(ME)) == []
    with pytest.raises(HistoryError):
        world.sessions.branch(ME, session, id_of(session, "1: a"))


def test_branches_are_there_after_a_restart(world: StoredSessions) -> None:
    session = world.sessions.open(ME, "tools")
    ask(session, "a")
    first = id_of(session, "a")
    session.ask_from(first, ASK, user("A"))
    at_rest(session)
    session.show_branch(first)
    again = world.ended().open(ME, "tools", session.id)
    assert said(again) == ["a", "1: a"]
    assert versions(again) == {"a": ["a", "A"]}


def test_a_branch_becomes_a_conversation_with_its_files(world: StoredSessions) -> None:
    session = world.sessions.open(ME, "tools")
    session.workspace.mkdir(exist_ok=True)
    given = session.workspace / "given.txt"
    given.write_text("given")
    parts = (Text("read it"), Document(given, "text/plain", "given.txt", 5))
    session.start_turn(Message("user", parts), ASK)
    at_rest(session)
    ask(session, "b")
    (session.workspace / "made.txt").write_text("made")
    world.sessions.open("somebody else", "tools")
    branch = world.sessions.branch(ME, session, session.view().conversation.messages[1].id)
    assert branch.id != session.id
    assert len(said(branch)) == 2
    assert said(branch)[0] == "read it"
    (document,) = branch.view().conversation.messages[0].documents
    assert document.path.parent == branch.workspace
    assert document.path.read_text() == "given"
    assert (branch.workspace / "made.txt").read_text() == "made"
    history = world.sessions.history
    assert history is not None
    titles = [entry.title for entry in history.catalog.listed(person_key(ME))]
    assert sorted(titles) == ["Branch of read it", "read it"]
    # They are two from now on.
    ask(branch, "c")
    (branch.workspace / "made.txt").unlink()
    assert said(session)[2:] == ["b", "2: b"]
    assert (session.workspace / "made.txt").read_text() == "made"
    assert said(branch)[2] == "c"
    twice = world.sessions.branch(ME, branch, branch.view().conversation.messages[-1].id)
    entry = history.catalog.entry(person_key(ME), twice.id)
    assert entry is not None and entry.title == "Branch of read it"


def test_nobody_branches_from_what_is_not_theirs(world: StoredSessions) -> None:
    session = world.sessions.open(ME, "tools")
    ask(session, "a")
    with pytest.raises(HistoryError):
        world.sessions.branch("somebody else", session, id_of(session, "a"))
    with pytest.raises(HistoryError):
        world.sessions.branch(ME, session, "nothing")
