"""Measures the resources that each kernel's code uses, and enforces the limits of a session.

The operating system limits each process (`boot.py`). This module measures what all processes of a
session use together, and the size of its folders. One thread measures all kernels: every
`POLL_INTERVAL_S` while a call runs, every `IDLE_POLL_INTERVAL_S` between calls, because a call may
leave processes running.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.python.limits import PythonLimits, stopped_message
from tools.python.limits.causes import DISK
from tools.safe_files import ENTRY_BYTES, Unmeasurable, folder_bytes

log = logging.getLogger(__name__)

POLL_INTERVAL_S, IDLE_POLL_INTERVAL_S = 0.15, 2.0  # during a call, and between calls
CALL_GRACE_S = 0.5  # a call counts as running until `exceeded` was not asked for so long
MAX_WALK_SHARE = 0.2  # share of the time spent on measuring the folders of one kernel, at most
MAX_WALK_PAUSE_S = 2.0  # between two measurements of the folders, at most
IDLE_CPU_SHARE = 0.2  # share of one core that an idle kernel itself may use, not charged to calls
FOLDER_CLOSED = (
    "The code was stopped: it closed a folder, and how much lies there can't be measured any more."
)
SANDBOX_PROCESSES = 2  # processes of bubblewrap above a kernel; they don't count as the session's
MIN_FREE_BYTES = 1 << 16  # with less free space a file system counts as full
MB = 1 << 20


class ResourceMonitor:
    """Measures one kernel's processes and folders, and ends the code at a limit.

    Arguments:
        root: id of the process that all processes of the kernel descend from.
        limits: the limits of the session.
        on_disk: folders in which the kernel's files lie.
        kill: ends the kernel. The monitor's thread calls it at a limit that must hold at once.
        in_memory: paths, inside the sandbox, of file systems that are held in memory.
        refused_at: number of processes and threads below `root` at which the system refuses
            another one; None where it sets no such limit.
    """

    def __init__(
        self,
        root: int,
        limits: PythonLimits,
        on_disk: Iterable[Path],
        kill: Callable[[], None],
        in_memory: Iterable[str] = (),
        refused_at: int | None = None,
    ) -> None:
        self._refused_at = refused_at
        self._hit_process_limit = False
        self._root, self._limits, self._kill = root, limits, kill
        self._in_memory = tuple(in_memory)
        # Open folders: they stay the same ones after a rename.
        self._folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in on_disk]
        self._lock = threading.Lock()
        self._message: str | None = None
        self._asked_at = 0.0
        self._last_cpu: float | None = None  # CPU seconds of all processes at the last measurement
        self._call_cpu = 0.0  # CPU seconds of the call, including processes that it left running
        self._measured_at = 0.0
        self._max_file_bytes = limits.workspace_mb * MB
        self._deleted_bytes = 0  # bytes of files that were deleted while a process has them open
        self._free_when_unmeasurable: int | None = None  # bytes, see `begin`
        self._next_walk_at = 0.0
        _watcher.add(self)

    def begin(self) -> None:
        """Mark the beginning of a call, from which its use of resources is counted."""
        with self._lock:
            self._message, self._asked_at, self._hit_process_limit = None, time.monotonic(), False
            self._last_cpu, self._call_cpu = None, 0.0
            self._next_walk_at = 0.0
            # Files beyond the limit from earlier calls are not charged to this one, which may be
            # there to delete them. Where folders can't be measured, the free space of the disk
            # is compared instead.
            try:
                self._max_file_bytes = max(
                    self._limits.workspace_mb * MB, self._folder_bytes(1 << 62)
                )
                self._free_when_unmeasurable = None
            except Unmeasurable:
                if self._free_when_unmeasurable is None:
                    self._free_when_unmeasurable = _free_bytes(self._folders[0])
        _watcher.wake()

    def exceeded(self) -> str | None:
        """See `KernelProcess.exceeded`."""
        self._asked_at = time.monotonic()
        return self._message

    def hit_process_limit(self) -> bool:
        """Whether the system refused processes or threads during this call (as far as the
        measurements show), or would refuse another one now."""
        if self._refused_at is not None and not self._hit_process_limit:
            self._count(_tree(self._root, _all_processes()))
        return self._hit_process_limit

    def full(self) -> Collection[str]:
        """The full file systems that the code can write to: `DISK`, or their paths."""
        found: list[str] = []
        with self._lock, contextlib.suppress(OSError):
            if self._folders and _full(self._folders[0]):
                found.append(DISK)
        if self._in_memory:
            processes = _tree(self._root, _all_processes())
            for path in self._in_memory:
                for process in processes:
                    with contextlib.suppress(OSError):
                        if _full(f"/proc/{process.pid}/root{path}"):
                            found.append(path)
                        break
        return found

    @property
    def busy(self) -> bool:
        """Whether a call runs."""
        return time.monotonic() - self._asked_at < CALL_GRACE_S

    def stop(self, limit: str, wait: bool = False) -> None:
        """Stop the code at `limit`. With `wait` a running call is interrupted, not killed."""
        self.stop_with(stopped_message(limit), wait)

    def stop_with(self, message: str, wait: bool = False) -> None:
        """Stop the code, with this message to the model instead of a limit's."""
        self._message = self._message or message
        if not (wait and self.busy):
            self._kill()

    def end(self) -> None:
        """Stop measuring a kernel that has ended. May be called twice."""
        _watcher.drop(self)
        with self._lock:
            while self._folders:
                os.close(self._folders.pop())

    def measure(self, table: Mapping[int, Process]) -> None:
        """Measure the kernel once. `table`: all processes of the machine by their ids."""
        processes, limits = _tree(self._root, table), self._limits
        busy, spent = self.busy, self._spent(processes)
        if self._count(processes) > limits.processes + SANDBOX_PROCESSES:
            self.stop(limits.threads)
        elif self._too_much_memory(processes):
            self.stop(limits.memory)
        elif self._call_cpu > limits.cpu_seconds:
            self._call_cpu = 0.0  # reported once; processes that go on are charged anew
            self.stop(limits.cpu, wait=True)
        elif (busy or spent) and (sentence := self._too_many_files(processes)):
            # Deleted files leave the disk only with the process that has them open.
            self.stop_with(sentence, wait=not self._deleted_bytes)

    def _count(self, processes: list[Process]) -> int:
        count = sum(process.threads for process in processes)
        self._hit_process_limit |= self._refused_at is not None and count >= self._refused_at
        return count

    def _spent(self, processes: list[Process]) -> float:
        """CPU seconds since the last measurement. An idle kernel's own use is not charged."""
        used, now = sum(process.cpu for process in processes), time.monotonic()
        spent = 0.0 if self._last_cpu is None else max(0.0, used - self._last_cpu)
        if self.busy or spent > IDLE_CPU_SHARE * (now - self._measured_at):
            self._call_cpu += spent
        self._last_cpu, self._measured_at = used, now
        return spent

    def _too_much_memory(self, processes: list[Process]) -> bool:
        most = self._limits.memory_mb * MB
        files = ENTRY_BYTES * sum(_files_in_memory(processes, path) for path in self._in_memory)
        if files + sum(process.resident for process in processes) <= most:
            return False
        return files + sum(_own_memory(process.pid) for process in processes) > most

    def _too_many_files(self, processes: list[Process]) -> str | None:
        """The message where files exceed the limit or can't be measured, else None."""
        begun = time.monotonic()
        with self._lock:
            if begun < self._next_walk_at or not self._folders:
                return None
            sentence = None
            try:
                if self._file_bytes(processes) > self._max_file_bytes:
                    sentence = stopped_message(self._limits.workspace)
            except Unmeasurable as error:
                sentence = stopped_message(self._limits.depth) if error.deep else FOLDER_CLOSED
            ended = time.monotonic()
            self._next_walk_at = ended + min((ended - begun) / MAX_WALK_SHARE, MAX_WALK_PAUSE_S)
            return sentence

    def _file_bytes(self, processes: list[Process]) -> int:
        if self._free_when_unmeasurable is not None:
            return self._free_when_unmeasurable - _free_bytes(self._folders[0])
        self._measure_deleted(processes)
        return self._folder_bytes(self._max_file_bytes) + self._deleted_bytes

    def _folder_bytes(self, max_bytes: int) -> int:
        return sum(folder_bytes(folder, max_bytes) for folder in self._folders)

    def _measure_deleted(self, processes: list[Process]) -> None:
        sizes: dict[int, int] = {}
        device = os.fstat(self._folders[0]).st_dev
        for process in processes:
            for inode, size in _deleted_files(process.pid, device):
                sizes.setdefault(inode, self._limits.file_mb * MB if size is None else size)
        self._deleted_bytes = sum(sizes.values())


def _files_in_memory(processes: list[Process], path: str) -> int:
    for process in processes:
        with contextlib.suppress(OSError):
            status = os.statvfs(f"/proc/{process.pid}/root{path}")
            return status.f_files - status.f_ffree
    return 0


class _Watcher:
    """Measures all kernels in turn, in one thread."""

    def __init__(self) -> None:
        self._monitors: set[ResourceMonitor] = set()
        self._changed = threading.Condition()
        self._awake = self._running = False

    def add(self, monitor: ResourceMonitor) -> None:
        with self._changed:
            self._monitors.add(monitor)
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="kernel-watch", daemon=True).start()

    def drop(self, monitor: ResourceMonitor) -> None:
        with self._changed:
            self._monitors.discard(monitor)

    def wake(self) -> None:
        """Measure soon, because a call began."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    def _run(self) -> None:
        idle_at = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._monitors)
                if not any(monitor.busy for monitor in self._monitors):
                    self._changed.wait_for(lambda: self._awake, IDLE_POLL_INTERVAL_S)
                self._awake = False
                monitors = list(self._monitors)
            now = time.monotonic()
            if now >= idle_at:
                idle_at = now + IDLE_POLL_INTERVAL_S
            else:
                monitors = [monitor for monitor in monitors if monitor.busy]
            table = _all_processes() if monitors else {}
            for monitor in monitors:
                try:
                    monitor.measure(table)
                except Exception:
                    log.exception("A kernel's use could not be measured.")
            time.sleep(POLL_INTERVAL_S)


_watcher = _Watcher()


# -- what processes use, from Linux's /proc (proc(5)), and what a disk has left --------------------

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One process. `cpu`: seconds, including ended children that it waited for; `resident`:
    bytes, including shared pages."""

    pid: int
    parent: int
    threads: int
    cpu: float
    resident: int


def _all_processes() -> Mapping[int, Process]:
    """All processes of the machine by their ids; none on a system without /proc. It takes a few
    milliseconds."""
    found: dict[int, Process] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    process = _process(int(name))
                    found[process.pid] = process
    return found


def _process(pid: int) -> Process:
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


def _tree(root: int, table: Mapping[int, Process]) -> list[Process]:
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


def _own_memory(pid: int) -> int:
    """Bytes of a process's memory without mapped files; of shared memory its share (PSS) only."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        return _kilobytes(file, (b"Pss_Anon:", b"Pss_Shmem:", b"Swap:"))
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        return _kilobytes(file, (b"RssAnon:", b"RssShmem:", b"VmSwap:"))
    return 0


def _kilobytes(lines: Iterable[bytes], names: tuple[bytes, ...]) -> int:
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def _deleted_files(pid: int, device: int) -> Iterator[tuple[int, int | None]]:
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


def _free_bytes(folder: int) -> int:
    """Free bytes on the disk of the open folder; a free inode counts as `ENTRY_BYTES`."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize + disk.f_favail * ENTRY_BYTES


def _full(folder: int | str) -> bool:
    """Whether the file system of an open folder, or of a path, has no space or no inodes left.
    Raises `OSError`."""
    disk = os.statvfs(folder)
    # File systems without a fixed number of inodes report 0 for both.
    return disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES or (
        disk.f_files > 0 and disk.f_favail == 0
    )
