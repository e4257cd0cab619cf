"""How many modules of the project one message passes: a pdf, a question, one `python` call.

Counted in a process of its own: the modules of which a function runs, on any thread, from the
message that a caller of the Python API sends to the turn's end. The answers come from a server that
is told what to say, and the kernel stands ready. What runs while a module is imported, in the
kernel, or in the process that reads the pdf is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from tests.bench.figures import Figure, at_most
from tests.support.made_pdfs import text_pdf
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text, ToolCall

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "backends", "tools")
MAX_MODULES = 35
KERNEL_WAIT_S = 3.0
TIMEOUT_S = 120.0


def measure() -> list[Figure]:
    counted = subprocess.run(
        [sys.executable, "-m", "tests.bench.turn_modules"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    modules = counted.stdout.split()
    return [
        at_most("modules that a message passes", len(modules), MAX_MODULES, "modules", 0),
        *(Figure(f"  {module}", "") for module in modules),
    ]


class Passed:
    """A profile function that keeps the project's modules of which a function is called."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.counting = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.counting or event != "call" or frame.f_code.co_name == "<module>":
            return
        name = _module(frame)
        if name and not _imports(frame):
            self.modules.add(name)


def _module(frame: FrameType) -> str:
    """The path of the frame's module from the root; empty for what is not the project's."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in FOLDERS:
        return ""
    return str(path.relative_to(ROOT))


def _imports(frame: FrameType) -> bool:
    """Whether the frame runs because one of the project's modules is being imported."""
    above = frame.f_back
    while above is not None:
        if above.f_code.co_name == "<module>" and _module(above):
            return True
        above = above.f_back
    return False


def _count() -> list[str]:
    passed = Passed()
    # Before anything starts a thread, so that all of them are seen.
    threading.setprofile(passed)
    calls = [ToolCall("python", {"code": "print(1+1)"}), Finish("tool_calls")]
    with (
        tempfile.TemporaryDirectory() as folder,
        ScriptedServer([calls, [Text("It is 2.")]]) as server,
    ):
        os.environ |= {"GLM_MODEL": f"{server.url}#scripted", "GLM_DATA": str(Path(folder, "data"))}
        from app.api import Agent
        from app.core.service import Service
        from app.core.settings import load

        report = text_pdf(Path(folder, "report.pdf"), [["The revenue was 12 million."]] * 3)
        service = Service(load())
        agent = Agent("tools", service=service)
        service.model.wait()
        time.sleep(KERNEL_WAIT_S)
        sys.setprofile(passed)
        passed.counting = True
        events = agent.stream("What was the revenue?", files=[str(report)])
        reason = getattr(list(events)[-1], "reason", None)
        passed.counting = False
        sys.setprofile(None)
        agent.close()
        service.close()
    if reason != "stop":
        raise RuntimeError(f"the turn ended with {reason}")
    return sorted(passed.modules)


if __name__ == "__main__":
    print("\n".join(_count()))
