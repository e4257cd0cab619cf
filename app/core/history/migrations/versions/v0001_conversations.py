"""Conversations, their messages, files and shares, and the search over their texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _conversation(primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    return sa.Column("conversation", sa.String(32), key, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("renamed", sa.Boolean, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("head", sa.String(32)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("choices", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("deleted", sa.Float),
    )
    op.create_index(
        "conversations_listed", "conversations", ["person", "deleted", "pinned", "updated"]
    )
    op.create_table(
        "messages",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        _conversation(),
        sa.Column("parent", sa.String(32)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("citations", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_index("messages_of", "messages", ["conversation", "number"])
    op.create_table(
        "running",
        _conversation(primary_key=True),
        sa.Column("parent", sa.String(32)),
        sa.Column("process", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_table(
        "files",
        _conversation(primary_key=True),
        sa.Column("root", sa.String(16), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
    )
    op.create_index("files_digest", "files", ["digest"])
    op.create_table(
        "shares",
        sa.Column("digest", sa.String(64), primary_key=True),
        _conversation(),
        sa.Column("head", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_index("shares_of", "shares", ["conversation"])
