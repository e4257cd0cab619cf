"""What the sandbox adds to one call: `1+1` under bubblewrap over the same in a plain child process.

Two kernels stand ready, one of each kind, and are asked in turn.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, at_most, spread
from tools.base import ToolCall, ToolContext
from tools.python import ChildProcess, PythonLimits, PythonTool
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not

CALLS = 50
ADDED = 10


def measure() -> list[Figure]:
    if reason := why_not():
        return [Figure("added to 1+1 by the sandbox", reason)]
    with tempfile.TemporaryDirectory() as folder:
        limits = PythonLimits()
        tools = [
            PythonTool(Path(folder, "plain"), limits, ChildProcess(limits)),
            PythonTool(Path(folder, "sandboxed"), limits, Bubblewrap(limits)),
        ]
        try:
            for _ in range(3):
                for tool in tools:
                    _call(tool)
            pairs = [[_call(tool) for tool in tools] for _ in range(CALLS)]
        finally:
            for tool in tools:
                tool.close()
    plain, sandboxed = zip(*pairs, strict=True)
    added = statistics.median(sandboxed) - statistics.median(plain)
    return [
        at_most("added to 1+1 by the sandbox", added, ADDED, "ms", 1),
        Figure("  sandboxed", spread(sandboxed, "ms", 1)),
        Figure("  plain child process", spread(plain, "ms", 1)),
    ]


def _call(tool: PythonTool) -> float:
    began = time.monotonic()
    result = tool.run(ToolCall("1", "python", "1+1", raw="code"), ToolContext(Path()))
    took = time.monotonic() - began
    if result.text.strip() != "2":
        raise RuntimeError(f"the python tool said {result.text!r}")
    return took * 1000
