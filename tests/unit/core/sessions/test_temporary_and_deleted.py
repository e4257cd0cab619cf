"""Conversations that are not stored, and those that are deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.agent.loop import TurnConfig
from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.core.history.stored import Entry
from app.core.models.host import ModelHost
from app.core.sessions.registry import MAX_OPEN, Sessions
from app.core.sessions.session import Session
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Endless, Text
from tools.registry import Registry

HANG = 20.0
ASK = TurnConfig(tools=None)


@dataclass
class World:
    """Sessions with a history on disk, over a scripted model."""

    server: ScriptedServer
    history: History
    sessions: Sessions

    def ask(self, session: Session, words: str) -> Session:
        session.start_turn(user(words), ASK)
        at_rest(session)
        return session

    def listed(self, visitor: str) -> list[Entry]:
        return self.history.catalog.listed(person_key(visitor))


def at_rest(session: Session) -> None:
    ended = threading.Event()
    while session.view().live is not None:
        assert session.wait(session.view().version, HANG) or not session.running
        ended.wait(0.01)


def said(session: Session) -> list[str]:
    return [message.text for message in session.view().conversation.messages]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ScriptedServer([Text("yes"), Text("no")]) as server:
        backend = OpenAIBackend(server.url, "scripted", None, retries=0)
        model = ModelHost(lambda: backend)
        history = History.open(tmp_path / "history")
        sessions = Sessions(
            tmp_path / "sessions",
            lambda mode, folder, visitor: Session(folder, Registry(()), model, visitor=visitor),
            1000,
            history=history,
        )
        yield World(server, history, sessions)
        sessions.close()
        history.close()
        backend.close()


def test_nothing_of_a_temporary_conversation_is_stored(world: World, tmp_path: Path) -> None:
    session = world.sessions.renew("me", "tools", temporary=True)
    (session.workspace / "notes.txt").write_text("a secret file")
    world.ask(session, "my secret words")
    assert session.temporary
    assert not session.stored
    assert world.listed("me") == []
    world.history.close()
    for path in (tmp_path / "history").rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_a_temporary_conversation_knows_its_branches(world: World) -> None:
    session = world.ask(world.sessions.renew("me", "chat", temporary=True), "yes or no?")
    first = session.view().conversation.messages[-1].id
    session.retry(ASK)
    at_rest(session)
    assert said(session) == ["yes or no?", "no"]
    session.show_branch(first)
    assert said(session) == ["yes or no?", "yes"]


def test_a_temporary_conversation_is_found_until_it_is_left(world: World) -> None:
    session = world.ask(world.sessions.renew("me", "chat", temporary=True), "hello")
    assert world.sessions.open("me", "chat") is session
    world.sessions.forget_temporary("you", session.id)
    assert world.sessions.open("me", "chat") is session
    world.sessions.forget_temporary("me", session.id)
    assert not session.workspace.exists()
    assert world.sessions.open("me", "chat").empty


def test_a_kept_conversation_is_not_forgotten_as_a_temporary_one(world: World) -> None:
    session = world.ask(world.sessions.open("me", "chat"), "hello")
    world.sessions.forget_temporary("me", session.id)
    assert world.sessions.open("me", "chat") is session


def test_temporary_conversations_that_nobody_can_find_do_not_pile_up(world: World) -> None:
    kept = world.ask(world.sessions.open("me", "chat"), "hello")
    for _ in range(MAX_OPEN + 5):
        session = world.sessions.renew("me", "chat", temporary=True)
        (session.workspace / "file").touch()
        world.sessions.open("me", "chat", kept.id)
    assert len(world.sessions) <= MAX_OPEN


def test_a_conversation_deleted_in_mid_answer_comes_back_with_what_was_said(world: World) -> None:
    world.server.script = [[Endless("on and on ")]]
    session = world.sessions.open("me", "chat")
    session.start_turn(user("talk"), ASK)
    while not ((live := session.view().live) and live.text):
        session.wait(session.view().version, HANG)
    world.sessions.delete("me", session.id)
    assert world.listed("me") == []
    world.history.restore(person_key("me"), session.id)
    again = world.sessions.open("me", "chat", session.id)
    assert again is not session
    assert said(again)[1].startswith("on and on")
    assert not again.running


def test_delete_all_closes_and_deletes_what_is_ones_own(world: World) -> None:
    world.server.script = [Text("yes")]
    mine = [world.ask(world.sessions.open("me", mode), "mine") for mode in ("chat", "tools")]
    yours = world.ask(world.sessions.open("you", "chat"), "yours")
    world.server.script = [[Endless("on and on ")]]
    running = world.sessions.open("me", "vision")
    running.start_turn(user("talk"), ASK)
    assert world.sessions.delete_all("me") == 3
    assert world.listed("me") == []
    assert not any(session.workspace.exists() for session in (*mine, running))
    assert world.sessions.open("me", "chat").empty
    assert world.sessions.open("me", "chat", mine[0].id).empty
    assert [entry.title for entry in world.listed("you")] == ["yours"]
    assert said(world.sessions.open("you", "chat")) == said(yours) == ["yours", "yes"]


def test_a_history_that_fails_is_not_asked_at_every_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.sessions.open("me", "chat")
    tries: list[bool] = []
    save = world.history.save

    def locked(*_: object, finished: bool, **__: object) -> None:
        tries.append(finished)
        raise HistoryError("The history is locked by another program.")

    monkeypatch.setattr(world.history, "save", locked)
    world.ask(session, "one")
    assert tries == [False, True]  # at the turn's begin and at its end, not at its message
    assert session.recorder is not None
    assert session.recorder.problem.startswith("The history is locked")
    monkeypatch.setattr(world.history, "save", save)
    world.ask(session, "two")
    assert session.recorder.problem == ""
    loaded = world.history.load(person_key("me"), session.id)
    assert loaded is not None
    assert [row.text for row in loaded.rows] == said(session)
