"""What other processes want of a running turn, and whether they draw it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    requests = sa.Column("requests", sa.Text, nullable=False, server_default="[]")
    op.add_column("running", requests)
    op.add_column("running", sa.Column("watched", sa.Integer, nullable=False, server_default="0"))
    op.create_index("running_in", "running", ["process"])
