"""The limits of a kernel that runs as a plain child process, where there is no sandbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.sandboxed import LIMITS, ask
from tools.python import ChildProcess, PythonTool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

SMALL = replace(LIMITS, memory_mb=512, file_mb=2, workspace_mb=8)


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    tool = PythonTool(tmp_path_factory.mktemp("workspace"), SMALL, ChildProcess(SMALL))
    yield tool
    tool.close()


def test_memory_of_one_process(tool: PythonTool) -> None:
    result = ask(tool, "kept = 1\nx = bytearray(20 << 30)")
    assert "MemoryError" in str(result.error) and "memory limit of 512 MB" in result.text
    assert ask(tool, "kept").text == "1"


def test_threads(tool: PythonTool) -> None:
    code = (
        "import threading\ndone = threading.Event()\n"
        "for _ in range(100): threading.Thread(target=done.wait, daemon=True).start()\ndone.wait()"
    )
    assert "limit of 64 processes and threads" in ask(tool, code).text
    ask(tool, "done.set()")  # those that began are in the way of the next call; or Python is anew


def test_one_file(tool: PythonTool) -> None:
    result = ask(tool, "kept = 1\nwith open('big', 'wb') as f: f.write(b'x' * (1 << 22))")
    assert "limit of 2 MB for one file" in result.text
    assert ask(tool, "import os\nos.remove('big')\nkept").text == "1"


def test_many_files(tool: PythonTool) -> None:
    code = "kept = 1\nn = 0\nwhile True:\n  open(f'{n}', 'wb').write(b'x' * (1 << 20)); n += 1"
    assert "limit of 8 MB for all files" in str(ask(tool, code).error)
    assert ask(tool, "for name in os.listdir(): os.remove(name)\nkept").text == "1"


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("import os\nfor _ in range(100):\n  if not os.fork(): os.execlp('sleep', 'sleep', '99')\n"
         "while True: pass", "limit of 64 processes and threads"),
        ("import mmap\nx = []\nwhile True:\n  x.append(mmap.mmap(-1, 1 << 25))\n"
         "  x[-1].write(b'x' * (1 << 25))", "memory limit of 512 MB"),
    ],
    ids=["processes", "shared memory"],
)  # fmt: skip
def test_what_all_processes_hold_together(tool: PythonTool, code: str, limit: str) -> None:
    result = ask(tool, code)
    assert limit in str(result.error) and "Python had to be restarted" in result.text
    assert ask(tool, "6 * 7").text.startswith("42")
