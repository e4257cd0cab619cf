"""A database of the version before has its conversations afterwards, and the new tables."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.core.history import database
from app.core.history.history import History


def test_a_database_without_usage_gets_it(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / database.FILE_NAME}")
    with engine.begin() as connection:
        config = Config()
        folder = Path(database.__file__).with_name("migrations")
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO conversations (id, person, mode, title, renamed, pinned, created, "
                "updated, version, choices, model) "
                "VALUES ('1', 'ann', 'chat', 'kept', 0, 0, 1, 1, 0, '{}', '')"
            )
        )
    engine.dispose()
    history = History.open(tmp_path)
    assert not history.problem
    assert [entry.title for entry in history.catalog.listed("ann")] == ["kept"]
    names = set(sa.inspect(history.database.engine).get_table_names())
    assert {"people", "usage", "origins"} <= names
    history.close()
