"""Conversations as JSON, with all branches: `assets/handbook/export-format.md` has the format."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.core.exchange.snapshot import ROOTS
from app.core.history.blobs import Blobs
from app.core.history.stored import Row, Stored

FORMAT = "glm-all-tools"
VERSION = 1
"""Of the whole file; that of its messages is `app.core.history.message_json.VERSION`."""
JSON_NAME = "conversations.json"
"""The file in an archive; ChatGPT's exports have one of that name too."""


def json_pieces(conversations: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The file, a conversation at a time."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    head = {"format": FORMAT, "version": VERSION, "exported": now}
    yield json.dumps(head)[:-1].encode() + b', "conversations": ['
    for at, conversation in enumerate(conversations):
        yield (b",\n" if at else b"\n") + json.dumps(conversation).encode()
    yield b"\n]}\n"


def conversation_json(stored: Stored, archived: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """A conversation as JSON values; `archived` is where its files are in the archive."""
    entry = stored.entry
    return {
        "id": entry.id,
        "mode": entry.mode,
        "title": entry.title,
        "pinned": entry.pinned,
        "created": entry.created,
        "updated": entry.updated,
        "settings": dict(stored.choices),
        "head": stored.head,
        "messages": [_message(row) for row in stored.rows],
        "files": [
            {"root": root, "path": path, "sha256": digest, "archived": archived[root, path]}
            for (root, path), digest in stored.files.items()
            if (root, path) in archived
        ],
    }


def archived_files(
    stored: Stored, number: int, blobs: Blobs
) -> Iterator[tuple[tuple[str, str], str]]:
    """The conversation's files that are there, each with its name in an archive, in which this is
    the conversation of that number."""
    for root, path in stored.files:
        if root in ROOTS and blobs.path(stored.files[root, path]).is_file():
            yield (root, path), f"files/{number}/{root}/{path}"


def _message(row: Row) -> dict[str, Any]:
    try:
        body = json.loads(row.body)
        citations = json.loads(row.citations)
    except (ValueError, RecursionError):
        body, citations = {"parts": [{"type": "text", "text": row.text}]}, []
    return {
        **body,
        "id": row.id,
        "role": row.role,
        "parent": row.parent,
        "created": row.created,
        **({"citations": citations} if citations else {}),
    }
