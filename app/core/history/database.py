"""The history's database: opened, migrated, and set aside where it is damaged.

Without a setting it is SQLite, one file with a write-ahead log; `GLM_DATABASE` names a PostgreSQL
that several servers share, reached by pg8000 (BSD; psycopg would be LGPL). Where neither can be
used, conversations are kept in memory, and `Database.problem` says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from app.core.history import search_index
from app.core.history.schema import metadata
from tools.safe_files import free_name

log = logging.getLogger(__name__)

VERSION = "0004"
"""The newest migration, which this code is written for; a test compares it with the files."""

FILE_NAME = "history.db"
CHECK_NAME = "history.check"
"""A file beside the database that says that it was found damaged while it was in use."""
MAGIC = b"SQLite format 3\0"
"""How a database begins (SQLite's manual, "Database File Format", 1.3.1)."""
BUSY_TIMEOUT_S = 5.0
"""How long a writer waits for another one of the same SQLite file."""
LOCK_NUMBER = 0x474C4D
"""The PostgreSQL advisory lock under which one process at a time migrates."""

IN_MEMORY = "Conversations are kept in memory only, and lost when the server stops"


class HistoryError(Exception):
    """The history can't be read or written; the message is one sentence for the user."""


@dataclass(frozen=True)
class Database:
    """An open database. `lasting` says whether it survives the process; `problem` is a sentence
    for the page, empty where all is well; `folder` is where blobs lie, None in memory."""

    engine: Engine
    lasting: bool
    problem: str = ""
    folder: Path | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading. Raises `HistoryError`."""
        with self._translated(), self.engine.connect() as connection:
            yield connection.execution_options(reading=True)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end. Raises `HistoryError`."""
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            log.warning("the history's database failed", exc_info=True)
            if self.folder is not None and is_damaged(error):
                with contextlib.suppress(OSError):
                    (self.folder / CHECK_NAME).touch()
            raise HistoryError(sentence(error)) from error

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_database(folder: Path, url: str = "") -> Database:
    """The database at `url`, else the file in `folder`, with the newest schema.

    Never raises: where it can't be used, the result is one in memory, with a `problem`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if url:
            return _migrated(_postgres(url), folder)
        return _sqlite(folder)
    except (SQLAlchemyError, sqlite3.Error, OSError, HistoryError, ImportError) as error:
        log.warning("the history can't be used", exc_info=True)
        return memory(f"{sentence(error)} {IN_MEMORY}.")


def memory(problem: str = "") -> Database:
    """A database in memory, which is gone with the process."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", lambda connection, _record: search_index.prepare(connection))
    with engine.begin() as connection:
        metadata.create_all(connection)
        search_index.create(connection)
    return Database(engine, lasting=False, problem=problem)


def _sqlite(folder: Path) -> Database:
    """Raises what the database raises."""
    path = folder / FILE_NAME
    with _one_at_a_time(folder):
        problem = ""
        if path.exists() and _is_broken(path, thorough=(folder / CHECK_NAME).exists()):
            aside = _put_aside(path)
            problem = (
                f"The history's file was damaged and put aside as {aside}: earlier "
                "conversations are missing here. New ones are kept."
            )
        (folder / CHECK_NAME).unlink(missing_ok=True)
        engine = create_engine(
            f"sqlite:///{path}",
            connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        opened = _migrated(engine, folder)
        return Database(opened.engine, True, problem, folder)


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    search_index.prepare(connection)


def _begin(connection: Connection) -> None:
    """A writer takes its lock at once: one that reads first and then finds another writer would
    fail rather than wait."""
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: str) -> Engine:
    # Imported late: most servers have SQLite.
    from app.core.history import postgres

    try:
        return postgres.open_engine(url)
    except postgres.BadUrl as error:
        raise HistoryError(str(error)) from None
    except ImportError:
        raise HistoryError("PostgreSQL needs its driver: pip install pg8000.") from None


def _migrated(engine: Engine, folder: Path) -> Database:
    """Raises `HistoryError` for a database of a newer version, else what the database raises."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})"))
        if (found := _version(connection)) != VERSION:
            if found is not None and found > VERSION:
                raise HistoryError("The history was written by a newer version of this app.")
            if found is None and not inspect(connection).get_table_names():
                _create(connection)
            else:
                _upgrade(connection)
        search_index.create(connection)
    return Database(engine, lasting=True, folder=folder)


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _create(connection: Connection) -> None:
    """The newest schema in an empty database, as all migrations make it."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": VERSION})


def _upgrade(connection: Connection) -> None:
    # Imported late: a database that is new or up to date needs none of it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_broken(path: Path, thorough: bool) -> bool:
    """Whether the file is no database, or one with damaged pages. All pages are looked at only
    when a fault was met before, for that takes as long as reading the file."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) not in (b"", MAGIC):
            return True  # SQLite takes a short file for an empty one, and writes over it
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            if thorough:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
        return True
    return False


def is_damaged(error: BaseException) -> bool:
    """Whether the error means that the file is damaged, or no database at all."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _put_aside(path: Path) -> str:
    name = free_name(path.parent, f"history.damaged-{time.strftime('%Y%m%d-%H%M%S')}.db")
    for ending in ("-wal", "-shm", ""):  # the file itself last: until then it is found again
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", path.with_name(f"{name}{ending}"))
    return name


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Locks `folder`: two processes must not migrate one file, nor put it aside."""
    file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


_REASONS = {
    sqlite3.SQLITE_FULL: "The disk of this server is full.",
    sqlite3.SQLITE_IOERR: "The disk of this server can't be written.",
    sqlite3.SQLITE_BUSY: "The history is locked by another program.",
    sqlite3.SQLITE_LOCKED: "The history is locked by another program.",
    sqlite3.SQLITE_READONLY: "The history can't be written: its folder is read-only.",
    sqlite3.SQLITE_CANTOPEN: "The history can't be written: its folder is read-only.",
    sqlite3.SQLITE_PERM: "The history can't be written: its folder is read-only.",
    sqlite3.SQLITE_CORRUPT: "The history's file is damaged.",
    sqlite3.SQLITE_NOTADB: "The history's file is damaged.",
}


def sentence(error: BaseException) -> str:
    """Why the history can't be used, in one sentence without paths."""
    if isinstance(error, HistoryError):
        return str(error)
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and (known := _REASONS.get(code & 0xFF)):
        return known
    from app.core.history import postgres

    if cause is not None and (known := postgres.reason(cause)):
        return known
    if isinstance(error, OSError):
        return f"The history's folder can't be used: {error.strerror or 'no reason given'}."
    return "The history's database can't be reached."
