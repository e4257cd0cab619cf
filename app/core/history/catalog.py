"""The list of a person's conversations, and the search in them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from app.core.history import search_index
from app.core.history.database import Database
from app.core.history.schema import conversations, messages
from app.core.history.stored import Entry
from app.core.modes import Mode

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)

PAGE = 50
"""Conversations in one step of the list."""


class Catalog:
    """The conversations of all people, each person's apart. Every method raises `HistoryError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, person: str, most: int = PAGE) -> list[Entry]:
        """The person's conversations: pinned ones first, then the newest."""
        c = conversations.c
        statement = (
            ENTRY.where(c.person == person, c.deleted.is_(None))
            .order_by(c.pinned.desc(), c.updated.desc())
            .limit(most)
        )
        with self._database.reading() as connection:
            return [entry_of(row) for row in connection.execute(statement)]

    def count(self, person: str) -> int:
        """How many conversations the person has."""
        c = conversations.c
        statement = select(func.count()).where(c.person == person, c.deleted.is_(None))
        with self._database.reading() as connection:
            return connection.scalar(statement) or 0

    def entry(self, person: str, id: str) -> Entry | None:
        """One conversation of the person, None where there is none."""
        if not is_id(id):
            return None
        c = conversations.c
        statement = ENTRY.where(c.id == id, c.person == person, c.deleted.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
            return None if row is None else entry_of(row)

    def latest(self, person: str, mode: Mode, since: float = 0.0) -> Entry | None:
        """The conversation that the person wrote to last in a mode, `since` that time or later, in
        seconds since 1970."""
        c = conversations.c
        statement = (
            ENTRY.where(c.person == person, c.mode == mode, c.deleted.is_(None))
            # Both values of `pinned`, so that the index of the list finds the few rows since then.
            .where(c.pinned.in_([False, True]), c.updated >= since)
            .order_by(c.updated.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
            return None if row is None else entry_of(row)

    def search(self, person: str, query: str, most: int = PAGE) -> list[Entry]:
        """The person's conversations whose title or one of whose messages has all words of
        `query`: titles first, then the newest match."""
        words = search_index.words_of(query)
        if not words:
            return self.listed(person, most)
        c = conversations.c
        with self._database.reading() as connection:
            titled = connection.execute(
                ENTRY.where(
                    c.person == person,
                    c.deleted.is_(None),
                    *(search_index.in_title(connection, c.title, word) for word in words),
                )
                .order_by(c.updated.desc())
                .limit(most)
            )
            found = {row.id: entry_of(row) for row in titled}
            matches = search_index.matching(connection, person, words, most)
            wanted = [id for id in matches if id not in found][: max(0, most - len(found))]
            entries = {
                row.id: entry_of(row) for row in connection.execute(ENTRY.where(c.id.in_(wanted)))
            }
            numbers = [matches[id] for id in wanted]
            matched = connection.execute(
                select(messages.c.conversation, messages.c.text).where(
                    messages.c.number.in_(numbers)
                )
            )
            texts = {row.conversation: row.text for row in matched}
        for id in wanted:
            excerpt = _excerpt(texts.get(id, ""), words[0])
            found[id] = replace(entries[id], excerpt=excerpt)
        return list(found.values())


ENTRY = select(
    conversations.c.id,
    conversations.c.mode,
    conversations.c.title,
    conversations.c.pinned,
    conversations.c.created,
    conversations.c.updated,
)


def is_id(text: str) -> bool:
    """Whether a text of strangers can be an id at all; a database takes not every text."""
    return _ID.fullmatch(text) is not None


def entry_of(row: Any) -> Entry:
    return Entry(row.id, row.mode, row.title, bool(row.pinned), row.created, row.updated)


def _excerpt(text: str, word: str, around: int = 40) -> str:
    """The text around the first place of a word, on one line."""
    at = max(0, text.casefold().find(word.casefold()))
    start = max(0, at - around)
    line = " ".join(text[start : at + len(word) + around].split())
    return ("…" if start else "") + line + ("…" if at + len(word) + around < len(text) else "")
