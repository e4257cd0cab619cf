"""Resource use of processes, from Linux's /proc (proc(5)), and disk use of folders, file by file.

Reading all processes of a machine takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

ENTRY_BYTES = 4096  # counted for a file or folder at least, for its name and inode
MAX_DEPTH = 100  # of nested folders
MAX_PATH_BYTES = 4096  # PATH_MAX of <linux/limits.h>
MIN_FREE_BYTES = 1 << 16  # with less free space a file system counts as full


@dataclass(frozen=True)
class Process:
    """One process. `cpu`: seconds, including ended children that it waited for; `resident`:
    bytes, including shared pages."""

    pid: int
    parent: int
    threads: int
    cpu: float
    resident: int


def all_processes() -> Mapping[int, Process]:
    """All processes of the machine by their ids; none on a system without /proc."""
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
        cpu=sum(map(int, fields[11:15])) / _TICKS_PER_S,
        resident=int(fields[21]) * _PAGE_BYTES,
    )


def tree(root: int, table: Mapping[int, Process]) -> list[Process]:
    """The process `root` and all its descendants."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found, pending = [], [root]
    while pending:
        pid = pending.pop()
        if pid in table:
            found.append(table[pid])
            pending += children.get(pid, ())
    return found


def own_memory(pid: int) -> int:
    """Bytes of a process's memory without mapped files; of shared memory its share (PSS) only."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        return _kilobytes(file, (b"Pss_Anon:", b"Pss_Shmem:", b"Swap:"))
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        return _kilobytes(file, (b"RssAnon:", b"RssShmem:", b"VmSwap:"))
    return 0


def _kilobytes(lines: Iterable[bytes], names: tuple[bytes, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def deleted_files(pid: int, device: int) -> Iterator[tuple[int, int | None]]:
    """Inode and bytes on disk of each deleted file of `device` that the process has open. Bytes are
    None for a file that is mapped into its memory."""
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                status = os.stat(f"{folder}/{name}")
                ours = status.st_dev == device and stat.S_ISREG(status.st_mode)
                if ours and not status.st_nlink:
                    yield status.st_ino, status.st_blocks * 512
    device_number = f"{os.major(device):02x}:{os.minor(device):02x}".encode()
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" (deleted)\n") and line.split(None, 4)[3] == device_number:
                yield int(line.split(None, 5)[4]), None


class Unmeasurable(Exception):
    """A part of the folder can't be read: nested too deep (`deep`), or permission denied."""

    def __init__(self, deep: bool) -> None:
        super().__init__("too deep" if deep else "closed")
        self.deep = deep


def folder_bytes(folder: int, max_bytes: int) -> int:
    """Bytes on disk of the open folder and all its contents; counting stops beyond `max_bytes`.

    Symbolic links are not followed. Raises `Unmeasurable`.
    """
    # Top-down, so that of several unmeasurable parts the uppermost one is reported, in whatever
    # order the file system lists a folder.
    total, pending = 0, deque([(".", 0)])
    linked: set[int] = set()  # inodes of files with several names, counted once
    while pending and total <= max_bytes:
        path, depth = pending.popleft()
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
                    total += _entry_bytes(entry, linked)
                    if total > max_bytes:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((f"{path}/{entry.name}", depth + 1))
        except OSError:
            continue
        finally:
            os.close(opened)
    return total


def free_bytes(folder: int) -> int:
    """Free bytes on the disk of the open folder; a free inode counts as `ENTRY_BYTES`."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize + disk.f_favail * ENTRY_BYTES


def full(folder: int | str) -> bool:
    """Whether the file system of an open folder, or of a path, has no space or no inodes left.
    Raises `OSError`."""
    disk = os.statvfs(folder)
    # File systems without a fixed number of inodes report 0 for both.
    return disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES or (
        disk.f_files > 0 and disk.f_favail == 0
    )


def _entry_bytes(entry: os.DirEntry[str], linked: set[int]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if status.st_ino in linked:
            return ENTRY_BYTES
        linked.add(status.st_ino)
    return max(ENTRY_BYTES, status.st_blocks * 512)
