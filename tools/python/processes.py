"""What processes use, read from Linux's /proc (proc(5)): all of a machine in a few milliseconds."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


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
