"""What is too old is removed, unless the clock has jumped."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import update

from app.core.history.history import History, new_conversation_id
from app.core.history.schema import conversations
from app.core.history.stored import Row
from app.core.people.retention import Retention
from app.core.people.usage import UsageTable

DAY_S = 86_400.0


def kept(history: History, days_old: float) -> str:
    id = new_conversation_id()
    row = Row(new_conversation_id(), None, "user", "{}", "hello")
    history.save("ann", id, "chat", [row], row.id)
    with history.database.writing() as connection:
        old = time.time() - days_old * DAY_S
        own = conversations.c.id == id
        connection.execute(update(conversations).where(own).values(updated=old))
    return id


def test_old_conversations_go_and_others_stay(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    old, young = kept(history, 31), kept(history, 29)
    assert Retention(history, UsageTable(history.database), 0).round()
    assert history.catalog.count("ann") == 2
    assert Retention(history, UsageTable(history.database), 30).round()
    assert history.catalog.entry("ann", old) is None
    assert history.catalog.entry("ann", young) is not None
    history.close()


def test_a_clock_that_jumps_deletes_nothing_and_is_believed_where_it_stays(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    wall, steady = [time.time()], [0.0]
    retention = Retention(
        history, UsageTable(history.database), 30, lambda: wall[0], lambda: steady[0]
    )
    assert retention.round()
    for step, believed in ((3600, True), (3600 + 40 * DAY_S, False), (3600, True)):
        wall[0] += step
        steady[0] += 3600
        assert retention.round() is believed
    wall[0] -= 40 * DAY_S
    steady[0] += 3600
    assert not retention.round()
    history.close()


def test_it_runs_at_the_start(tmp_path: Path) -> None:
    history = History.open(tmp_path)
    kept(history, 31)
    retention = Retention(history, UsageTable(history.database), 30)
    retention.start()
    until = time.monotonic() + 60
    while history.catalog.count("ann") and time.monotonic() < until:
        time.sleep(0.01)
    assert history.catalog.count("ann") == 0
    retention.stop()
    history.close()
