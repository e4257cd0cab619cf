"""Sandboxed code that takes all it can get: it meets a limit, is told which, and others go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support.sandboxed import (
    LIMITS,
    answer,
    ask,
    eventually,
    needs_sandbox,
    running,
    sandboxed,
)
from tools.python import PythonTool

pytestmark = needs_sandbox

MEMORY = "memory limit of 768 MB"
THREADS = "limit of 64 processes and threads"


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    """A kernel for the attacks that leave it alive, or that it gets over."""
    with sandboxed(tmp_path_factory.mktemp("session") / "workspace") as tool:
        yield tool


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def test_threads(tool: PythonTool) -> None:
    answer(tool, "kept = 1")
    code = (
        "import threading\ndone = threading.Event()\n"
        "try:\n    for i in range(100): threading.Thread(target=done.wait).start()\n"
        "finally:\n    started = i\n    done.set()"
    )
    result = ask(tool, code)
    assert "can't start new thread" in result.text and THREADS in result.text
    assert answer(tool, "20 < started < 64, kept") == "(True, 1)"


FORKING = (
    "import os, time\nforked = []\n"
    "while True:\n"
    "    forked.append(os.fork())\n"
    "    if not forked[-1]: time.sleep(60); os._exit(0)"
)


def test_a_fork_bomb_is_refused_more_processes(tool: PythonTool) -> None:
    answer(tool, "kept = 1")
    result = ask(tool, FORKING)
    assert "BlockingIOError" in result.text and THREADS in result.text
    assert answer(tool, "0 < len(forked) < 64, kept") == "(True, 1)"
    answer(tool, "for pid in forked: os.kill(pid, 9); _ = os.waitpid(pid, 0)")


def test_a_fork_bomb_of_the_shell(workspace: Path) -> None:
    with sandboxed(workspace, replace(LIMITS, seconds=6)) as tool:
        ask(tool, "!bomb() { bomb | bomb & }; bomb; sleep 3; echo survived")
        assert ask(tool, "6 * 7").text.endswith("42")
    assert not running("bomb() {")


def test_twenty_gigabytes_of_memory_in_one_process(tool: PythonTool) -> None:
    answer(tool, "kept = 1")
    for code in (
        "x = bytearray(20 << 30)",
        "x = []\nwhile True: x.append(bytearray(1 << 24))",
        "import numpy\nx = numpy.ones(20 << 27)",
    ):
        result = ask(tool, code)
        assert "MemoryError" in str(result.error) and MEMORY in result.text
        assert answer(tool, "x = None\nkept") == "1"


HOLD = "b = bytearray(150 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\n"


@pytest.mark.parametrize(
    "code",
    [
        f"import os\nfor _ in range(10):\n  if not os.fork():\n    exec({HOLD!r})\n    break\n"
        "import time; time.sleep(25)",
        "import mmap\nx = []\nwhile True:\n"
        "  x.append(mmap.mmap(-1, 1 << 25)); x[-1].write(b'x' * (1 << 25))",
        "n = 0\nwhile True:\n  open(f'/tmp/{n}', 'w').close(); n += 1",
    ],
    ids=["in many processes", "shared", "as names of files in memory"],
)
def test_memory_that_no_single_process_answers_for(workspace: Path, code: str) -> None:
    before = psutil.virtual_memory().available
    with sandboxed(workspace, replace(LIMITS, memory_mb=384)) as tool:
        result = ask(tool, code)
        assert (
            "memory limit of 384 MB" in result.text and "Python had to be restarted" in result.text
        )
        assert before - psutil.virtual_memory().available < 4 << 30
        assert answer(tool, "6 * 7") == "42"


def test_a_disk_is_not_filled_with_one_file(tool: PythonTool) -> None:
    answer(tool, "kept = 1")
    code = "with open(%r, 'wb') as f:\n    while True: f.write(b'x' * (1 << 20))"
    for place, limit in (("big", "one file"), ("/tmp/big", "/tmp"), ("/dev/shm/big", "one file")):
        result = ask(tool, code % place)
        assert "OSError" in str(result.error)
        assert f"limit of 32 MB for {limit}" in result.text
        assert answer(tool, f"import os\nos.remove({place!r})\nkept") == "1"
    assert "limit of 32 MB" in ask(tool, "import os\nos.truncate(os.open('a', 66), 1 << 40)").text
    assert answer(tool, "!head -c 1G /dev/zero > b; stat -c %s b; rm b").split()[-1] == "33554432"


FILLING = {
    "many files": "n = 0\nwhile True:\n  open(f'{n}', 'wb').write(b'x' * (1 << 20)); n += 1",
    "a million names": "n = 0\nwhile True:\n  open(f'{n}', 'w').close(); n += 1",
    "files without a name": (
        "import os\nx = []\nwhile True:\n"
        "  x.append(open('a', 'wb')); os.remove('a'); x[-1].write(b'x' * (1 << 20))"
    ),
    "files that are only mapped": (
        "import ctypes, os\nlibc = ctypes.CDLL(None)\nwhile True:\n"
        "  f = open('a', 'wb+'); f.write(b'x' * (1 << 20)); f.flush()\n"
        "  libc.mmap(None, 4096, 3, 1, f.fileno(), 0); os.remove('a'); f.close()"
    ),
    "a closed folder": (
        "import os\nos.mkdir('d'); n = 0\nwhile True:\n"
        "  os.chmod('d', 0o700); open(f'd/{n}', 'w').close(); os.chmod('d', 0); n += 1"
    ),
    "a deep folder": (
        "import os\nwhile True:\n  os.mkdir('d'); os.chdir('d'); open('f', 'w').close()"
    ),
    "the folder of the sockets": (
        "n = 0\nwhile True:\n  open(f'/run/kernel/{n}', 'wb').write(b'x' * (1 << 20)); n += 1"
    ),
}


@pytest.mark.parametrize("way", FILLING)
def test_a_disk_is_not_filled_with_many_files(workspace: Path, way: str) -> None:
    with sandboxed(workspace, replace(LIMITS, file_mb=2, workspace_mb=8)) as tool:
        result = ask(tool, FILLING[way])
        limit = "100 folders inside one another" if "deep" in way else "8 MB for all files"
        # Who is not root can't look into a folder while it is closed.
        unseen = "closed" in way and "it closed a folder" in str(result.error)
        assert unseen or f"limit of {limit}" in str(result.error), result.text
        # What was too much can be deleted, and then all is well.
        ask(tool, "import os\nos.chdir('/mnt/data')\n!chmod -R 700 .; rm -rf * /run/kernel/[0-9]*")
        assert answer(tool, "import os\nos.chdir('/mnt/data')\nos.listdir()") == "[]"


def test_cpu_seconds_are_counted_over_all_processes(workspace: Path) -> None:
    code = "import os\nos.fork(); os.fork()\nwhile True: pass"
    with sandboxed(workspace, replace(LIMITS, cpu_seconds=2)) as tool:
        assert "limit of 2 CPU seconds" in str(ask(tool, code).error)
        assert ask(tool, "6 * 7").text.endswith("42")


def test_what_a_call_left_running_counts_too(workspace: Path) -> None:
    mark = f"left-{os.getpid()}"
    code = f"import subprocess as s\ns.Popen(['python', '-c', 'while True: pass', {mark!r}]).pid"
    with sandboxed(workspace, replace(LIMITS, cpu_seconds=2)) as tool:
        answer(tool, code)
        assert eventually(lambda: not running(mark), 120)
        result = ask(tool, "6 * 7")
        assert result.error is None and "Python had ended since the last call" in result.text
