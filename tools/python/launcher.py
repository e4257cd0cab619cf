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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import psutil

# PR_SET_PDEATHSIG (1): the kernel is killed with the thread that started it.
# PR_SET_CHILD_SUBREAPER (36): what the code leaves running stays the kernel's child, and is
# found when the kernel is ended. Both from <linux/prctl.h>.
# The first entry of sys.path is the working directory, where a `random.py` would be taken for
# the standard library's; ipykernel puts it back behind that.
# Without debugpy, which nobody uses here, the kernel starts sooner.
_BOOT = """
import sys
del sys.path[0]
sys.modules["debugpy"] = None
if sys.platform == "linux":
    import ctypes
    prctl = ctypes.CDLL(None).prctl
    prctl(1, 9)
    prctl(36, 1)
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""

# What Python or a system library needs from outside; never a key or a setting of the server.
_PASSED_ON = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SYSTEMROOT")

MATPLOTLIB = "matplotlib"  # the folder of matplotlib's settings, in the kernel's private folder

# One thread that lives as long as the server starts every kernel: PR_SET_PDEATHSIG watches the
# thread, not the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernel-spawner")


class KernelProcess(Protocol):
    """A running kernel, and all that the code in it started."""

    def poll(self) -> int | None:
        """The exit status, negative for a signal's number, or None while it runs."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code."""

    def kill(self) -> None:
        """End it and its children at once. May be called twice, from any thread."""


class KernelLauncher(Protocol):
    """Starts kernels in one way: a plain child process, a sandbox."""

    @property
    def network(self) -> bool:
        """Whether the code reaches the network. The tool's description says so."""

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """Start a kernel that reads the connection file and works in `workspace`.

        The folder of the connection file belongs to this kernel alone: its sockets and its
        temporary files lie there. Raises OSError.
        """


class ChildProcess:
    """Kernels as child processes of the server, in a group of their own; no sandbox."""

    network = True

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """See `KernelLauncher.launch`. What the kernel says while it starts is in `log`."""
        command = [
            sys.executable,
            "-c",
            _BOOT,
            f"--IPKernelApp.connection_file={connection}",
            "--HistoryManager.enabled=False",
        ]
        private = connection.parent
        (private / "tmp").mkdir(exist_ok=True)

        def start() -> subprocess.Popen[bytes]:
            with open(private / "log", "wb") as log:
                return subprocess.Popen(
                    command,
                    cwd=workspace,
                    env=environment(private, workspace),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

        return _Child(_spawner.submit(start).result())


def environment(private: Path, workspace: Path) -> Mapping[str, str]:
    """The kernel's whole environment: nothing of the server's but what Python needs."""
    programs = str(Path(sys.executable).parent)
    variables = {
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
        "HOME": str(workspace),
        "TMPDIR": str(private / "tmp"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_CONFIG_DIR": str(private / "jupyter"),
        "JUPYTER_DATA_DIR": str(private / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(private / "jupyter"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JPY_PARENT_PID": str(os.getpid()),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(private / MATPLOTLIB),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if site.ENABLE_USER_SITE:
        variables["PYTHONUSERBASE"] = site.getuserbase()
    for name in _PASSED_ON:
        if name in os.environ:
            variables[name] = os.environ[name]
    return variables


class _Child:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._killed = False

    def poll(self) -> int | None:
        return self._process.poll()

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        if self._killed:
            return
        self._killed = True
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
