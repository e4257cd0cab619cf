"""The tables of the history.

Times are seconds since 1970 (`time.time`). Ids are random hexadecimal numbers. A person is the
digest of a visitor's id or of an account, never the id itself: who reads the database can't take
a visitor's place.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

_Number = BigInteger().with_variant(Integer, "sqlite")

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("renamed", Boolean, nullable=False, default=False),
    Column("pinned", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("head", String(32)),
    Column("version", Integer, nullable=False, default=0),
    Column("choices", Text, nullable=False, default="{}"),
    Column("model", Text, nullable=False, default=""),
    Column("deleted", Float),
    Index("conversations_listed", "person", "deleted", "pinned", "updated"),
)
"""`head` is the last message of the branch that is shown; `version` grows with each change;
`choices` are settings and switched-off tools as JSON; `deleted` is when it was deleted, while it
can still be undone."""

messages = Table(
    "messages",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("parent", String(32)),
    Column("role", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("citations", Text, nullable=False, default="[]"),
    Column("text", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Index("messages_of", "conversation", "number"),
)
"""The tree of each conversation: `parent` is the message before, None for a first one. `body` is
the message as JSON (`message_json`), `citations` the passages it quotes as they were read, `text`
what a search finds."""

running = Table(
    "running",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("parent", String(32)),
    Column("process", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("updated", Float, nullable=False),
    Column("requests", Text, nullable=False, default="[]"),
    Column("watched", Integer, nullable=False, default=0),
    Index("running_in", "process"),
)
"""The answer that is being written, after the message `parent`, by a process; `requests` are what
other processes want of it as JSON, and `watched` grows while one of them draws it."""

processes = Table(
    "processes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seen", Float, nullable=False),
)
"""The app's processes, and when each was last alive."""

files = Table(
    "files",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("root", String(16), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size", _Number, nullable=False),
    Index("files_digest", "digest"),
)
"""The files of each conversation as they are now: `root` is the folder ("workspace" or
"pictures"), `path` the path in it, `digest` the blob with the content."""

shares = Table(
    "shares",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("head", String(32), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Index("shares_of", "conversation"),
)
"""Read-only snapshots of a branch, by the SHA-256 of the link's token; a revoked one is deleted."""

people = Table(
    "people",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("name", Text, nullable=False, default=""),
    Column("seen", Float, nullable=False),
    Column("joined", String(64)),
    Index("people_joined", "joined"),
)
"""Accounts, with the names under which admins see them; and the browsers whose conversations went
to an account, which is `joined`."""

usage = Table(
    "usage",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),
    Column("messages", _Number, nullable=False, default=0),
    Column("read", _Number, nullable=False, default=0),
    Column("written", _Number, nullable=False, default=0),
    Index("usage_days", "day"),
)
"""Messages sent, and tokens read and written by models, on each day (since 1970, UTC). `who` is a
person or the digest of an address, as `kind` says: "person" or "address"."""

origins = Table(
    "origins",
    metadata,
    Column("conversation", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(64), nullable=False),
    Index("origins_address", "address"),
)
"""From which address, by its digest, a conversation was begun."""

saved = Table(
    "saved",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated", Float, nullable=False),
)
"""What a person keeps under a name, as JSON; `kind` is "preset" or "prompt"."""
