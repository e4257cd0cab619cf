"""What one process keeps on the disk while it runs, so that nothing of it outlives the process.

A process that is killed deletes nothing. So the next one to start on the same data folder does:
it finds the folders of processes that have ended, and through them the folders that lie elsewhere.
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
"""Of the path of the temporary folder. Sockets lie in it, whose paths have 107 bytes at most
(unix(7)): 63 of them are Chromium's, `/chromium-………/.org.chromium.Chromium.……/SingletonSocket`."""

_NAME = re.compile(r"(\d+)-[0-9a-f]{16}")
_MADE = re.compile(PREFIX + r"[0-9a-f]{8}")


class ProcessFolder:
    """A new folder for this process below `root`; what ended processes left there is deleted.

    A process that runs holds a lock on a file in its folder, which the system lets go of however
    the process ends. Unlike a process number it can't be taken for another's: in a container all
    processes have the same few numbers, and two containers may share a volume. Where the file
    system has no locks, number and start time decide.
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
        """Where conversations keep their files."""
        return self.path / "sessions"

    def make(self, parent: Path | None = None) -> Path:
        """A new folder that ends with this process; in the system's folder for temporary files,
        or in `parent`. Raises `OSError`."""
        folder = (parent or self._system_temp).resolve() / f"{PREFIX}{secrets.token_hex(4)}"
        # Before the folder itself: there is no moment in which it is nobody's.
        self._link(folder).symlink_to(folder)
        folder.mkdir(mode=0o700)
        return folder

    def give_away(self, folder: Path) -> None:
        """Have a folder that `make` made outlive this process."""
        self._link(folder).unlink(missing_ok=True)

    def keep_temporary_files(self) -> None:
        """Have all temporary files of this process, its libraries and children lie in one folder,
        until `close`. Raises `OSError`."""
        if self._temp is None:
            self._temp = self.make(_short(str(self._system_temp), "/tmp", "/var/tmp"))
            self._before = os.environ.get("TMPDIR"), tempfile.tempdir
            os.environ["TMPDIR"] = tempfile.tempdir = str(self._temp)

    def close(self) -> None:
        """Delete the folder, and those elsewhere. May be called twice."""
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
    """The first of the folders for temporary files where paths stay short enough for sockets."""
    for parent in map(Path, parents):
        room = MAX_TEMP_BYTES - len(f"/{PREFIX}12345678")
        if len(bytes(parent.resolve())) <= room and os.access(parent, os.W_OK | os.X_OK):
            return parent
    return Path(parents[0])


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """No other process finds a folder that has no lock yet."""
    file = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _ended(folder: Path) -> bool:
    """Whether the process whose folder it is runs no more."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # of a version that had no locks
        return _number_is_anothers(folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return _number_is_anothers(folder)
    finally:
        os.close(file)
    return True


def _number_is_anothers(folder: Path) -> bool:
    """Whether no process has the number in the folder's name, or one that began after the folder
    was last changed."""
    try:
        number = int(folder.name.partition("-")[0])
        return psutil.Process(number).create_time() > folder.stat().st_mtime
    except (psutil.NoSuchProcess, OverflowError):
        return True
    except (psutil.Error, OSError):
        return False


def _delete(folder: Path) -> None:
    """Delete a process's folder and those elsewhere, and end what still runs in these."""
    elsewhere = folder / ELSEWHERE
    owned = [_target(link) for link in elsewhere.iterdir()] if elsewhere.is_dir() else []
    for target in filter(None, owned):
        _end_processes(target)
        delete_folder(target)
    delete_folder(folder)


def _target(link: Path) -> Path | None:
    """Where a link leads, if to a folder that `ProcessFolder.make` may have made."""
    with contextlib.suppress(OSError):
        target = Path(os.readlink(link))
        ours = target.is_absolute() and target.name == link.name and _MADE.fullmatch(link.name)
        if ours and not target.is_symlink():
            return target
    return None


def _end_processes(temp: Path) -> None:
    """Kill the processes whose temporary folder lies there: children of one that was killed."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid():
                place = process.environ().get("TMPDIR", "")
                if place and Path(place).is_relative_to(temp):
                    process.kill()
