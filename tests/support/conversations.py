"""A history with conversations in it, for tests of what is done with them."""

from __future__ import annotations

import io
import json
from pathlib import Path

from app.core.history.history import History, new_conversation_id
from app.core.history.message_json import to_json
from app.core.history.stored import Row
from app.core.modes import Mode
from app.core.sessions.recorder import roots_of
from backends.messages import Message, identified

PERSON = "a" * 64
STRANGER = "b" * 64
WORKSPACE = Path("/work")
"""Where the messages of these conversations say that their files are."""
PICTURES = roots_of(WORKSPACE)["pictures"]


def store(
    history: History,
    *messages: Message,
    after: str | None = None,
    id: str = "",
    person: str = PERSON,
    mode: Mode = "tools",
    files: dict[str, bytes] | None = None,
) -> tuple[str, list[str]]:
    """Stores messages one after the other, the first one below `after`, as a conversation or a
    branch of the conversation `id`. Returns the conversation's id and those of the messages."""
    id = id or new_conversation_id()
    rows, parent = [], after
    for message in map(identified, messages):
        body = json.dumps(to_json(message, roots_of(WORKSPACE)))
        rows.append(Row(message.id, parent, message.role, body, message.text))
        parent = message.id
    history.save(person, id, mode, rows, parent)
    kept = {
        ("workspace", name): history.blobs.put(io.BytesIO(data))
        for name, data in (files or {}).items()
    }
    history.save_files(id, kept)
    return id, [row.id for row in rows]
