"""Running turns that several processes share, and which of these are alive."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select, update

from app.core.history.history import History
from app.core.history.schema import processes
from app.core.history.shared.processes import ALIVE_S
from app.core.history.shared.turns import MAX_REQUESTS, TurnTaken
from backends.messages import identified, user
from tests.support.stored_messages import ALICE, row_of, rows_of, save, write
from tests.unit.core.history.conftest import Open


@pytest.fixture
def two(opened: Open) -> tuple[History, History]:
    """Two processes over one database."""
    return opened(), opened()


def elsewhere(history: History) -> None:
    """As if the process ran on another machine, whose locks are not seen."""
    (history.processes._folder / history.processes.id).unlink()


def running(history: History) -> tuple[str, bool] | None:
    """The text of the running answer, and whether its process lives."""
    stored = history.load(ALICE, "one")
    assert stored is not None
    return None if stored.running is None else (stored.running.body, stored.running.alive)


def test_a_turn_is_one_process_s_alone(two: tuple[History, History]) -> None:
    one, other = two
    rows = write(one, "one", "ask")
    assert one.turns.claim("one") is one.turns.claim("one") is None
    with pytest.raises(TurnTaken):
        other.turns.claim("one")
    other.save_running("one", rows[0].id, "of the other")
    assert running(other) == ("{}", True)
    other.turns.release("one")
    assert running(other) == ("{}", True)
    one.turns.release("one")
    assert other.turns.claim("one") is None
    assert one.turns.claim("none") is None


def test_what_a_dead_process_wrote_is_taken_over(two: tuple[History, History]) -> None:
    one, other = two
    rows = write(one, "one", "ask")
    one.save_running("one", rows[0].id, "half")
    assert running(other) == ("half", True)
    one.close()
    assert running(other) == ("half", False)
    left = other.turns.claim("one")
    assert left is not None and (left.body, left.parent, left.alive) == ("half", rows[0].id, False)
    assert running(other) == ("half", True)


def test_a_turn_begins_with_its_first_message(two: tuple[History, History]) -> None:
    one, other = two
    rows = rows_of("ask")
    one.save(ALICE, "one", "chat", rows, rows[0].id, finished=False)
    with pytest.raises(TurnTaken):
        other.turns.claim("one")
    save(one, "one", rows)
    assert running(other) is None and other.turns.claim("one") is None


def test_a_process_elsewhere_is_known_by_its_beats(two: tuple[History, History]) -> None:
    one, other = two
    write(one, "one", "ask")
    one.turns.claim("one")
    elsewhere(one)
    assert running(other) == ("{}", False)
    one.processes.beat()
    assert running(other) == ("{}", True)
    with one.database.writing() as connection:
        connection.execute(update(processes).values(seen=processes.c.seen - ALIVE_S - 1))
    assert running(other) == ("{}", False) and running(one) == ("{}", True)


def test_a_beat_is_written_once_a_second(history: History) -> None:
    def seen() -> list[float]:
        with history.database.reading() as connection:
            return list(connection.scalars(select(processes.c.seen)))

    now = time.time()
    history.processes.beat(now)
    history.processes.beat(now + 0.5)
    assert seen() == [now]
    history.processes.beat(now + 1.5)
    assert seen() == [now + 1.5]
    history.processes.beat(now - 3600)  # a clock that was set back
    assert seen() == [now - 3600]


def test_an_older_head_does_not_take_a_newer_one_s_place(two: tuple[History, History]) -> None:
    one, other = two
    (first,) = write(one, "one", "ask")
    newer = row_of(identified(user("newer")), first.id)
    save(other, "one", [newer])
    late = row_of(identified(user("late")), first.id)
    told = one.save(ALICE, "one", "chat", [late], late.id, expected=(first.id,))
    stored = other.load(ALICE, "one")
    assert stored is not None and told == stored.head == newer.id
    assert {row.text for row in stored.rows} == {"ask", "newer", "late"}
    assert one.save(ALICE, "one", "chat", [], late.id, expected=(newer.id,)) == late.id


def test_what_others_want_comes_once_and_in_order(two: tuple[History, History]) -> None:
    one, other = two
    write(one, "one", "ask")
    other.turns.ask("one", {"stop": True})  # nothing runs: no harm
    one.turns.claim("one")
    assert one.turns.requests_of()["one"].requests == ()
    for at in range(3):
        other.turns.ask("one", {"at": at})
    other.turns.watch(["one", "none"])
    wish = one.turns.requests_of()["one"]
    assert (wish.requests, wish.watched) == (({"at": 0}, {"at": 1}, {"at": 2}), 1)
    assert one.turns.requests_of()["one"].requests == () and other.turns.requests_of() == {}
    for at in range(MAX_REQUESTS + 5):
        other.turns.ask("one", {"at": at})
    assert len(one.turns.requests_of()["one"].requests) == MAX_REQUESTS


def test_where_conversations_are(two: tuple[History, History]) -> None:
    one, other = two
    rows = write(one, "one", "ask")
    write(one, "two", "ask")
    write(one, "gone", "ask")
    one.delete(ALICE, "gone")
    one.save_running("one", rows[0].id, "half")
    states = other.turns.states(["one", "two", "gone", "none"])
    assert states.keys() == {"one", "two"}
    assert (states["one"].head, states["one"].owner, states["one"].alive) == (
        rows[0].id, one.processes.id, True,
    )  # fmt: skip
    assert states["two"].owner is None
    before = states["one"].written
    one.save_running("one", rows[0].id, "half and more")
    assert other.turns.states(["one"])["one"].written != before


def test_a_purge_forgets_processes_that_ended(two: tuple[History, History]) -> None:
    one, other = two
    (other.processes._folder / "0123").touch()
    other.purge()
    assert {path.name for path in other.processes._folder.iterdir()} >= {
        one.processes.id, other.processes.id,
    }  # fmt: skip
