"""The `python` tool on `1+1`, over `jupyter_client` alone; and a session's first call.

Two kernels stand ready, one behind the tool as the app makes it, one behind a plain
`jupyter_client`; they are asked in turn, and a plain call ends, as the tool's does, when reply and
idle status are there. The first call comes `THINKING` seconds after the session was made and its
kernel begun, as the app does when the Tools page opens: no one reads and types faster, and the
model must answer before there is a call. Beside it, the same without having begun ahead.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.bench.figures import Figure, at_most, spread
from tools.base import ToolCall, ToolContext
from tools.python import PythonTool

CALLS = 50
SESSIONS = 5
THINKING = 3.0
ADDED, FIRST = 30, 0.5


def measure() -> list[Figure]:
    plain, tool = _compare()
    warm = [_first_call(ahead=True) for _ in range(SESSIONS)]
    cold = [_first_call(ahead=False) for _ in range(SESSIONS)]
    added = statistics.median(tool) - statistics.median(plain)
    return [
        at_most("added to 1+1 by the tool", added, ADDED, "ms", 1),
        Figure("  the tool", spread(tool, "ms", 1)),
        Figure("  jupyter_client alone", spread(plain, "ms", 1)),
        at_most("first call of a session", statistics.median(warm), FIRST, "s", 3),
        Figure("  runs", spread(warm, "s", 3)),
        Figure("  not begun ahead", spread(cold, "s", 3)),
    ]


def _compare() -> tuple[list[float], list[float]]:
    """Milliseconds of calls, plain and by the tool."""
    with tempfile.TemporaryDirectory() as folder:
        tool = PythonTool(Path(folder))
        manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
        try:
            for _ in range(3):
                _plain_call(client)
                _tool_call(tool, Path(folder))
            pairs = [(_plain_call(client), _tool_call(tool, Path(folder))) for _ in range(CALLS)]
        finally:
            tool.close()
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    return [one * 1000 for one, _ in pairs], [two * 1000 for _, two in pairs]


def _first_call(ahead: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        tool = PythonTool(Path(folder))
        try:
            if ahead:
                tool.warm()
                time.sleep(THINKING)
            return _tool_call(tool, Path(folder))
        finally:
            tool.close()


def _tool_call(tool: PythonTool, workspace: Path) -> float:
    began = time.monotonic()
    result = tool.run(ToolCall("1", "python", "1+1", raw="code"), ToolContext(workspace))
    took = time.monotonic() - began
    if result.text.strip() != "2":
        raise RuntimeError(f"the python tool said {result.text!r}")
    return took


def _plain_call(client: BlockingKernelClient) -> float:
    began = time.monotonic()
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "execute_result":
            said.append(message["content"]["data"]["text/plain"])

    client.execute_interactive("1+1", allow_stdin=False, output_hook=hear, timeout=60)
    took = time.monotonic() - began
    if said != ["2"]:
        raise RuntimeError(f"jupyter_client said {said!r}")
    return took
