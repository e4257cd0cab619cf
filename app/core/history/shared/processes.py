"""The processes that share a history, and which of them are alive.

A process holds a lock on a file beside the database, which ends with it however it ends: whoever
shares the machine sees that at once. Whoever doesn't goes by the time at which the process was
last seen, by the database's clock where that is a server: clocks of two machines may differ.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
import time
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select, update

from app.core.history.database import Database, HistoryError
from app.core.history.schema import processes

ALIVE_S = 10.0
"""After which a process on another machine that has not been seen is held to be dead."""
BEAT_S = 1.0
"""Between two beats of this process, at least."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Processes:
    """This process and the others. Every method but `close` raises `HistoryError`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.id = secrets.token_hex(16)
        self._database = database
        self._folder = folder / "processes"
        self._lock = threading.Lock()
        self._seen = 0.0
        self._file = self._locked() if database.lasting else -1

    @property
    def must_beat(self) -> bool:
        """Whether others can't know by the lock alone that this process is alive."""
        return self._database.lasting and (self._file < 0 or not self._database.is_sqlite)

    def beat(self, now: float | None = None) -> None:
        """Says that this process is alive; cheap when it did within `BEAT_S`."""
        with self._lock:
            here = time.time() if now is None else now
            if abs(here - self._seen) < BEAT_S:
                return
            self._seen = here
        with self._database.writing() as connection:
            seen = self._now(connection) if now is None else now
            own = processes.c.id == self.id
            if not connection.execute(update(processes).where(own).values(seen=seen)).rowcount:
                connection.execute(insert(processes).values(id=self.id, seen=seen))

    def alive(self, connection: Connection, id: str) -> bool:
        """Whether the process with that id lives."""
        if id == self.id:
            return True
        if (locked := self._is_locked(id)) is not None:
            return locked
        seen = connection.scalar(select(processes.c.seen).where(processes.c.id == id))
        return seen is not None and seen > self._now(connection) - ALIVE_S

    def forget(self, connection: Connection) -> None:
        """Removes what ended processes left."""
        before = self._now(connection) - 100 * ALIVE_S
        connection.execute(delete(processes).where(processes.c.seen < before))
        for path in self._folder.glob("*"):
            if path.name != self.id and self._is_locked(path.name) is False:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Says that this process has ended."""
        with contextlib.suppress(HistoryError), self._database.writing() as connection:
            connection.execute(delete(processes).where(processes.c.id == self.id))
        if self._file >= 0:
            (self._folder / self.id).unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _now(self, connection: Connection) -> float:
        if self._database.is_sqlite:
            return time.time()
        clock = select(func.extract("epoch", func.clock_timestamp()))
        return float(connection.scalar(clock) or 0.0)

    def _locked(self) -> int:
        """The descriptor of this process's file with a lock on it; -1 where locks don't work."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            part = self._folder / f".{self.id}"
            file = os.open(part, flags, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(file, _boot_id())
            os.replace(part, self._folder / self.id)  # seen by others once it is locked
        except OSError:
            return -1
        return file

    def _is_locked(self, id: str) -> bool | None:
        """Whether a process of this machine holds its lock; None where that is not known."""
        try:
            file = os.open(self._folder / id, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if not _boot_id() or os.read(file, 100) != _boot_id():
                return None  # of another machine, whose locks may not be seen here
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(file)
        return False


def _boot_id() -> bytes:
    """What names this machine until it is started anew; empty where nothing does."""
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:
        return b""
