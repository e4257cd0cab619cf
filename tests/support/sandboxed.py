"""What the tests of the sandbox share: a tool whose code runs in it, and how it is asked."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tools.base import ToolCall, ToolContext, ToolResult
from tools.python import PythonLimits, PythonTool
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not

needs_sandbox = pytest.mark.skipif(why_not() is not None, reason=f"no sandbox here: {why_not()}")

LIMITS = PythonLimits(seconds=30, characters=4000, memory_mb=768, file_mb=32, workspace_mb=64)


@contextlib.contextmanager
def sandboxed(workspace: Path, limits: PythonLimits = LIMITS) -> Iterator[PythonTool]:
    """A tool of its own, in `workspace`; with it ends all that its code started."""
    tool = PythonTool(workspace, limits, Bubblewrap(limits))
    try:
        yield tool
    finally:
        tool.close()


def ask(tool: PythonTool, code: str) -> ToolResult:
    return tool.run(ToolCall("id-1", "python", code, raw="code"), ToolContext(Path()))


def answer(tool: PythonTool, code: str) -> str:
    """What the code put out; it must have ended without an error."""
    result = ask(tool, code)
    assert result.error is None, result.text
    return result.text


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def written(folder: Path, name: str) -> list[Path]:
    """The files of that name anywhere below `folder`, while other files come and go there."""
    return [Path(place, name) for place, _, names in os.walk(folder) if name in names]


def running(mark: str) -> list[psutil.Process]:
    """The processes of the machine with `mark` in their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(mark in part for part in process.cmdline()):
                found.append(process)
    return found
