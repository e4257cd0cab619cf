"""Addresses of conversations, and which one a page's buttons mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from app.core.history.history import History, person_key
from app.core.history.stored import Row
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations.address import Current, link
from tools.registry import Registry


def no_model() -> NoReturn:
    raise AssertionError("nothing is asked here")


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    history = History.open(tmp_path / "history")
    for id in ("first", "second"):
        row = Row(f"message of {id}", None, "user", '{"role": "user"}', id)
        history.save(person_key("me"), id, "chat", [row], row.id)
    sessions = Sessions(
        tmp_path / "sessions",
        lambda mode, folder, visitor: Session(
            folder, Registry(()), ModelHost(no_model), visitor=visitor
        ),
        1000,
        history=history,
    )
    yield sessions
    sessions.close()
    history.close()


def test_links_are_of_the_modes_page_whatever_path_the_app_has() -> None:
    assert link("1", "chat") == "./?c=1"
    assert link("1", "tools") == "tools?c=1"


def test_a_closed_conversation_is_opened_again(sessions: Sessions) -> None:
    shown = sessions.open("me", "chat", "first")
    current = Current(sessions, "me", shown)
    assert current() is shown
    sessions.open("me", "chat", "second")  # in another tab
    assert current() is shown
    sessions.forget("me", "first")
    assert current() is not shown
    assert current().id == "first"


def test_a_deleted_one_gives_way_to_a_new_one_and_not_to_another(sessions: Sessions) -> None:
    current = Current(sessions, "me", sessions.open("me", "chat", "first"))
    sessions.open("me", "chat", "second")
    sessions.delete("me", "first")
    new = current()
    assert new.empty
    assert new.id not in ("first", "second")
    (new.workspace / "given").touch()  # and it stays that one once it is used
    assert current() is new


def test_one_that_nobody_used_gives_way_to_one_like_it(sessions: Sessions) -> None:
    shown = sessions.renew("me", "chat")
    current = Current(sessions, "me", shown)
    sessions.forget("me", shown.id)
    sessions.renew("me", "chat")
    again = current()
    assert again.empty
    (again.workspace / "given").touch()
    assert current() is again
