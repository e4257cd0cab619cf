"""The presets and prompts of all people, each person's apart, in the history's database."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from app.core.history.database import Database
from app.core.history.schema import saved
from app.core.presets.saved import NotTaken, Preset, SavedPrompt, checked_text, name_of

Kind = Literal["preset", "prompt"]

MAX_SAVED = 200
"""Presets of one person, and prompts."""


class Library:
    """Presets and prompts by name. `person` is a key of the history, see `person_key`.

    Every method raises `HistoryError`. Safe to use from several threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def presets(self, person: str) -> list[Preset]:
        """The person's presets, by name."""
        return [Preset.from_json(name, body) for name, body in self._all(person, "preset")]

    def prompts(self, person: str) -> list[SavedPrompt]:
        """The person's prompts, by name."""
        return [SavedPrompt.from_json(name, body) for name, body in self._all(person, "prompt")]

    def save(self, person: str, item: Preset | SavedPrompt) -> None:
        """Keeps a preset or a prompt, in place of one of that name. Raises `NotTaken`."""
        kind: Kind = "preset" if isinstance(item, Preset) else "prompt"
        name = name_of(item.name)
        body = item.to_json()
        for part in ("system", "text"):
            if isinstance(body.get(part), str):
                body[part] = checked_text(body[part])
        if kind == "prompt" and not body["text"].strip():
            raise NotTaken("Write the text of the prompt.")
        values = {"body": json.dumps(body), "updated": time.time()}
        with self._database.writing() as connection:
            own = (saved.c.person == person) & (saved.c.kind == kind)
            known = update(saved).where(own, saved.c.name == name).values(values)
            if connection.execute(known).rowcount:
                return
            count = connection.scalar(select(func.count()).where(own)) or 0
            if count >= MAX_SAVED:
                raise NotTaken(f"At most {MAX_SAVED} {kind}s are kept. Delete one first.")
            connection.execute(insert(saved).values(person=person, kind=kind, name=name, **values))

    def delete(self, person: str, kind: Kind, name: str) -> None:
        """Deletes one of the person's; nothing where there is none."""
        own = (saved.c.person == person, saved.c.kind == kind, saved.c.name == name)
        with self._database.writing() as connection:
            connection.execute(delete(saved).where(*own))

    def forget(self, person: str) -> None:
        """Deletes all that the person has."""
        with self._database.writing() as connection:
            connection.execute(delete(saved).where(saved.c.person == person))

    def _all(self, person: str, kind: Kind) -> list[tuple[str, Mapping[str, Any]]]:
        statement = (
            select(saved.c.name, saved.c.body)
            .where(saved.c.person == person, saved.c.kind == kind)
            .order_by(func.lower(saved.c.name), saved.c.name)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        return [(name, _body(body)) for name, body in rows]


def move_saved(connection: Connection, person: str, to: str) -> None:
    """Gives all that a person has to another one, within a transaction; of two with one name the
    other one's stays."""
    theirs = select(saved.c.kind, saved.c.name).where(saved.c.person == to)
    taken = {tuple(row) for row in connection.execute(theirs)}
    mine = select(saved.c.kind, saved.c.name).where(saved.c.person == person)
    for kind, name in connection.execute(mine).all():
        own = (saved.c.person == person, saved.c.kind == kind, saved.c.name == name)
        if (kind, name) in taken:
            connection.execute(delete(saved).where(*own))
        else:
            connection.execute(update(saved).where(*own).values(person=to))


def _body(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}
