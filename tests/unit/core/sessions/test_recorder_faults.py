"""A history that fails in mid-work: the conversation goes on in memory, and is written later."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from app.core.history import database
from app.core.history.blobs import Blobs
from app.core.history.database import FILE_NAME
from app.core.history.history import person_key
from app.core.sessions.session import Session
from backends.messages import user
from tests.support.postgres import skip_without_postgres, start_postgres
from tests.support.scripted_steps import Text
from tests.unit.core.sessions.conftest import ALL, ANNA, World, ended, texts, until

KEPT_FOR_NOW = "This conversation is kept in memory only for now."


def stored_texts(world: World, session: Session) -> list[str]:
    stored = world.replicas[0].history.load(person_key(ANNA), session.id)
    return [row.text for row in stored.rows] if stored else []


def problem(session: Session) -> str:
    assert session.recorder is not None
    return session.recorder.problem


def written(session: Session) -> None:
    """Waits until nothing is missing in the history."""
    until(session, lambda _: problem(session) == "")


def test_what_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    world = World(tmp_path)
    world.server.script = [Text("one"), Text("two"), Text("three")]
    session = world.replica().open()
    session.start_turn(user("first"), ALL)
    ended(session)
    with closing(sqlite3.connect(tmp_path / "history" / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for text in ("second", "third"):
            session.start_turn(user(text), ALL)
            ended(session)
        assert texts(session.view()) == ["first", "one", "second", "two", "third", "three"]
        assert problem(session) == f"The history is locked by another program. {KEPT_FOR_NOW}"
        assert stored_texts(world, session) == ["first", "one"]
        other.execute("COMMIT")
    written(session)
    assert stored_texts(world, session) == ["first", "one", "second", "two", "third", "three"]
    world.close()


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    skip_without_postgres()
    with start_postgres() as server:
        world = World(tmp_path, server.new_database())
        session = world.replica().open()
        session.start_turn(user("first"), ALL)
        ended(session)
        server.stop()
        session.start_turn(user("second"), ALL)
        ended(session)
        assert problem(session).endswith(KEPT_FOR_NOW)
        server.start()
        written(session)
        assert stored_texts(world, session) == ["first", "fine", "second", "fine"]
        assert world.replica().open(session.id).id == session.id
        world.close()


def test_files_that_found_no_room_are_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    session = world.replica().open()
    session.start_turn(user("first"), ALL)
    ended(session)
    real = Blobs.put

    def full(_blobs: Blobs, _stream: BinaryIO) -> tuple[str, int]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Blobs, "put", full)
    (session.workspace / "a.txt").write_text("a")
    session.start_turn(user("second"), ALL)
    ended(session)
    until(session, lambda _: "Files of this conversation are not kept" in problem(session))
    assert stored_texts(world, session) == ["first", "fine", "second", "fine"]
    monkeypatch.setattr(Blobs, "put", real)
    written(session)
    stored = world.replicas[0].history.load(person_key(ANNA), session.id)
    assert stored is not None and list(stored.files) == [("workspace", "a.txt")]
    world.close()
