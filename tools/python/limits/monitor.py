"""Watches what the code of each kernel uses, beside the limits that the system itself holds.

The system bounds each process (`launcher.py`); what all processes of one session hold together,
and what lies in its folders, is measured here. One thread looks at all kernels: often while a
call runs, seldom in between, for what a call left running.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from pathlib import Path

from tools.base import ToolError
from tools.python.limits import PythonLimits, measurement, stopped_at
from tools.python.limits.causes import DISK
from tools.python.limits.measurement import Process, all_processes, deleted_files, own_memory, tree

log = logging.getLogger(__name__)

LOOK, LOOK_IDLE = 0.15, 2.0  # seconds between two looks, while a call runs and else
ASKED = 0.5  # seconds; a kernel that was asked about since then runs a call
WALKING = 0.2  # share of the time that may go into measuring one kernel's folders
PAUSE = 2.0  # seconds between two such measurements at most
IDLE = 0.2  # share of one core that a kernel may use between calls, for what it has to do
CLOSED = (
    "The code was stopped: it closed a folder, and how much lies there can't be measured any more."
)
OURS = 2  # processes above a kernel that are not its own: those of a sandbox
MB = 1 << 20
WINDOW_S = 3600.0  # within which one owner's code may run for so long


class ResourceMonitor:
    """One kernel's use. `root` is the process above all of its own, `on_disk` the folders where
    its files lie, `in_memory` file systems that lie in memory, as its processes see them. With
    `refused_at` processes and threads below `root` the system refuses one more, where it does.

    `kill` is called, from the watching thread, for what can't wait.
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
        self._crowded = False
        self._root, self._limits, self._kill = root, limits, kill
        self._in_memory = tuple(in_memory)
        # The folders themselves, whatever they will be called.
        self._folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in on_disk]
        self._lock = threading.Lock()
        self._said: str | None = None
        self._asked = 0.0
        self._cpu_seen: float | None = None  # CPU seconds of all processes at the last look
        self._cpu = 0.0  # CPU seconds of the call, with what it left running
        self._looked = 0.0
        self._room = limits.workspace_mb * MB
        self._nameless = 0  # bytes of files that were deleted and are still held
        self._free: int | None = None  # room on the disk when the folders became unmeasurable
        self._walk_at = 0.0
        _watcher.add(self)

    def begin(self) -> None:
        """A call begins: what it uses counts from here."""
        with self._lock:
            self._said, self._asked, self._crowded = None, time.monotonic(), False
            self._cpu_seen, self._cpu = None, 0.0
            self._walk_at = 0.0
            # What was too much before is not this call's doing, which may be to delete it.
            try:
                self._room = max(self._limits.workspace_mb * MB, self._used(1 << 62))
                self._free = None
            except measurement.Unmeasurable:
                if self._free is None:
                    self._free = measurement.free_bytes(self._folders[0])
        _watcher.wake()

    def exceeded(self) -> str | None:
        """See `KernelProcess.exceeded`."""
        self._asked = time.monotonic()
        return self._said

    def crowded(self) -> bool:
        """Whether the system refused processes or threads since the call began, as far as they
        were seen, or would now."""
        if self._refused_at is not None and not self._crowded:
            self._count(tree(self._root, all_processes()))
        return self._crowded

    def full(self) -> Collection[str]:
        """The places that the code can write to and that have no room: `DISK`, or paths."""
        found: list[str] = []
        with self._lock, contextlib.suppress(OSError):
            if self._folders and measurement.full(self._folders[0]):
                found.append(DISK)
        if self._in_memory:
            processes = tree(self._root, all_processes())
            for path in self._in_memory:
                for process in processes:
                    with contextlib.suppress(OSError):
                        if measurement.full(f"/proc/{process.pid}/root{path}"):
                            found.append(path)
                        break
        return found

    @property
    def busy(self) -> bool:
        """Whether a call runs."""
        return time.monotonic() - self._asked < ASKED

    def stop(self, limit: str, wait: bool = False) -> None:
        """A limit was gone past. With `wait` a running call may still end in an orderly way."""
        self.stop_saying(stopped_at(limit), wait)

    def stop_saying(self, sentence: str, wait: bool = False) -> None:
        """The same, told in another way."""
        self._said = self._said or sentence
        if not (wait and self.busy):
            self._kill()

    def end(self) -> None:
        """The kernel is gone. May be called twice."""
        _watcher.drop(self)
        with self._lock:
            while self._folders:
                os.close(self._folders.pop())

    def look(self, table: Mapping[int, Process]) -> None:
        """Measure once."""
        processes, limits = tree(self._root, table), self._limits
        busy, spent = self.busy, self._spent(processes)
        if self._count(processes) > limits.processes + OURS:
            self.stop(limits.threads)
        elif self._too_much_memory(processes):
            self.stop(limits.memory)
        elif self._cpu > limits.cpu_seconds:
            self._cpu = 0.0  # told once; what goes on after that is ended when it comes again
            self.stop(limits.cpu, wait=True)
        elif (busy or spent) and (sentence := self._too_many_files(processes)):
            # Files without a name are deleted with the process that holds them.
            self.stop_saying(sentence, wait=not self._nameless)

    def _count(self, processes: list[Process]) -> int:
        count = sum(process.threads for process in processes)
        self._crowded |= self._refused_at is not None and count >= self._refused_at
        return count

    def _spent(self, processes: list[Process]) -> float:
        """CPU seconds since the last look; what idle kernels use does not count as a call's."""
        used, now = sum(process.cpu for process in processes), time.monotonic()
        spent = 0.0 if self._cpu_seen is None else max(0.0, used - self._cpu_seen)
        if self.busy or spent > IDLE * (now - self._looked):
            self._cpu += spent
        self._cpu_seen, self._looked = used, now
        return spent

    def _too_much_memory(self, processes: list[Process]) -> bool:
        most = self._limits.memory_mb * MB
        files = measurement.ENTRY_BYTES * sum(
            _files_in_memory(processes, path) for path in self._in_memory
        )
        if files + sum(process.resident for process in processes) <= most:
            return False
        return files + sum(own_memory(process.pid) for process in processes) > most

    def _too_many_files(self, processes: list[Process]) -> str | None:
        """What is told where the files are too many, or can't be measured."""
        begun = time.monotonic()
        with self._lock:
            if begun < self._walk_at or not self._folders:
                return None
            sentence = None
            try:
                if self._taken(processes) > self._room:
                    sentence = stopped_at(self._limits.workspace)
            except measurement.Unmeasurable as error:
                sentence = stopped_at(self._limits.depth) if error.deep else CLOSED
            ended = time.monotonic()
            self._walk_at = ended + min((ended - begun) / WALKING, PAUSE)
            return sentence

    def _taken(self, processes: list[Process]) -> int:
        if self._free is not None:
            return self._free - measurement.free_bytes(self._folders[0])
        self._measure_nameless(processes)
        return self._used(self._room) + self._nameless

    def _used(self, enough: int) -> int:
        return sum(measurement.folder_bytes(folder, enough) for folder in self._folders)

    def _measure_nameless(self, processes: list[Process]) -> None:
        sizes: dict[int, int] = {}
        device = os.fstat(self._folders[0]).st_dev
        for process in processes:
            for inode, size in deleted_files(process.pid, device):
                sizes.setdefault(inode, self._limits.file_mb * MB if size is None else size)
        self._nameless = sum(sizes.values())


def _files_in_memory(processes: list[Process], path: str) -> int:
    for process in processes:
        with contextlib.suppress(OSError):
            status = os.statvfs(f"/proc/{process.pid}/root{path}")
            return status.f_files - status.f_ffree
    return 0


class _Watcher:
    """Looks at all kernels in turn, from a thread of its own."""

    def __init__(self) -> None:
        self._watches: set[ResourceMonitor] = set()
        self._changed = threading.Condition()
        self._awake = self._running = False

    def add(self, watch: ResourceMonitor) -> None:
        with self._changed:
            self._watches.add(watch)
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="kernel-watch", daemon=True).start()

    def drop(self, watch: ResourceMonitor) -> None:
        with self._changed:
            self._watches.discard(watch)

    def wake(self) -> None:
        """A call began: look soon."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    def _run(self) -> None:
        idle_at = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watches)
                if not any(watch.busy for watch in self._watches):
                    self._changed.wait_for(lambda: self._awake, LOOK_IDLE)
                self._awake = False
                watches = list(self._watches)
            now = time.monotonic()
            if now >= idle_at:
                idle_at = now + LOOK_IDLE
            else:
                watches = [watch for watch in watches if watch.busy]
            table = all_processes() if watches else {}
            for watch in watches:
                try:
                    watch.look(table)
                except Exception:
                    log.exception("A kernel's use could not be measured.")
            time.sleep(LOOK)


_watcher = _Watcher()


# -- how long one visitor's code may run within an hour --------------------------------------------


class Allowance:
    """`seconds` of running calls within the last hour, for each owner; no limit where it is None.

    A call that runs when they are used up comes to its end; it has a time limit of its own.
    `clock` tells monotonic seconds.
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[Hashable, deque[tuple[float, float]]] = {}  # when it ended, how long

    def check(self, owner: Hashable) -> None:
        """Raises `ToolError` where the owner has none left."""
        if self._seconds is None:
            return
        with self._lock:
            self._forget()
            spent = self._spent.get(owner, ())
            over = sum(seconds for _, seconds in spent) - self._seconds
            if over < 0:
                return
            for ended, seconds in spent:
                over -= seconds
                if over < 0:
                    wait = ended + WINDOW_S - self._clock()
                    break
        minutes = max(1, math.ceil(wait / 60))
        raise ToolError(
            f"Python was not run: this visitor's code has run for the {self._seconds / 60:g} "
            f"minutes that it may run within an hour. In {minutes} "
            f"minute{'' if minutes == 1 else 's'} it runs again; answer without it, or say so."
        )

    def spend(self, owner: Hashable, seconds: float) -> None:
        """A call of the owner's has run for so long."""
        if self._seconds is None:
            return
        with self._lock:
            self._forget()
            self._spent.setdefault(owner, deque()).append((self._clock(), seconds))

    def _forget(self) -> None:
        """Lets go of what ended more than an hour ago."""
        oldest = self._clock() - WINDOW_S
        for owner, spent in list(self._spent.items()):
            while spent and spent[0][0] <= oldest:
                spent.popleft()
            if not spent:
                del self._spent[owner]
