"""Starts, interrupts and ends a kernel's process.

`Kernel` reaches a kernel through its connection file, and its process through `KernelProcess`
only. So a sandbox is another `KernelLauncher`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import site
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from tools.python.limits import PythonLimits
from tools.python.limits.monitor import ResourceMonitor
from tools.python.sandbox.boot import kernel_command

# Variables of the server that Python or a system library needs; no keys, no settings.
_PASSED_ON = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SYSTEMROOT")

MATPLOTLIB = "matplotlib"  # folder for matplotlib's configuration, in the kernel's private folder

# All kernels are started by one thread that lives as long as the server, because
# PR_SET_PDEATHSIG ends a kernel with the thread that started it, not with the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernel-spawner")

T = TypeVar("T")


class KernelProcess(Protocol):
    """A kernel's process, with all processes that its code started."""

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number; None while the process runs."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code."""

    def kill(self) -> None:
        """Kill the process and its children at once. May be called twice, from any thread."""

    def begin(self) -> None:
        """Mark the beginning of a call, from which CPU seconds and output are counted."""

    def exceeded(self) -> str | None:
        """The message to the model about the limit that the code exceeded, else None.

        It is called at every poll of a call, and does not block. At a limit on memory or
        processes the code has been killed already; at others the caller interrupts the code,
        and kills it where that does not help.
        """

    def hit_process_limit(self) -> bool:
        """Whether the system refused processes or threads since the call began."""

    def full(self) -> Collection[str]:
        """The full file systems that the code can write to: `causes.DISK`, or their paths."""


class KernelLauncher(Protocol):
    """Starts kernels as plain child processes, or in a sandbox."""

    @property
    def network(self) -> bool:
        """Whether the code can reach the network; the tool's description states it."""

    @property
    def folder(self) -> str:
        """The name of the workspace in the tool's description: its path inside, or a phrase."""

    @property
    def confined(self) -> bool:
        """Whether the code can write only to its own folder and to file systems in memory."""

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """Start a kernel that reads the connection file and works in `workspace`.

        The folder of the connection file is private to this kernel, for its sockets and
        temporary files. Raises OSError.
        """


@dataclass(frozen=True)
class ChildProcess:
    """Starts kernels without a sandbox, as child processes in process groups of their own."""

    limits: PythonLimits = PythonLimits()
    network = True
    confined = False
    folder = "the working directory"

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """See `KernelLauncher.launch`. The kernel's own output goes to the file `log`."""
        private = connection.parent
        (private / "tmp").mkdir(exist_ok=True)

        def start() -> subprocess.Popen[bytes]:
            with open(private / "log", "wb") as log:
                return subprocess.Popen(
                    kernel_command(connection, self.limits, sandboxed=False),
                    cwd=workspace,
                    env=environment(private, workspace),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

        return _Child(spawn(start), self.limits, workspace)


def spawn(start: Callable[[], T]) -> T:
    """Run `start` in the thread that starts all kernels, and return its result."""
    return _spawner.submit(start).result()


def environment(private: Path, workspace: Path) -> Mapping[str, str]:
    """The kernel's environment variables; of the server's only those that Python needs."""
    programs = str(Path(sys.executable).parent)
    variables = {
        **SHARED,
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
        "HOME": str(workspace),
        "TMPDIR": str(private / "tmp"),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_CONFIG_DIR": str(private / "jupyter"),
        "JUPYTER_DATA_DIR": str(private / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(private / "jupyter"),
        "JPY_PARENT_PID": str(os.getpid()),
        "MPLCONFIGDIR": str(private / MATPLOTLIB),
    }
    if site.ENABLE_USER_SITE:
        variables["PYTHONUSERBASE"] = site.getuserbase()
    return variables | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


# Threads of numerical libraries: one a core, four at most, because each takes memory.
_THREADS = str(min(os.cpu_count() or 1, 4))

SHARED: Mapping[str, str] = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "JUPYTER_PLATFORM_DIRS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": _THREADS,
    "OPENBLAS_NUM_THREADS": _THREADS,
    "MKL_NUM_THREADS": _THREADS,
}


class _Child:
    def __init__(
        self, process: subprocess.Popen[bytes], limits: PythonLimits, workspace: Path
    ) -> None:
        self._process = process
        self._killed = False
        self._monitor = ResourceMonitor(process.pid, limits, [workspace], self._end)

    def poll(self) -> int | None:
        return self._process.poll()

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGINT)

    def begin(self) -> None:
        self._monitor.begin()

    def exceeded(self) -> str | None:
        return self._monitor.exceeded()

    def hit_process_limit(self) -> bool:
        return self._monitor.hit_process_limit()

    def full(self) -> Collection[str]:
        return self._monitor.full()

    def kill(self) -> None:
        self._monitor.end()
        if not self._killed:
            self._killed = True
            self._end()

    def _end(self) -> None:
        started: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(self._process.pid).children(recursive=True)
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in started:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
