"""What one session at its worst costs another: a call's time beside it, over its time alone.

Two sandboxed kernels; the second one's processes spin, fork, write and talk without end.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tools.base import ToolCall, ToolContext
from tools.python import PythonLimits, PythonTool
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not

CALLS = 12
SLOWER = 2  # times
CALL_TIMEOUT_S = 25  # of the other visitor's calls

WORK = "sum(n * n for n in range(1_000_000))"
WORST = {
    "forty processes that spin": """
import subprocess, sys
many = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(40)]
for each in many: each.wait()""",
    "a fork bomb": """
import subprocess
subprocess.run(["sh", "-c", "b() { b | b & }; b; sleep 30"])""",
    "a disk that is filled, again and again": """
while True:
    with open("full", "wb") as file:
        try:
            for _ in range(300): file.write(bytes(1 << 20))
        except OSError: pass""",
    "output without end": "while True: print('x' * 100_000)",
    "memory without end": """
while True:
    try: held = [bytearray(1 << 24) for _ in range(1000)]
    except MemoryError: held = None""",
}


def measure() -> list[Figure]:
    if reason := why_not():
        return [Figure("beside a session at its worst", reason)]
    figures = []
    for name, code in WORST.items():
        with tempfile.TemporaryDirectory() as folder:
            limits = PythonLimits(seconds=CALL_TIMEOUT_S)
            other, mine = (
                PythonTool(Path(folder, each), limits, Bubblewrap(limits))
                for each in ("other", "mine")
            )
            try:
                _call(mine)
                _call(other)
                alone = statistics.median(_call(mine) for _ in range(CALLS))
                worst = threading.Thread(target=_ask, args=(other, code), daemon=True)
                worst.start()
                time.sleep(1)  # until it is at its worst
                beside = []
                while worst.is_alive() and len(beside) < CALLS:
                    beside.append(_call(mine))
            finally:
                other.close()
                mine.close()
        worst.join()
        if not beside:
            figures.append(Figure(name, "it ended before a call was made beside it"))
            continue
        ratio = statistics.median(beside) / alone
        figures.append(at_most(f"beside {name}, over alone", ratio, SLOWER, "", 2))
    return figures


def _ask(tool: PythonTool, code: str) -> str:
    return tool.run(ToolCall("1", "python", code, raw="code"), ToolContext(Path())).text


def _call(tool: PythonTool) -> float:
    began = time.monotonic()
    if _ask(tool, WORK).strip() != "333332833333500000":
        raise RuntimeError("the python tool's answer is wrong")
    return time.monotonic() - began
