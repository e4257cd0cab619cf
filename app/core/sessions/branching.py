"""A branch of a stored conversation as a conversation of its own."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import replace

from app.core.history.database import HistoryError
from app.core.history.history import History, new_conversation_id
from app.core.history.stored import Row

TITLE = "Branch of "
NOT_STORED = "This conversation could not be stored, so that no branch of it can be made."


def copy_branch(history: History, person: str, id: str, message: str) -> str:
    """Stores a conversation's messages up to one of them once more, with all its files.

    Args:
        history: where the conversation is stored.
        person: whose conversation it is.
        id: the conversation.
        message: the last message of the copy, on any branch.

    Returns the new conversation's id. Raises `HistoryError`.
    """
    stored = history.load(person, id)
    path = stored.tree.path(message) if stored is not None else ()
    if stored is None or not path:
        raise HistoryError(NOT_STORED)
    rows = {row.id: row for row in stored.rows}
    new = {each: secrets.token_hex(16) for each in path}
    copied = [_renamed(rows[each], new) for each in path]
    made = new_conversation_id()
    mode, choices = stored.entry.mode, stored.choices
    history.save(person, made, mode, copied, copied[-1].id, choices=choices)
    history.save_files(
        made, {key: (digest, history.blobs.path(digest).stat().st_size)
               for key, digest in stored.files.items() if history.blobs.path(digest).is_file()}
    )  # fmt: skip
    history.rename(person, made, TITLE + (stored.entry.title.removeprefix(TITLE) or "Untitled"))
    return made


def _renamed(row: Row, new: dict[str, str]) -> Row:
    """The message with its new id: an id names one message of the whole history."""
    body = row.body
    with contextlib.suppress(ValueError, TypeError):  # one that can't be read is kept as it is
        body = json.dumps(json.loads(row.body) | {"id": new[row.id]})
    parent = None if row.parent is None else new.get(row.parent)
    return replace(row, id=new[row.id], parent=parent, body=body)
