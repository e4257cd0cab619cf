"""What is stored is there again, in both databases, and each person's apart."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import select, update

from app.core.history.database import HistoryError
from app.core.history.history import (
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    UNDO_S,
    History,
    move_in,
    new_conversation_id,
    person_key,
    title_of,
)
from app.core.history.schema import conversations, messages, running
from backends.messages import identified, user
from tests.support.stored_messages import ALICE, BOB, row_of, rows_of, said, save, write
from tests.unit.core.history.conftest import Open


def titles(history: History, person: str = ALICE) -> list[str]:
    return [entry.title for entry in history.catalog.listed(person)]


def move(history: History, person: str, to: str) -> int:
    with history.database.writing() as connection:
        return move_in(connection, person, to)


def stored_texts(history: History, id: str, person: str = ALICE) -> list[str]:
    stored = history.load(person, id)
    assert stored is not None
    return [row.text for row in stored.rows]


# -- messages ------------------------------------------------------------------------------------


def test_a_conversation_is_there_again_for_another_process(opened: Open) -> None:
    rows = write(opened(), "one", "What is it?", "A tree 🌳.", mode="tools")
    stored = opened().load(ALICE, "one")
    assert stored is not None
    assert [(row.id, row.parent, row.role, row.text) for row in stored.rows] == [
        (rows[0].id, None, "user", "What is it?"),
        (rows[1].id, rows[0].id, "assistant", "A tree 🌳."),
    ]
    assert (stored.head, stored.entry.mode, stored.entry.title) == (
        rows[1].id,
        "tools",
        "What is it?",
    )
    assert stored.rows[0].body == rows[0].body and stored.running is None


def test_a_message_is_stored_once(history: History) -> None:
    rows = write(history, "one", "ask", "answer")
    more = row_of(identified(user("again")), rows[-1].id)
    save(history, "one", [*rows, more])
    save(history, "one", [more])
    assert stored_texts(history, "one") == ["ask", "answer", "again"]


def test_branches_stay_and_the_one_shown_is_known(history: History) -> None:
    rows = write(history, "one", "ask", "answer")
    other = row_of(identified(said("otherwise")), rows[0].id)
    save(history, "one", [other])
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.head == other.id
    assert stored.tree.siblings(other.id) == (rows[1].id, other.id)
    history.set_head(ALICE, "one", rows[1].id)
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.head == rows[1].id


def test_every_change_is_another_version(history: History) -> None:
    seen = []
    write(history, "one", "ask")
    for change in (
        lambda: save(history, "one", rows_of("more")),
        lambda: history.rename(ALICE, "one", "Name"),
        lambda: history.pin(ALICE, "one", True),
    ):
        seen.append(history.version(ALICE, "one"))
        change()
    seen.append(history.version(ALICE, "one"))
    assert seen == [1, 2, 3, 4]
    assert history.version(BOB, "one") is history.version(ALICE, "none") is None


def test_what_is_no_text_for_a_database_is_stored(history: History) -> None:
    """NUL, which PostgreSQL refuses, and halves of characters, which no driver encodes."""
    (row,) = write(history, "one", "a\0b \ud800 c", mode="chat")
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.rows[0].body == row.body
    history.rename(ALICE, "one", "x\0\udfff y")
    assert titles(history) == ["x� y"]


@pytest.mark.parametrize("id", ["\0", "\ud800", "", "x" * 10_000, "'; DROP TABLE messages; --"])
def test_an_id_may_be_anything_and_names_nothing(history: History, id: str) -> None:
    write(history, "one", "ask")
    assert history.load(ALICE, id) is None
    assert history.catalog.entry(ALICE, id) is None
    assert titles(history) == ["ask"]


def test_many_messages_at_once(history: History) -> None:
    write(history, "one", *(f"message {at}" for at in range(1200)))
    write(history, "two", "short")
    assert len(stored_texts(history, "one")) == 1200


def test_two_people_write_at_once_and_nobody_is_refused(opened: Open) -> None:
    """Ten threads over two openings, as two processes have them."""
    both = opened(), opened()
    failures: list[BaseException] = []

    def go(at: int) -> None:
        try:
            for turn in range(5):
                write(both[at % 2], f"{at}-{turn}", "ask", "answer", person=str(at))
                both[at % 2].save_running(f"{at}-{turn}", None, "{}")
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=go, args=(at,)) for at in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert [both[0].catalog.count(str(at)) for at in range(10)] == [5] * 10


def test_the_first_two_messages_of_one_conversation_at_once(opened: Open) -> None:
    """Two processes make the same conversation: both messages stay."""
    both = opened(), opened()
    ready = threading.Barrier(2)
    failures: list[BaseException] = []

    def go(history: History) -> None:
        rows = rows_of("ask")
        ready.wait()
        try:
            save(history, "one", rows)
        except HistoryError as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(each,)) for each in both]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert stored_texts(both[0], "one") == ["ask", "ask"]


# -- the running answer --------------------------------------------------------------------------


def test_a_running_answer_is_replaced_and_ends_with_its_message(history: History) -> None:
    rows = write(history, "one", "ask")
    for text in ("A", "An", "Ans"):
        history.save_running("one", rows[0].id, text)
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.running is not None
    assert (stored.running.body, stored.running.parent, stored.running.alive) == (
        "Ans",
        rows[0].id,
        True,
    )
    history.save(ALICE, "one", "chat", [], rows[0].id, finished=False)
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.running is not None
    save(history, "one", rows)
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.running is None


# -- the list ------------------------------------------------------------------------------------


def test_the_list_is_pinned_first_then_newest(history: History) -> None:
    for id in ("one", "two", "three"):
        write(history, id, id)
    history.pin(ALICE, "one", True)
    assert titles(history) == ["one", "three", "two"]
    save(history, "two", rows_of("more"))
    assert titles(history) == ["one", "two", "three"]
    history.pin(ALICE, "one", False)
    assert titles(history) == ["two", "three", "one"]
    assert [entry.title for entry in history.catalog.listed(ALICE, 2)] == ["two", "three"]
    assert history.catalog.count(ALICE) == 3


def test_the_latest_of_a_mode(history: History) -> None:
    write(history, "one", "first")
    write(history, "two", "second", mode="tools")
    latest = history.catalog.latest(ALICE, "chat")
    assert latest is not None and latest.id == "one"
    assert history.catalog.latest(ALICE, "chat", time.time() + 60) is None
    assert history.catalog.latest(ALICE, "chat", time.time() - 60) == latest
    assert history.catalog.latest(ALICE, "vision") is history.catalog.latest(BOB, "chat") is None


def test_what_is_saved_without_a_message_leaves_the_time(history: History) -> None:
    rows = write(history, "one", "ask", "answer")
    before = history.catalog.entry(ALICE, "one")
    save(history, "one", [])
    history.save(ALICE, "one", "chat", (), rows[-1].id, choices={"values": {"top_p": 0.5}})
    assert history.catalog.entry(ALICE, "one") == before
    stored = history.load(ALICE, "one")
    assert stored is not None and stored.choices == {"values": {"top_p": 0.5}}


def test_a_title_is_the_first_message_until_it_is_renamed(history: History) -> None:
    write(history, "one", "  What\n is\tit?  ", "A tree.")
    assert titles(history) == ["What is it?"]
    history.rename(ALICE, "one", "  Trees \n and more ")
    save(history, "one", rows_of("more"))
    assert titles(history) == ["Trees and more"]
    for empty in ("", "  \n", "\0"):
        history.rename(ALICE, "one", empty)
    assert titles(history) == ["Trees and more"]
    history.rename(ALICE, "one", "x" * 10_000)
    assert titles(history) == ["x" * MAX_NAME_CHARS]


def test_a_long_first_message_is_cut_between_words() -> None:
    title = title_of("word " * 2000)
    assert len(title) <= MAX_TITLE_CHARS + 1 and title.endswith("word…")
    assert title_of("x" * 10_000) == "x" * MAX_TITLE_CHARS + "…"
    assert title_of("") == title_of("\0 \n") == ""


# -- delete, undo, purge -------------------------------------------------------------------------


def test_a_deleted_conversation_is_gone_and_comes_back(history: History) -> None:
    write(history, "one", "ask", "answer")
    history.delete(ALICE, "one")
    assert titles(history) == [] and history.load(ALICE, "one") is None
    assert history.catalog.count(ALICE) == 0 and history.catalog.latest(ALICE, "chat") is None
    history.restore(ALICE, "one")
    assert titles(history) == ["ask"] and stored_texts(history, "one") == ["ask", "answer"]


def test_a_turn_that_still_runs_leaves_a_deleted_conversation_deleted(history: History) -> None:
    rows = write(history, "one", "ask")
    history.delete(ALICE, "one")
    history.save_running("one", rows[0].id, "half")
    save(history, "one", [row_of(identified(said("late")), rows[0].id)])
    assert titles(history) == []
    history.restore(ALICE, "one")
    assert stored_texts(history, "one") == ["ask", "late"]


def test_what_was_purged_is_not_made_again_by_a_late_answer(history: History) -> None:
    rows = write(history, "one", "ask")
    history.delete_all(ALICE)
    with pytest.raises(HistoryError):
        history.save_running("one", rows[0].id, "half")


def test_a_purge_takes_what_can_no_longer_be_undone(history: History) -> None:
    for id in ("old", "fresh", "kept"):
        rows = write(history, id, id)
        history.save_running(id, rows[0].id, "half")
    history.delete(ALICE, "old")
    history.delete(ALICE, "fresh")
    with history.database.writing() as connection:
        c = conversations.c
        connection.execute(
            update(conversations).where(c.id == "old").values(deleted=time.time() - UNDO_S - 1)
        )
    history.purge()
    history.restore(ALICE, "old")
    history.restore(ALICE, "fresh")
    assert titles(history) == ["kept", "fresh"]
    with history.database.reading() as connection:
        assert set(connection.scalars(select(messages.c.conversation))) == {"fresh", "kept"}
        assert set(connection.scalars(select(running.c.conversation))) == {"fresh", "kept"}


def test_a_purge_takes_what_nobody_wrote_to_for_so_long(history: History) -> None:
    write(history, "old", "old")
    write(history, "new", "new")
    with history.database.writing() as connection:
        c = conversations.c
        connection.execute(
            update(conversations).where(c.id == "old").values(updated=time.time() - 8 * 86_400)
        )
    history.purge()
    assert titles(history) == ["new", "old"]
    history.purge(older_than_days=7)
    assert titles(history) == ["new"]


def test_deleting_all_leaves_the_others(history: History) -> None:
    write(history, "one", "ask")
    write(history, "two", "ask")
    write(history, "bob", "his", person=BOB)
    history.delete(ALICE, "two")
    assert history.delete_all(ALICE) == 2
    history.restore(ALICE, "two")
    assert titles(history) == [] and titles(history, BOB) == ["his"]


# -- two persons ---------------------------------------------------------------------------------


def test_somebody_else_s_conversation_is_as_good_as_none(history: History) -> None:
    rows = write(history, "one", "secret", "words")
    assert history.load(BOB, "one") is None
    assert history.catalog.entry(BOB, "one") is None
    assert titles(history, BOB) == [] and history.catalog.search(BOB, "secret") == []
    history.rename(BOB, "one", "mine")
    history.pin(BOB, "one", True)
    history.set_head(BOB, "one", rows[0].id)
    history.delete(BOB, "one")
    assert history.delete_all(BOB) == 0 and move(history, BOB, "c" * 64) == 0
    with pytest.raises(HistoryError, match="somebody else's"):
        save(history, "one", rows_of("hello"), person=BOB)
    stored = history.load(ALICE, "one")
    assert stored is not None
    assert (stored.entry.title, stored.entry.pinned, stored.head) == ("secret", False, rows[1].id)
    assert len(stored.rows) == 2


def test_a_message_of_another_conversation_is_not_taken_over(history: History) -> None:
    """An id is random, so nobody names another's by chance; who does gets nothing by it."""
    (row,) = write(history, "one", "secret")
    save(history, "two", [row], person=BOB)
    assert stored_texts(history, "one") == ["secret"]
    assert stored_texts(history, "two", BOB) == []


def test_a_cookie_s_conversations_move_to_an_account(history: History) -> None:
    write(history, "one", "ask")
    write(history, "two", "his", person=BOB)
    assert move(history, ALICE, BOB) == 1
    assert titles(history) == [] and sorted(titles(history, BOB)) == ["ask", "his"]


def test_who_reads_the_database_can_t_take_a_visitor_s_place() -> None:
    assert person_key("cookie") != person_key("other") and "cookie" not in person_key("cookie")
    assert len({new_conversation_id() for _ in range(100)}) == 100
