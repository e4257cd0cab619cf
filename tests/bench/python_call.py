"""The `python` tool on `1+1`, over `jupyter_client` alone.

Two kernels stand ready, one behind the tool as the app makes it, one behind a plain
`jupyter_client`; they are asked in turn, and a plain call ends, as the tool's does, when reply and
idle status are there.
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
ADDED = 30


def measure() -> list[Figure]:
    plain, tool = _compare()
    added = statistics.median(tool) - statistics.median(plain)
    return [
        at_most("added to 1+1 by the tool", added, ADDED, "ms", 1),
        Figure("  the tool", spread(tool, "ms", 1)),
        Figure("  jupyter_client alone", spread(plain, "ms", 1)),
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
