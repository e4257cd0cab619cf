"""The first call of a session, `import pandas, matplotlib`, with a kernel ready and without.

Each session is new, on the way that code is run on this machine: with bubblewrap where that works.
Warm, its kernel was started ahead, as the app does; cold, the call has to start it. Warm and cold
ones take turns. Beside it the same for `1+1`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, at_most, spread
from tools.base import ToolCall, ToolContext
from tools.python import PythonLimits, PythonTool
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool
from tools.python.sandbox.selection import choose_sandbox

SESSIONS = 5
FIRST = 0.5
LONGEST_WAIT = 60.0
IMPORTS = "import pandas, matplotlib\n1+1"


def measure() -> list[Figure]:
    limits = PythonLimits()
    choice = choose_sandbox("auto", True, limits)
    if choice.launcher is None:
        raise RuntimeError("no Python on this machine")
    host = LocalHost(choice.launcher, limits)
    warm, cold, warm_plain, cold_plain = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        ready = KernelPool(host, most=4 * SESSIONS, spares=Path(folder))
        bare = KernelPool(host, most=4 * SESSIONS)
        try:
            for number in range(SESSIONS):
                for code, fast, slow in ((IMPORTS, warm, cold), ("1+1", warm_plain, cold_plain)):
                    name = f"{number}-{len(fast)}-{code[:3].strip()}"
                    ready.warm()
                    wait_ready(ready)
                    fast.append(_first_call(ready, Path(folder, "a" + name), code))
                    slow.append(_first_call(bare, Path(folder, "b" + name), code))
        finally:
            ready.close()
            bare.close()
    return [
        at_most("first call, kernel ready", statistics.median(warm), FIRST, "s", 3),
        Figure("  runs", spread(warm, "s", 3)),
        Figure("  cold", spread(cold, "s", 3)),
        Figure("  1+1, kernel ready", spread(warm_plain, "s", 3)),
        Figure("  1+1, cold", spread(cold_plain, "s", 3)),
    ]


def wait_ready(pool: KernelPool) -> None:
    """Return when a spare kernel stands ready."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not pool.ready:
        if time.monotonic() > deadline:
            raise RuntimeError("no kernel was started ahead")
        time.sleep(0.05)


def _first_call(pool: KernelPool, workspace: Path, code: str) -> float:
    workspace.mkdir()
    tool = PythonTool(workspace, pool=pool)
    try:
        began = time.monotonic()
        result = tool.run(ToolCall("1", "python", code, raw="code"), ToolContext(workspace))
        took = time.monotonic() - began
    finally:
        tool.close()
    if result.text.strip() != "2":
        raise RuntimeError(f"the python tool said {result.text!r}")
    return took
