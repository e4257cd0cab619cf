"""The migrations lead to the tables that the code is written for."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from app.core.history import database, migrations
from app.core.history.database import IN_MEMORY
from app.core.history.schema import metadata
from tests.unit.core.history.conftest import Open


def ours(object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """The search index is made by `search_index`: FTS5's own tables, and PostgreSQL's trigrams."""
    return not str(name).startswith(
        ("message_trigrams", "message_pairs", "messages_trigrams", "alembic_version")
    )


def test_the_version_is_that_of_the_newest_file() -> None:
    folder = Path(migrations.__file__).with_name("versions")
    numbers = [path.name[1:5] for path in sorted(folder.glob("v*.py"))]
    assert numbers == [f"{at:04}" for at in range(1, len(numbers) + 1)]
    assert numbers[-1] == database.VERSION


def test_migrated_tables_are_those_of_the_schema(opened: Open) -> None:
    with opened().database.writing() as connection:  # a new database gets its tables at once
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))
    with opened().database.reading() as connection:
        options = {"compare_type": True, "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_a_database_is_migrated_once(opened: Open) -> None:
    for _ in range(2):
        with opened().database.reading() as connection:
            found = (
                connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
            )
        assert found == [database.VERSION]


def test_a_newer_version_is_left_alone(opened: Open) -> None:
    with opened().database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    history = opened()
    assert history.problem == (
        f"The history was written by a newer version of this app. {IN_MEMORY}."
    )
    assert not history.database.lasting
    with history.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversations")).scalar() == 0
