"""What the list does, on a real history, for its visitor alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.core.history.stored import Entry, Row
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations import actions
from app.ui.conversations.actions import Actions
from app.ui.conversations.list_component import Asked
from tools.registry import Registry

MINE, YOURS = "me", "you"


def no_model() -> NoReturn:
    raise AssertionError("nothing is asked here")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History.open(tmp_path / "history")
    for visitor, id in ((MINE, "mine"), (YOURS, "yours")):
        row = Row(f"message of {visitor}", None, "user", "{}", f"words of {visitor}")
        opened.save(person_key(visitor), id, "chat", [row], row.id)
    yield opened
    opened.close()


@pytest.fixture
def can(history: History, tmp_path: Path) -> Iterator[Actions]:
    sessions = Sessions(
        tmp_path / "sessions",
        lambda mode, folder, visitor: Session(
            folder, Registry(()), ModelHost(no_model), visitor=visitor
        ),
        1000,
        history=history,
    )
    actions.forget_deleted()
    yield Actions(sessions, history, MINE, sessions.renew(MINE, "chat"))
    actions.forget_deleted()
    sessions.close()


def listed(history: History, visitor: str) -> list[Entry]:
    return history.catalog.listed(person_key(visitor))


def test_rename_and_pin(can: Actions, history: History) -> None:
    can.carry_out(Asked("rename", "mine", " <b>my</b>\n title "))
    can.carry_out(Asked("pin", "mine"))
    (entry,) = listed(history, MINE)
    assert (entry.title, entry.pinned) == ("<b>my</b> title", True)
    can.carry_out(Asked("unpin", "mine"))
    assert not listed(history, MINE)[0].pinned


def test_a_title_of_blanks_is_not_taken_and_a_long_one_is_cut(
    can: Actions, history: History
) -> None:
    can.carry_out(Asked("rename", "mine", " \n\t"))
    assert listed(history, MINE)[0].title == "words of me"
    can.carry_out(Asked("rename", "mine", "x" * 10_000))
    assert listed(history, MINE)[0].title == "x" * 200


def test_a_deleted_conversation_comes_back(can: Actions, history: History) -> None:
    can.carry_out(Asked("delete", "mine"))
    assert listed(history, MINE) == []
    assert [each.title for each in actions.deleted()] == ["words of me"]
    can.undo()
    assert [each.id for each in listed(history, MINE)] == ["mine"]
    assert actions.deleted() == ()
    can.undo()  # and a second time does nothing


def test_nothing_of_somebody_else_can_be_changed(can: Actions, history: History) -> None:
    before = listed(history, YOURS)
    for what in ("rename", "pin", "unpin", "delete", "show", "further", "drop tables", ""):
        can.carry_out(Asked(what, "yours", "taken over"))
    assert listed(history, YOURS) == before
    assert actions.deleted() == ()
    assert [each.id for each in listed(history, MINE)] == ["mine"]


def test_a_history_that_fails_is_told_and_nothing_is_lost(
    can: Actions, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise HistoryError("The disk of this server is full.")

    told: list[str] = []
    monkeypatch.setattr(st, "toast", lambda text, **_: told.append(text))
    monkeypatch.setattr(history, "pin", fails)
    can.carry_out(Asked("pin", "mine"))
    assert told == ["The disk of this server is full."]
