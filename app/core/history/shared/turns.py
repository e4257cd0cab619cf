"""The running turns of all processes that share a history.

A turn runs in one process, the owner of the conversation's row in `running`. The others read how
far it is, say that they watch it, and ask the owner for something, all through that row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from app.core.history.database import Database
from app.core.history.schema import conversations, running
from app.core.history.shared.processes import Processes
from app.core.history.stored import RunningRow

MAX_REQUESTS = 100
"""Requests that wait for an owner; further ones are dropped."""


class TurnTaken(Exception):
    """Another process runs a turn of this conversation."""


@dataclass(frozen=True)
class TurnState:
    """Where a conversation is: its `head`, and the `owner` of its running turn, None without one.
    `written` changes with what the turn has written."""

    head: str | None
    owner: str | None = None
    alive: bool = False
    written: float = 0.0


@dataclass(frozen=True)
class TurnRequests:
    """What others want of a running turn: requests in their order, and `watched`, a number that
    grows while somebody watches."""

    requests: tuple[Mapping[str, Any], ...]
    watched: int


class Turns:
    """The rows of `running`. Every method raises `HistoryError`."""

    def __init__(self, database: Database, processes: Processes) -> None:
        self._database = database
        self._processes = processes

    def claim(self, id: str) -> RunningRow | None:
        """Makes this process the owner of a stored conversation's turn. Returns what a dead owner
        had written. Raises `TurnTaken`."""
        with self._database.writing() as connection:
            found = connection.scalar(
                select(conversations.c.id).where(conversations.c.id == id).with_for_update()
            )
            left = self.read(connection, id) if found is not None else None
            owner = self.owner(connection, id)
            if left is None:
                if found is not None:
                    self.begin(connection, id)
                return None
            if owner == self._processes.id:
                return None
            if left.alive:
                raise TurnTaken
            connection.execute(
                update(running)
                .where(running.c.conversation == id)
                .values(process=self._processes.id, requests="[]")
            )
            return left

    def begin(self, connection: Connection, id: str) -> None:
        """Adds the row of a turn that this process begins."""
        connection.execute(
            insert(running).values(
                conversation=id, process=self._processes.id, body="{}", updated=0.0
            )
        )

    def owner(self, connection: Connection, id: str) -> str | None:
        """The process that runs the conversation's turn."""
        return connection.scalar(select(running.c.process).where(running.c.conversation == id))

    def write(self, id: str, parent: str | None, body: str, now: float) -> None:
        """Stores the answer that is being written, in place of what it was; nothing where another
        process has taken over."""
        values = {"parent": parent, "body": body, "updated": now}
        own = (running.c.conversation == id) & (running.c.process == self._processes.id)
        with self._database.writing() as connection:
            if connection.execute(update(running).where(own).values(values)).rowcount:
                return
            if self.owner(connection, id) is None:
                row = {"conversation": id, "process": self._processes.id, **values}
                connection.execute(insert(running).values(row))

    def release(self, id: str) -> None:
        """Says that this process runs no turn of the conversation."""
        with self._database.writing() as connection:
            self.end(connection, id)

    def end(self, connection: Connection, id: str) -> None:
        """Removes the row of this process's turn."""
        own = (running.c.conversation == id) & (running.c.process == self._processes.id)
        connection.execute(delete(running).where(own))

    def states(self, ids: Collection[str]) -> dict[str, TurnState]:
        """Where these conversations are; those that are gone are left out."""
        c, r = conversations.c, running.c
        statement = (
            select(c.id, c.head, r.process, r.updated)
            .outerjoin(running, r.conversation == c.id)
            .where(c.id.in_(ids), c.deleted.is_(None))
        )
        found: dict[str, TurnState] = {}
        with self._database.reading() as connection:
            for id, head, owner, updated in connection.execute(statement).all():
                alive = owner is not None and self._processes.alive(connection, owner)
                found[id] = TurnState(head, owner, alive, updated or 0.0)
        return found

    def read(self, connection: Connection, id: str) -> RunningRow | None:
        """The answer that is being written, None where none is."""
        found = connection.execute(
            select(running.c.parent, running.c.body, running.c.process).where(
                running.c.conversation == id
            )
        ).first()
        if found is None:
            return None
        return RunningRow(
            found.parent, found.body, self._processes.alive(connection, found.process)
        )

    def look(self, id: str) -> RunningRow | None:
        """As `read`, on a connection of its own."""
        with self._database.reading() as connection:
            return self.read(connection, id)

    def watch(self, ids: Iterable[str]) -> None:
        """Says that somebody watches these turns."""
        with self._database.writing() as connection:
            connection.execute(
                update(running)
                .where(running.c.conversation.in_(list(ids)))
                .values(watched=running.c.watched + 1)
            )

    def ask(self, id: str, request: Mapping[str, Any]) -> None:
        """Leaves a request for the owner of a conversation's turn."""
        with self._database.writing() as connection:
            found = connection.scalar(
                select(running.c.requests).where(running.c.conversation == id).with_for_update()
            )
            if found is not None and len(waiting := json.loads(found)) < MAX_REQUESTS:
                connection.execute(
                    update(running)
                    .where(running.c.conversation == id)
                    .values(requests=json.dumps([*waiting, dict(request)]))
                )

    def requests_of(self) -> dict[str, TurnRequests]:
        """What others want of this process's turns; requests are taken out."""
        r = running.c
        columns = select(r.conversation, r.requests, r.watched).where(
            r.process == self._processes.id
        )
        with self._database.reading() as connection:
            found = connection.execute(columns).all()
        if any(requests != "[]" for _, requests, _ in found):
            with self._database.writing() as connection:
                found = connection.execute(columns.with_for_update()).all()
                own = r.process == self._processes.id
                connection.execute(update(running).where(own).values(requests="[]"))
        return {
            id: TurnRequests(tuple(json.loads(requests)), watched)
            for id, requests, watched in found
        }
