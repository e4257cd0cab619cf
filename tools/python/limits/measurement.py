"""What processes use, read from Linux's /proc (proc(5)): all of a machine in a few milliseconds.

How much disk a folder takes is measured file by file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

ENTRY_BYTES = 4096  # bytes that a file or folder counts at least: its name and its inode take room
MAX_DEPTH = 100  # folders in folders
MAX_PATH_BYTES = 4096  # bytes, PATH_MAX of <linux/limits.h>
MIN_FREE_BYTES = 1 << 16  # bytes; where less is free, nothing is written any more


@dataclass(frozen=True)
class Process:
    """One process. `cpu` in seconds, with its ended children that were waited for; `resident`
    in bytes, shared pages included."""

    pid: int
    parent: int
    threads: int
    cpu: float
    resident: int


def all_processes() -> Mapping[int, Process]:
    """Every process of the machine by its id; none where there is no /proc."""
    found: dict[int, Process] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    process = _read(int(name))
                    found[process.pid] = process
    return found


def _read(pid: int) -> Process:
    with open(f"/proc/{pid}/stat", "rb") as file:
        text = file.read()
    # The second field is the program's name in brackets, and may hold anything.
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        threads=int(fields[17]),
        cpu=sum(map(int, fields[11:15])) / _TICKS,
        resident=int(fields[21]) * _PAGE,
    )


def tree(root: int, table: Mapping[int, Process]) -> list[Process]:
    """The process `root` and all its descendants."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        if pid in table:
            found.append(table[pid])
            ahead += children.get(pid, ())
    return found


def own_memory(pid: int) -> int:
    """Bytes that a process holds by itself: not a file's, and shared ones by its share alone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        return _kilobytes(file, (b"Pss_Anon:", b"Pss_Shmem:", b"Swap:"))
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        return _kilobytes(file, (b"RssAnon:", b"RssShmem:", b"VmSwap:"))
    return 0


def _kilobytes(lines: Iterable[bytes], names: tuple[bytes, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def deleted_files(pid: int, device: int) -> Iterator[tuple[int, int | None]]:
    """Inode and bytes on disk of the files of a device that a process holds though they have no
    name any more; None for the bytes of one that is mapped into its memory."""
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                status = os.stat(f"{folder}/{name}")
                ours = status.st_dev == device and stat.S_ISREG(status.st_mode)
                if ours and not status.st_nlink:
                    yield status.st_ino, status.st_blocks * 512
    where = f"{os.major(device):02x}:{os.minor(device):02x}".encode()
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" (deleted)\n") and line.split(None, 4)[3] == where:
                yield int(line.split(None, 5)[4]), None


class Unmeasurable(Exception):
    """The folder has parts that can't be looked into: closed ones, or `deep` ones."""

    def __init__(self, deep: bool) -> None:
        super().__init__("too deep" if deep else "closed")
        self.deep = deep


def folder_bytes(folder: int, enough: int) -> int:
    """Bytes that the open folder and all in it take on disk; stops counting beyond `enough`.

    No link is followed at the end of a path. Raises `Unmeasurable`.
    """
    # From the top down: of several causes the one nearest to it is told, in whatever order the
    # file system lists a folder.
    total, ahead = 0, deque([(".", 0)])
    linked: set[int] = set()  # files with several names, which take their room once
    while ahead and total <= enough:
        path, depth = ahead.popleft()
        if depth > MAX_DEPTH:
            raise Unmeasurable(deep=True)
        try:
            opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        except PermissionError as error:
            raise Unmeasurable(deep=False) from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Unmeasurable(deep=True) from error
            continue  # gone meanwhile
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    total += _taken(entry, linked)
                    if total > enough:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append((f"{path}/{entry.name}", depth + 1))
        except OSError:
            continue
        finally:
            os.close(opened)
    return total


def free_bytes(folder: int) -> int:
    """Bytes that the disk of the open folder still takes, in files and as names."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize + disk.f_favail * ENTRY_BYTES


def full(folder: int | str) -> bool:
    """Whether the file system of an open folder, or of a path, takes no more files, or nothing
    more into those that there are. Raises `OSError`."""
    disk = os.statvfs(folder)
    # Some file systems count no files, and have none free.
    return disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES or (
        disk.f_files > 0 and disk.f_favail == 0
    )


def _taken(entry: os.DirEntry[str], linked: set[int]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if status.st_ino in linked:
            return ENTRY_BYTES
        linked.add(status.st_ino)
    return max(ENTRY_BYTES, status.st_blocks * 512)
