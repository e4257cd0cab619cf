"""The files of one process, deleted when it ends or by the next process.

A killed process deletes nothing. So the next process with the same data folder deletes its files:
it finds the folders of ended processes, and in them links to their folders in other places.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tools.safe_files import delete_folder

LOCK = ".lock"
ELSEWHERE = "elsewhere"
PREFIX = "glm-"
MAX_TEMP_BYTES = 44
"""The length of the temporary folder's path. It has sockets, whose paths have 107 bytes at
most (unix(7)); 63 are Chromium's, `/chromium-………/.org.chromium.Chromium.……/SingletonSocket`."""

_NAME = re.compile(r"(\d+)-[0-9a-f]{16}")
_MADE = re.compile(PREFIX + r"[0-9a-f]{8}")


class ProcessFolder:
    """A new folder for this process below `root`. Deletes the folders of ended processes there.

    A running process holds a lock on a file in its folder, which the system releases however the
    process ends. Process ids alone are ambiguous: all containers use the same few ids, and two
    containers may share a volume. Only on a file system without locks id and start time decide.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = root / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._temp: Path | None = None
        self._system_temp = Path(tempfile.gettempdir())
        with _one_at_a_time(root):
            ended = [old for old in root.iterdir() if _NAME.fullmatch(old.name) and _ended(old)]
            (self.path / ELSEWHERE).mkdir(mode=0o700, parents=True)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with contextlib.suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for old in ended:
            _delete(old)

    @property
    def sessions(self) -> Path:
        """The parent folder of the conversations' files."""
        return self.path / "sessions"

    def make(self, parent: Path | None = None) -> Path:
        """A new folder that is deleted with this process; in `parent`, by default the system's
        folder for temporary files. Raises `OSError`."""
        folder = (parent or self._system_temp).resolve() / f"{PREFIX}{secrets.token_hex(4)}"
        # Before the folder itself, so that a kill leaves no folder without a link.
        self._link(folder).symlink_to(folder)
        folder.mkdir(mode=0o700)
        return folder

    def give_away(self, folder: Path) -> None:
        """Keeps `folder`, which `make` made, after the end of this process."""
        self._link(folder).unlink(missing_ok=True)

    def keep_temporary_files(self) -> None:
        """Puts the temporary files of this process, its libraries and its children into one
        folder, until `close`. Raises `OSError`."""
        if self._temp is None:
            self._temp = self.make(_short(str(self._system_temp), "/tmp", "/var/tmp"))
            self._before = os.environ.get("TMPDIR"), tempfile.tempdir
            os.environ["TMPDIR"] = tempfile.tempdir = str(self._temp)

    def close(self) -> None:
        """Deletes the folder, and the folders that `make` made. May be called twice."""
        if self._temp is not None and tempfile.tempdir == str(self._temp):
            variable, tempfile.tempdir = self._before
            os.environ.pop("TMPDIR")
            if variable is not None:
                os.environ["TMPDIR"] = variable
        self._temp = None
        _delete(self.path)
        with contextlib.suppress(OSError):
            os.close(self._lock)
            self._lock = -1

    def _link(self, folder: Path) -> Path:
        return self.path / ELSEWHERE / folder.name


def _short(*parents: str) -> Path:
    """The first writable one of `parents` with paths that are short enough for sockets."""
    for parent in map(Path, parents):
        room = MAX_TEMP_BYTES - len(f"/{PREFIX}12345678")
        if len(bytes(parent.resolve())) <= room and os.access(parent, os.W_OK | os.X_OK):
            return parent
    return Path(parents[0])


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Locks `root`, so that no process finds another's folder before it is locked."""
    file = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _ended(folder: Path) -> bool:
    """Whether the folder's process has ended."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # made by a version without locks
        return _id_is_reused(folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return _id_is_reused(folder)
    finally:
        os.close(file)
    return True


def _id_is_reused(folder: Path) -> bool:
    """Whether the process id in the folder's name is unused, or belongs to a process that started
    after the folder was last changed."""
    try:
        process_id = int(folder.name.partition("-")[0])
        return psutil.Process(process_id).create_time() > folder.stat().st_mtime
    except (psutil.NoSuchProcess, OverflowError):
        return True
    except (psutil.Error, OSError):
        return False


def _delete(folder: Path) -> None:
    """Deletes the folder of a process and its folders elsewhere; kills processes that use these."""
    elsewhere = folder / ELSEWHERE
    owned = [_target(link) for link in elsewhere.iterdir()] if elsewhere.is_dir() else []
    for target in filter(None, owned):
        _end_processes(target)
        delete_folder(target)
    delete_folder(folder)


def _target(link: Path) -> Path | None:
    """The target of a link, None if `ProcessFolder.make` can't have made it."""
    with contextlib.suppress(OSError):
        target = Path(os.readlink(link))
        ours = target.is_absolute() and target.name == link.name and _MADE.fullmatch(link.name)
        if ours and not target.is_symlink():
            return target
    return None


def _end_processes(temp: Path) -> None:
    """Kills the processes whose TMPDIR is in `temp`: children of a killed process."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid():
                temp_folder = process.environ().get("TMPDIR", "")
                if temp_folder and Path(temp_folder).is_relative_to(temp):
                    process.kill()
