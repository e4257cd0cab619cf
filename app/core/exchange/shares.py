"""Share links: read-only snapshots of a branch, which whoever has the link may read.

A snapshot is the branch as HTML, made once and kept as a blob: it neither grows nor changes with
the conversation. The database has the digest of a link's token alone, so that who reads it can't
open the link. A link ends when it is revoked, or with its conversation.
"""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, insert, select

from app.core.exchange.html_export import html
from app.core.exchange.snapshot import snapshot
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.history.schema import conversations, files, shares

ROOT = "shares"
"""The root under which a snapshot stands among its conversation's files; no session has it."""
MAX_SHARES = 1_000
"""Links of one person."""
TOO_MANY = "You have 1,000 links already: revoke some first."
GONE = "This conversation is no longer there."

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Share:
    """A link, known by its digest; `created` is in seconds since 1970."""

    digest: str
    conversation: str
    title: str
    created: float


def share(history: History, person: str, id: str) -> str:
    """Makes a link to the branch that is shown of a person's conversation; returns its token,
    which is kept nowhere. Raises `HistoryError`, and `OSError` for a full disk."""
    stored = history.load(person, id)
    if stored is None or stored.head is None:
        raise HistoryError(GONE)
    if len(listed(history, person)) >= MAX_SHARES:
        raise HistoryError(TOO_MANY)
    with snapshot(stored, history.blobs) as taken:
        blob, size = history.blobs.put(io.BytesIO(html(taken)))
    token = secrets.token_urlsafe(32)
    digest = _digest(token)
    with history.database.writing() as connection:
        connection.execute(
            insert(shares).values(
                digest=digest, conversation=id, head=stored.head, title=stored.entry.title,
                created=time.time(),
            )
        )  # fmt: skip
        connection.execute(
            insert(files).values(conversation=id, root=ROOT, path=digest, digest=blob, size=size)
        )
    return token


def listed(history: History, person: str) -> list[Share]:
    """A person's links, newest first. Raises `HistoryError`."""
    s, c = shares.c, conversations.c
    statement = (
        select(s.digest, s.conversation, s.title, s.created)
        .join(conversations, c.id == s.conversation)
        .where(c.person == person, c.deleted.is_(None))
        .order_by(s.created.desc())
    )
    with history.database.reading() as connection:
        return [Share(*row) for row in connection.execute(statement)]


def revoke(history: History, person: str, digest: str) -> bool:
    """Ends a person's link; whether there was one. Raises `HistoryError`."""
    own = select(conversations.c.id).where(conversations.c.person == person)
    with history.database.writing() as connection:
        gone = connection.execute(
            delete(shares).where(shares.c.digest == digest, shares.c.conversation.in_(own))
        )
        if gone.rowcount:
            connection.execute(delete(files).where(files.c.root == ROOT, files.c.path == digest))
        return bool(gone.rowcount)


def shared_page(history: History, token: str) -> Path | None:
    """Where the HTML of a link lies; None for a token that opens nothing. Raises
    `HistoryError`."""
    if not _TOKEN.fullmatch(token):
        return None
    digest = _digest(token)
    statement = (
        select(files.c.digest)
        .join(shares, (shares.c.digest == files.c.path) & (files.c.root == ROOT))
        .join(conversations, conversations.c.id == shares.c.conversation)
        .where(shares.c.digest == digest, conversations.c.deleted.is_(None))
    )
    with history.database.reading() as connection:
        blob = connection.scalar(statement)
    return None if blob is None else history.blobs.path(blob)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
