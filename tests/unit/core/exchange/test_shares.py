"""Share links: what they show, who may end them, and when they end by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.exchange.shares import listed, revoke, share, shared_page
from app.core.history.database import HistoryError
from app.core.history.history import History
from backends.messages import Message, Text, user
from tests.support.conversations import PERSON, STRANGER, store


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History.open(tmp_path / "history")


def answer(text: str) -> Message:
    return Message("assistant", (Text(text),))


def shown(history: History, token: str) -> str:
    path = shared_page(history, token)
    assert path is not None
    return path.read_text("utf-8")


def test_a_link_shows_the_branch_as_it_was(history: History):
    id, (asked, answered) = store(history, user("Question"), answer("First answer"))
    token = share(history, PERSON, id)
    store(history, user("Later question"), after=answered, id=id)
    store(history, answer("Other answer"), after=asked, id=id)
    page = shown(history, token)
    assert "First answer" in page
    assert "Later question" not in page and "Other answer" not in page


def test_the_database_does_not_have_the_token(history: History, tmp_path: Path):
    id, _ = store(history, user("Question"))
    token = share(history, PERSON, id)
    history.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert token.encode() not in kept


def test_only_its_owner_lists_and_revokes_it(history: History):
    id, _ = store(history, user("Question"))
    token = share(history, PERSON, id)
    (mine,) = listed(history, PERSON)
    assert mine.title == "Question" and mine.conversation == id
    assert listed(history, STRANGER) == []
    assert not revoke(history, STRANGER, mine.digest)
    assert shown(history, token)
    with pytest.raises(HistoryError):
        share(history, STRANGER, id)
    assert revoke(history, PERSON, mine.digest)
    assert shared_page(history, token) is None and listed(history, PERSON) == []
    assert not revoke(history, PERSON, mine.digest)


def test_a_link_ends_with_its_conversation(history: History):
    id, _ = store(history, user("Question"))
    token = share(history, PERSON, id)
    history.delete(PERSON, id)
    assert shared_page(history, token) is None
    history.restore(PERSON, id)
    assert shown(history, token)
    history.delete_all(PERSON)
    assert shared_page(history, token) is None


@pytest.mark.parametrize("token", ["", "x", "../../etc/passwd", "a" * 43, "é" * 43, "a" * 10_000])
def test_a_wrong_token_opens_nothing(history: History, token: str):
    id, _ = store(history, user("Question"))
    share(history, PERSON, id)
    assert shared_page(history, token) is None


def test_the_snapshot_is_kept_while_the_link_lasts(history: History):
    id, _ = store(history, user("Question"), files={"a.txt": b"x"})
    token = share(history, PERSON, id)
    history.save_files(id, {}, [("workspace", "a.txt")])
    history.purge()
    assert shown(history, token)
    stored = history.load(PERSON, id)
    assert stored is not None
