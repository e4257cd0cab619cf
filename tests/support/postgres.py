"""A real PostgreSQL for tests: a server of its own on a socket in a temporary folder.

with start_postgres() as server:
    url = server.new_database()
    ...
    server.restart()

It runs as an ordinary user, for PostgreSQL refuses to be started by root.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pg8000.native
import pytest

USERS = ("postgres", "nobody")
"""Whom the server runs as where root starts it: the first one that the machine has."""
OWNER = "glm"
OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=200 -c unix_socket_directories={}"
"""Reached by its socket alone; tests survive no power cut, so nothing waits for the disk."""


@cache
def installed() -> Path | None:
    """The folder of PostgreSQL's programs, None where there are none."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@dataclass(frozen=True)
class Postgres:
    """A running server. `folder` has its socket and its data."""

    folder: Path
    programs: Path
    user: str | None

    def new_database(self) -> str:
        """The URL of a new, empty database, as `GLM_DATABASE` has it."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return f"postgresql://{OWNER}@/{name}?host={quote(str(self.folder))}"

    def run(self, statement: str, database: str = "postgres") -> list[list[object]]:
        """Runs a statement as the server's owner; returns the rows."""
        connection = pg8000.native.Connection(
            OWNER, unix_sock=f"{self.folder}/.s.PGSQL.5432", database=database
        )
        try:
            return [list(row) for row in connection.run(statement) or ()]
        finally:
            connection.close()

    def start(self) -> None:
        options = OPTIONS.format(self.folder)
        self._run(
            "pg_ctl", "-w", "-D", self._data, "-l", f"{self.folder}/log", "-o", options, "start"
        )

    def stop(self) -> None:
        """Ends the server at once, whatever its clients do."""
        self._run("pg_ctl", "-w", "-D", self._data, "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def create(self) -> None:
        """Makes the server's files; whoever reaches the socket is trusted."""
        self._run(
            "initdb",
            "-D",
            self._data,
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )

    @property
    def _data(self) -> str:
        return f"{self.folder}/data"

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = (str(self.programs / program), *arguments)
        done = subprocess.run(
            command,
            cwd=self.folder,
            user=self.user,
            group=_group(self.user),
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode('utf-8', 'replace')}")


@contextlib.contextmanager
def start_postgres() -> Iterator[Postgres]:
    """A server until the block ends. Raises `RuntimeError` where PostgreSQL is not installed."""
    programs = installed()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed")
    user = _ordinary_user() if os.geteuid() == 0 else None
    # A path of a socket has 107 bytes at most: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="glm-pg-", dir="/tmp") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user, _group(user))
        folder.chmod(0o755)
        server = Postgres(folder, programs, user)
        server.create()
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):
                server.stop()


def skip_without_postgres() -> None:
    """Skips the test, with a word, where PostgreSQL is not installed."""
    if installed() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")


def _ordinary_user() -> str:
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in USERS if name in known)


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid
