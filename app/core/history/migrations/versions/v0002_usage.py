"""Accounts, what people and addresses used on each day, and from where a conversation was begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("joined", sa.String(64)),
    )
    op.create_index("people_joined", "people", ["joined"])
    op.create_table(
        "usage",
        sa.Column("who", sa.String(64), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("messages", _NUMBER, nullable=False),
        sa.Column("read", _NUMBER, nullable=False),
        sa.Column("written", _NUMBER, nullable=False),
    )
    op.create_index("usage_days", "usage", ["day"])
    op.create_table(
        "origins",
        sa.Column(
            "conversation",
            sa.String(32),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("address", sa.String(64), nullable=False),
    )
    op.create_index("origins_address", "origins", ["address"])
