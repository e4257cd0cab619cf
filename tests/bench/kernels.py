"""Fifty sessions at once that each run one call, with at most eight kernels, and what they hold.

Kernels run as they do on this machine, with bubblewrap where that works, and one more than eight is
started ahead. An idle kernel's memory is its proportional share (PSS) with that of all processes
around it, the mean of those that are there when all is answered: most have run one call and
imported nothing; the one started ahead has imported numpy, pandas and matplotlib. At the end, what
runs of all processes that were started is counted.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.bench.figures import Figure
from tests.bench.python_first import wait_ready
from tools.base import ToolCall, ToolContext
from tools.python import PythonLimits, PythonTool
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool
from tools.python.sandbox.selection import choose_sandbox

SESSIONS, MOST = 50, 8


def measure() -> list[Figure]:
    limits = PythonLimits()
    choice = choose_sandbox("auto", True, limits)
    if choice.launcher is None:
        raise RuntimeError("no Python on this machine")
    before = set(_running())
    with tempfile.TemporaryDirectory() as folder:
        pool = KernelPool(LocalHost(choice.launcher, limits), MOST, spares=Path(folder))
        try:
            pool.warm()
            wait_ready(pool)
            ahead = _memory(set(_running()) - before)
            began = time.monotonic()
            with ThreadPoolExecutor(SESSIONS) as threads:
                tools = [
                    PythonTool(Path(folder, str(n)), limits, pool=pool) for n in range(SESSIONS)
                ]
                right = sum(threads.map(_answers, tools, range(SESSIONS)))
            took = time.monotonic() - began
            wait_ready(pool)
            all_idle = _memory(set(_running()) - before)
        finally:
            pool.close()
    left = len(set(_running()) - before)
    return [
        Figure("sessions answered", f"{right} of {SESSIONS}", f"{SESSIONS} of {SESSIONS}",
               right == SESSIONS),
        Figure("processes left afterwards", str(left), "0", left == 0),
        Figure("from the first call to the last answer", f"{took:.1f} s"),
        Figure("memory of an idle kernel", f"{all_idle / (MOST + 1):.0f} MiB"),
        Figure("  one alone, started ahead", f"{ahead:.0f} MiB"),
    ]  # fmt: skip


def _answers(tool: PythonTool, number: int) -> bool:
    call = ToolCall("1", "python", f"{number}+1", raw="code")
    return tool.run(call, ToolContext(Path())).text.strip() == str(number + 1)


def _running() -> list[psutil.Process]:
    """What this process started and what they started, without those that have ended."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
    ]


def _memory(processes: set[psutil.Process]) -> float:
    return sum(process.memory_full_info().pss for process in processes) / 2**20
