"""Messages of many kinds, and rows of them, for tests of the history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from app.core.history.history import History
from app.core.history.message_json import Roots, to_json
from app.core.history.stored import Row
from app.core.modes import Mode
from backends.messages import Message, Text, identified, user

ALICE, BOB = "a" * 64, "b" * 64
"""Two persons."""

NOWHERE: Roots = {"workspace": Path("/nowhere/w"), "pictures": Path("/nowhere/p")}


def said(text: str) -> Message:
    """An answer of one text."""
    return Message("assistant", (Text(text),))


def row_of(message: Message, parent: str | None = None, roots: Roots = NOWHERE) -> Row:
    """The row that a message with an id becomes."""
    body = json.dumps(to_json(message, roots))
    return Row(message.id, parent, message.role, body, message.text)


def rows_of(*texts: str) -> list[Row]:
    """A conversation of these texts, a question and an answer in turn."""
    rows: list[Row] = []
    for at, text in enumerate(texts):
        message = identified(user(text) if at % 2 == 0 else said(text))
        rows.append(row_of(message, rows[-1].id if rows else None))
    return rows


def write(
    history: History, id: str, *texts: str, person: str = ALICE, mode: Mode = "chat"
) -> list[Row]:
    """Stores a conversation of these texts."""
    rows = rows_of(*texts)
    save(history, id, rows, person, mode)
    return rows


def save(
    history: History, id: str, rows: Sequence[Row], person: str = ALICE, mode: Mode = "chat"
) -> None:
    """Stores the rows, the last one as the head."""
    history.save(person, id, mode, rows, rows[-1].id if rows else None)
