"""Limits: what they let through, which sentence they say, and what a clock that jumps does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.core.agent.events import TurnFinished
from app.core.history.history import History, new_conversation_id, person_key
from app.core.history.stored import Row
from app.core.people.limits import LimitReached, Limits, LimitSet, limits
from app.core.people.meter import Meter, MeteredTurn
from app.core.people.usage import MB, DailyUsage, Subject, address_key
from app.core.settings import Loaded, Settings, load
from backends.messages import Usage

KEY = b"k" * 32
HERE = "192.0.2.7"
DAY = 86_400.0
NONE, NOTHING = Limits(), Usage()


@dataclass
class Clock:
    """A clock that stands wherever a test puts it."""

    now: float = 20_000 * DAY + 3600.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    history: History
    clock: Clock
    monotonic: Clock

    def meter(self, person: Limits = NONE, address: Limits = NONE) -> Meter:
        return Meter(self.history, LimitSet(person, address), KEY, self.clock, self.monotonic)

    def conversation(self, person: str, files: int = 0) -> str:
        """A stored conversation of somebody, with a file of that many bytes."""
        id = new_conversation_id()
        row = Row(new_conversation_id(), None, "user", "{}", "hello")
        self.history.save(person_key(person), id, "chat", [row], row.id)
        if files:
            self.history.save_files(id, {("workspace", "a.bin"): (id * 2, files)})
        return id


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    history = History.open(tmp_path)
    assert not history.problem
    yield World(history, Clock(), Clock(1000.0))
    history.close()


def send(meter: Meter, person: str = "ann", address: str = "", usage: Usage = NOTHING) -> None:
    """A turn from its begin to its end."""
    metered = meter.begin(person, address, new_conversation_id())
    metered.add(usage)
    meter.end(metered, TurnFinished("stop", usage))


def refused(meter: Meter, person: str = "ann", address: str = "") -> str:
    with pytest.raises(LimitReached) as limit:
        send(meter, person, address)
    sentence = str(limit.value)
    assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < 200
    return sentence


def test_the_messages_of_a_minute(world: World) -> None:
    meter = world.meter(Limits(messages_minute=2))
    send(meter)
    world.monotonic.now += 20
    send(meter)
    assert refused(meter) == "You may send 2 messages a minute: the next one can go in 40 seconds."
    send(meter, "bob")
    world.monotonic.now += 39.5
    assert "in 1 second." in refused(meter)
    world.monotonic.now += 0.5
    send(meter)
    assert "in 20 seconds" in refused(meter)


def test_the_messages_of_a_day_hold_across_servers_and_restarts(world: World) -> None:
    limit = Limits(messages_day=3)
    first, second = world.meter(limit), world.meter(limit)
    for meter in (first, second, first):
        send(meter)
    assert refused(second) == "You may send 3 messages a day: come back in 23 hours."
    assert "a day" in refused(world.meter(limit))
    send(second, "bob")
    world.clock.now += DAY
    send(first)


def test_a_message_that_is_refused_does_not_count(world: World) -> None:
    meter = world.meter(Limits(messages_day=2, messages_minute=3))
    send(meter)
    send(meter)
    for _ in range(5):
        assert "a day" in refused(meter)
    me = Subject(person_key("ann"), "person")
    assert meter.usage.today(me).messages == 2 and meter.running == 0
    world.clock.now += DAY
    send(meter)


def test_the_tokens_of_a_day(world: World) -> None:
    meter = world.meter(Limits(tokens_day=100))
    send(meter, usage=Usage(prompt_tokens=60, completion_tokens=30))
    send(meter, usage=Usage(prompt_tokens=60, completion_tokens=30))
    world.clock.now += 22.5 * 3600
    assert refused(meter) == "You may use 100 tokens a day: come back in 30 minutes."


def test_the_running_turns(world: World) -> None:
    meter = world.meter(Limits(running=2))
    rides = [meter.begin("ann", "", new_conversation_id()) for _ in range(2)]
    assert meter.running == 2
    assert "2 answers of yours are still being written" in refused(meter)
    send(meter, "bob")
    meter.end(rides[0], TurnFinished("stop", Usage()))
    send(meter)
    meter.give_up(rides[1])
    assert meter.running == 0


def test_the_turns_that_another_server_runs_count_too(world: World, tmp_path: Path) -> None:
    other = History.open(tmp_path)
    other.save_running(world.conversation("ann"), None, "{}")
    meter = Meter(world.history, LimitSet(Limits(running=1)), KEY)
    assert "1 answer of yours is still being written" in refused(meter)
    send(meter, "bob")
    other.close()  # says that its process has ended
    send(meter)


def test_the_conversations_and_the_megabytes_that_are_kept(world: World) -> None:
    meter = world.meter(Limits(conversations=2, stored_mb=1))
    known = world.conversation("ann", files=MB)
    world.conversation("ann")
    assert "keeps 2 conversations for you: delete some" in refused(meter)
    with pytest.raises(LimitReached, match="keeps 1 MB of files for you: delete"):
        meter.begin("ann", "", known, new=False)
    with pytest.raises(LimitReached, match="keeps 2 conversations for you"):
        meter.keep_another("ann", "")
    meter.keep_another("bob", "")
    # One that is not kept is nothing to them.
    meter.end(
        meter.begin("ann", "", new_conversation_id(), stored=False), TurnFinished("stop", Usage())
    )
    send(meter, "bob")
    world.history.delete(person_key("ann"), known)
    send(meter)


def test_an_address_is_all_its_people(world: World) -> None:
    meter = world.meter(address=Limits(messages_day=2, messages_minute=2, conversations=1))
    for person in ("ann", "bob"):
        send(meter, person, HERE)
    sentence = refused(meter, "eve", HERE)
    assert sentence.startswith("All people at your network address together may send 2 messages")
    send(meter, "eve", "192.0.2.8")
    send(meter, "eve", "")


def test_conversations_count_for_the_address_that_they_were_begun_from(world: World) -> None:
    meter = world.meter(address=Limits(conversations=1))
    id = world.conversation("ann")
    meter.end(meter.begin("ann", HERE, id, new=False), TurnFinished("stop", Usage()))
    # Somewhere else it goes on as that conversation of there.
    meter.end(meter.begin("ann", "192.0.2.8", id, new=False), TurnFinished("stop", Usage()))
    assert "1 conversation for all people at your network address" in refused(meter, "bob", HERE)
    send(meter, "bob", "192.0.2.8")
    world.history.delete_all(person_key("ann"))
    send(meter, "bob", HERE)


def test_no_address_stands_in_the_database(world: World, tmp_path: Path) -> None:
    send(world.meter(), "ann", HERE)
    found = b"".join(path.read_bytes() for path in tmp_path.glob("history.db*"))
    assert HERE.encode() not in found and address_key(HERE, KEY).encode() in found
    assert address_key(HERE, KEY) != address_key(HERE, b"x" * 32)


@pytest.mark.parametrize("jump", [-400 * DAY, -3 * DAY, 3 * DAY, 4000 * DAY])
def test_a_clock_that_jumps_neither_locks_out_nor_frees_without_end(
    world: World, jump: float
) -> None:
    meter = world.meter(Limits(messages_day=2, messages_minute=2))
    sent = 0
    for _ in range(10):
        world.clock.now += jump
        for _ in range(5):
            world.monotonic.now += 61
            with contextlib.suppress(LimitReached):
                send(meter)
                sent += 1
        assert "come back in 23 hours" in refused(meter)
        world.clock.now -= jump
    assert sent <= 4, "two days were seen, and each has its two messages"
    world.clock.now += DAY
    send(meter)


def test_many_at_once_get_exactly_what_is_left(world: World) -> None:
    meter = world.meter(Limits(messages_day=10))
    passed: list[MeteredTurn] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        for _ in range(4):
            with contextlib.suppress(LimitReached):
                passed.append(meter.begin("ann", "", new_conversation_id()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 10 == meter.running


def test_without_limits_what_is_used_is_counted_for_admins(world: World) -> None:
    meter = world.meter()
    send(meter, "ann", HERE, Usage(prompt_tokens=10, completion_tokens=5))
    send(meter, "ann", HERE, Usage(prompt_tokens=20, completion_tokens=5))
    send(meter, "bob", HERE, Usage(prompt_tokens=1, completion_tokens=1))
    ann, bob = meter.usage.table()
    assert (ann.key, ann.today, ann.month) == (
        person_key("ann"),
        DailyUsage(2, 30, 10),
        DailyUsage(2, 30, 10),
    )
    assert bob.today == DailyUsage(1, 1, 1)
    address = Subject(address_key(HERE, KEY), "address")
    assert meter.usage.today(address) == DailyUsage(3, 31, 11)
    world.clock.now += 29 * DAY
    assert [(row.today, row.month.messages) for row in meter.usage.table()] == [
        (DailyUsage(), 2),
        (DailyUsage(), 1),
    ]
    world.clock.now += DAY
    assert meter.usage.table() == []


def test_what_was_forgotten_is_not_counted_by_a_turn_that_was_running(world: World) -> None:
    meter = world.meter()
    send(meter)
    metered = meter.begin("ann", HERE, new_conversation_id())
    world.monotonic.now += 1
    meter.forget("ann")
    meter.end(metered, TurnFinished("stop", Usage()))
    assert meter.usage.table() == [] and meter.running == 0
    world.monotonic.now += 1
    send(meter)
    assert len(meter.usage.table()) == 1


def test_a_database_that_fails_stops_nobody(world: World, damage: Callable[[], None]) -> None:
    meter = world.meter(Limits(messages_day=1, messages_minute=2))
    damage()
    send(meter)
    send(meter)
    assert "a minute" in refused(meter)


@pytest.fixture
def damage(world: World) -> Callable[[], None]:
    def drop() -> None:
        with world.history.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE usage")

    return drop


def test_on_loopback_only_what_somebody_set_holds(tmp_path: Path) -> None:
    file = tmp_path / "glm.toml"
    file.write_text("limit_messages_day = 7\nlimit_address = 3\nlimit_kernels = 0\n")
    loaded = load({}, file)
    local, remote = limits(loaded, local=True), limits(loaded, local=False)
    assert local.person == Limits(messages_day=7) and local.address == Limits(messages_day=21)
    assert local.sessions == 0
    assert remote.sessions == Settings().limit_sessions
    assert remote.person.messages_day == 7 and remote.person.kernels == 0
    assert remote.person.tokens_day == Settings().limit_tokens_day
    assert remote.address.tokens_day == 3 * Settings().limit_tokens_day
    nothing = limits(Loaded(Settings(), {}), local=False)
    assert replace(nothing.person, kernels=0) != Limits()
