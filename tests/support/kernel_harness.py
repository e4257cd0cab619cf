"""A pool of kernels on this machine, and sessions on it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.unit.tools.python.test_tool import ask, eventually, gone
from tools.base import ToolContext, ToolResult
from tools.python import ChildProcess, KernelLauncher, PythonLimits, PythonTool
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool

LIMITS = PythonLimits(characters=2000)
FOREVER = "import time\nprint('in', flush=True)\ntime.sleep(600)"
UNTIL_GO = (
    "import os, time\nprint('in', flush=True)\nwhile not os.path.exists('go'):\n"
    "    time.sleep(0.02)\n'gone on'"
)
PID = "import os\nos.getpid()"


class KernelHarness:
    """A pool, and sessions on it, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pools: list[KernelPool] = []

    def pool(
        self,
        max_kernels: int = 8,
        idle: float | None = None,
        spares: bool = True,
        launcher: KernelLauncher | None = None,
    ) -> KernelPool:
        host = LocalHost(launcher or ChildProcess(), LIMITS)
        pool = KernelPool(host, max_kernels, idle, self.folder if spares else None)
        self.pools.append(pool)
        return pool

    def session(self, pool: KernelPool, name: str) -> PythonTool:
        (self.folder / name).mkdir(exist_ok=True)
        return PythonTool(self.folder / name, LIMITS, pool=pool)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[KernelHarness]:
    harness = KernelHarness(tmp_path)
    yield harness
    for pool in harness.pools:
        pool.close()


def children() -> list[psutil.Process]:
    """Processes below this one that run."""
    every = psutil.Process().children(recursive=True)
    return [process for process in every if not gone(process.pid)]


def spare_ready(pool: KernelPool) -> None:
    """Wait until a spare kernel is ready."""
    pool.warm()
    assert eventually(lambda: pool.ready, 90)


def spare_of(pool: KernelPool) -> int:
    """Wait for a spare kernel that is a plain child process. Returns its process id."""
    before = {process.pid for process in children()}
    spare_ready(pool)
    (pid,) = {process.pid for process in children()} - before
    return pid


def begin(tool: PythonTool, code: str = FOREVER) -> Callable[[], ToolResult]:
    """Run code in a thread, and return when it has said something. What it gives waits."""
    told, results = threading.Event(), []
    context = ToolContext(Path(), progress=lambda _: told.set())
    thread = threading.Thread(target=lambda: results.append(ask(tool, code, context)))
    thread.start()
    assert told.wait(90)

    def finish() -> ToolResult:
        thread.join(90)
        (result,) = results
        return result

    return finish
