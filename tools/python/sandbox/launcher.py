"""How a kernel's process is started, interrupted and ended.

`Kernel` speaks with a kernel through a connection file and asks nothing about its process
but what `KernelProcess` says, so that a sandbox is one more `KernelLauncher`.
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

# What Python or a system library needs from outside; never a key or a setting of the server.
_PASSED_ON = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SYSTEMROOT")

MATPLOTLIB = "matplotlib"  # the folder of matplotlib's settings, in the kernel's private folder

# One thread that lives as long as the server starts every kernel: PR_SET_PDEATHSIG watches the
# thread, not the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernel-spawner")

T = TypeVar("T")


class KernelProcess(Protocol):
    """A running kernel, and all that the code in it started."""

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number, or None while it runs."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code."""

    def kill(self) -> None:
        """End it and its children at once. May be called twice, from any thread."""

    def begin(self) -> None:
        """A call begins: its CPU seconds and its output count from here."""

    def exceeded(self) -> str | None:
        """The limit that the code went past, in a sentence for the model, else None.

        Asked at every tick of a call, so it only looks. Where waiting for the code to stop
        would do harm (memory, processes) it has been killed by then; else it is for the caller
        to interrupt it, and to kill it where that does not help.
        """

    def crowded(self) -> bool:
        """Whether the system refused the code processes or threads since the call began."""

    def full(self) -> Collection[str]:
        """The places that the code can write to and that have no room now: see `causes.DISK`."""


class KernelLauncher(Protocol):
    """Starts kernels in one way: a plain child process, a sandbox."""

    @property
    def network(self) -> bool:
        """Whether the code reaches the network. The tool's description says so."""

    @property
    def folder(self) -> str:
        """What the code calls the workspace. The tool's description says so."""

    @property
    def confined(self) -> bool:
        """Whether the code can write to its own folder and to places in memory alone."""

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """Start a kernel that reads the connection file and works in `workspace`.

        The folder of the connection file belongs to this kernel alone: its sockets and its
        temporary files lie there. Raises OSError.
        """


@dataclass(frozen=True)
class ChildProcess:
    """Kernels as child processes of the server, in a group of their own; no sandbox."""

    limits: PythonLimits = PythonLimits()
    network = True
    confined = False
    folder = "the working directory"

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """See `KernelLauncher.launch`. What the kernel says while it starts is in `log`."""
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
    """What `start` returns, run in the thread that starts all kernels."""
    return _spawner.submit(start).result()


def environment(private: Path, workspace: Path) -> Mapping[str, str]:
    """The kernel's whole environment: nothing of the server's but what Python needs."""
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


# As many threads for sums as there are cores, within reason: each takes memory of its own.
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
        self._watch = ResourceMonitor(process.pid, limits, [workspace], self._end)

    def poll(self) -> int | None:
        return self._process.poll()

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGINT)

    def begin(self) -> None:
        self._watch.begin()

    def exceeded(self) -> str | None:
        return self._watch.exceeded()

    def crowded(self) -> bool:
        return self._watch.crowded()

    def full(self) -> Collection[str]:
        return self._watch.full()

    def kill(self) -> None:
        self._watch.end()
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
