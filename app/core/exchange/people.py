"""The conversations of all people in a history, for whoever owns its folder."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.core.exchange.exporting import Wanted
from app.core.history.history import History
from app.core.history.schema import conversations

MIN_ID_CHARS = 4
"""Of the beginning of an id by which somebody names a conversation."""


@dataclass(frozen=True)
class Owner:
    """A person, by the key that the history has of them, and how many conversations they have."""

    person: str
    count: int


def owners(history: History, start: str = "") -> list[Owner]:
    """The people whose keys begin with `start`, most conversations first. Raises
    `HistoryError`."""
    c = conversations.c
    statement = (
        select(c.person, func.count())
        .where(c.deleted.is_(None), c.person.startswith(start, autoescape=True))
        .group_by(c.person)
        .order_by(func.count().desc(), c.person)
    )
    with history.database.reading() as connection:
        return [Owner(person, count) for person, count in connection.execute(statement)]


def named(history: History, start: str, person: str = "") -> list[Wanted]:
    """The conversations whose ids begin with `start`, of people whose keys begin with `person`.
    Raises `HistoryError`."""
    c = conversations.c
    statement = select(c.person, c.id).where(
        c.deleted.is_(None),
        c.id.startswith(start, autoescape=True),
        c.person.startswith(person, autoescape=True),
    )
    with history.database.reading() as connection:
        return [(owner, id) for owner, id in connection.execute(statement.limit(2))]
