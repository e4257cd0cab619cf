"""What people and addresses use, counted in the history's database, so that it holds across
restarts and replicas."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core.history.database import Database
from app.core.history.schema import conversations, files, origins, people, processes, running, usage
from app.core.history.shared.processes import ALIVE_S

DAY_S = 86_400
KEPT_DAYS = 400
"""Days of usage that are kept for admins: a year, and what is needed to compare with it."""
MB = 1_000_000

Kind = Literal["person", "address"]


@dataclass(frozen=True)
class Subject:
    """A person or an address, by the digest that stands in the database."""

    key: str
    kind: Kind


@dataclass(frozen=True)
class DailyUsage:
    """What was used on one day: messages, and tokens read and written by the model."""

    messages: int = 0
    read: int = 0
    written: int = 0

    @property
    def tokens(self) -> int:
        return self.read + self.written


@dataclass(frozen=True)
class UsageRow:
    """A row for admins. `name` is empty for a browser without an account; `last` is the last day
    on which something was used, in seconds since 1970."""

    key: str
    name: str
    today: DailyUsage
    month: DailyUsage
    conversations: int
    stored_mb: float
    last: float


class UsageTable:
    """The counters. Every method raises `HistoryError`. `clock` is the time in seconds since
    1970: a day that it names twice has one row, however it jumped in between."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    @property
    def day(self) -> int:
        """Days since 1970, in UTC."""
        return int(self._clock() // DAY_S)

    @property
    def left_s(self) -> float:
        """Seconds until the next day."""
        return DAY_S - self._clock() % DAY_S

    def add(self, who: Subject, messages: int = 0, read: int = 0, written: int = 0) -> None:
        """Counts for today."""
        with self._database.writing() as connection:
            self.add_in(connection, who, messages, read, written)

    def add_in(
        self,
        connection: Connection,
        who: Subject,
        messages: int = 0,
        read: int = 0,
        written: int = 0,
    ) -> DailyUsage:
        """Counts for today within a transaction; what is used then. Other servers that count for
        the same one wait for the transaction's end, so none gets past a limit meanwhile."""
        new = _insert(connection, usage).values(
            who=who.key, day=self.day, kind=who.kind, messages=messages, read=read, written=written
        )
        c = usage.c
        row = connection.execute(
            new.on_conflict_do_update(
                index_elements=["who", "day"],
                set_={
                    "messages": c.messages + messages,
                    "read": c.read + read,
                    "written": c.written + written,
                },
            ).returning(c.messages, c.read, c.written)
        ).one()
        return DailyUsage(*row)

    def today(self, who: Subject) -> DailyUsage:
        """What was used today."""
        c = usage.c
        with self._database.reading() as connection:
            row = connection.execute(
                select(c.messages, c.read, c.written).where(c.who == who.key, c.day == self.day)
            ).first()
        return DailyUsage() if row is None else DailyUsage(*row)

    def conversations(self, connection: Connection, who: Subject) -> int:
        """How many conversations are kept."""
        own = _own(select(func.count()).select_from(conversations), who)
        return connection.scalar(own) or 0

    def stored(self, connection: Connection, who: Subject) -> int:
        """Bytes of the files that are kept; a file that several conversations have counts once."""
        own = _own(
            select(files.c.digest, func.max(files.c.size).label("size"))
            .join(conversations, conversations.c.id == files.c.conversation)
            .group_by(files.c.digest),
            who,
        ).subquery()
        return int(connection.scalar(select(func.sum(own.c.size))) or 0)

    def running_elsewhere(self, connection: Connection, who: Subject, process: str) -> int:
        """Turns that other living processes write."""
        statement = (
            select(func.count())
            .select_from(running)
            .join(conversations, conversations.c.id == running.c.conversation)
            .join(processes, processes.c.id == running.c.process)
            .where(running.c.process != process, processes.c.seen > self._clock() - ALIVE_S)
        )
        return connection.scalar(_own(statement, who)) or 0

    def begun(self, connection: Connection, conversation: str, address: str) -> None:
        """Keeps from which address a conversation was begun, once it is stored."""
        stored = select(conversations.c.id).where(conversations.c.id == conversation)
        if connection.scalar(stored) is not None:
            new = _insert(connection, origins).values(conversation=conversation, address=address)
            connection.execute(new.on_conflict_do_nothing())

    def forget(self, person: str) -> None:
        """Deletes what was counted for a person, and the person's name."""
        with self._database.writing() as connection:
            c = people.c
            joined = select(c.person).where(c.joined == person)
            mine = (usage.c.who == person) | usage.c.who.in_(joined)
            connection.execute(delete(usage).where(mine))
            connection.execute(delete(people).where((c.person == person) | (c.joined == person)))

    def purge(self) -> None:
        """Deletes what was counted longer than `KEPT_DAYS` ago."""
        with self._database.writing() as connection:
            connection.execute(delete(usage).where(usage.c.day < self.day - KEPT_DAYS))

    def table(self, most: int = 1000) -> list[UsageRow]:
        """What each person used, whoever used most in the last 30 days first."""
        c, today = usage.c, self.day
        month = select(
            c.who,
            func.sum(c.messages).label("messages"),
            func.sum(c.read).label("read"),
            func.sum(c.written).label("written"),
            func.max(c.day).label("last"),
        ).where(c.kind == "person", c.day > today - 30)
        month = month.group_by(c.who).order_by(func.sum(c.read + c.written).desc()).limit(most)
        with self._database.reading() as connection:
            rows = connection.execute(month).all()
            keys = [row.who for row in rows]
            named = select(people.c.person, people.c.name).where(people.c.person.in_(keys))
            names = {row.person: row.name for row in connection.execute(named)}
            now = {
                who: DailyUsage(*used)
                for who, *used in connection.execute(
                    select(c.who, c.messages, c.read, c.written).where(c.day == today)
                )
            }
            return [
                UsageRow(
                    row.who,
                    names.get(row.who, ""),
                    now.get(row.who, DailyUsage()),
                    DailyUsage(int(row.messages), int(row.read), int(row.written)),
                    self.conversations(connection, Subject(row.who, "person")),
                    self.stored(connection, Subject(row.who, "person")) / MB,
                    float(row.last * DAY_S),
                )
                for row in rows
            ]


def _own(statement: Select[Any], who: Subject) -> Select[Any]:
    c = conversations.c
    statement = statement.where(c.deleted.is_(None))
    if who.kind == "person":
        return statement.where(c.person == who.key)
    own = select(origins.c.conversation).where(origins.c.address == who.key)
    return statement.where(c.id.in_(own))


def _insert(connection: Connection, table: Table) -> Any:
    """An insertion that can be told what to do where the row is there: not of SQL's standard, but
    both databases word it alike."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def address_key(address: str, key: bytes) -> str:
    """The digest of an address under the server's key: without it nobody can try all addresses."""
    return hmac.new(key, f"address {address}".encode(), hashlib.sha256).hexdigest()
