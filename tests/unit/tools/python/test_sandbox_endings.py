"""Sandboxed code that won't end, ends what it should not, or leaves something behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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
from tools.safe_files import delete_folder

pytestmark = needs_sandbox

ROOT = Path(__file__).resolve().parents[4]
LOST = "Python had to be restarted"


LEAVE = "import os\nif not os.fork():\n  os.setsid(); os.execlp('sleep', %r, '999')"


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[PythonTool]:
    """A kernel that the test may lose."""
    with sandboxed(tmp_path / "workspace") as tool:
        yield tool


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    """A tool with a short time limit."""
    with sandboxed(tmp_path_factory.mktemp("session"), replace(LIMITS, seconds=1)) as tool:
        answer(tool, "import itertools, ctypes, signal")
        yield tool


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("while True: pass", True),
        ("import time\ntime.sleep(1000)", True),
        (
            "while True:\n try:\n  x = 0\n  while True: x = 1\n except KeyboardInterrupt: pass",
            False,
        ),
        ("import itertools\nmax(itertools.repeat(1))", False),
        ("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", False),
        ("import os\nos.kill(os.getpid(), 19)", False),
        ("!sleep 1000", True),
    ],
    ids=["loop", "sleep", "catches the interrupt", "in C", "ignores signals", "stopped", "shell"],
)
def test_an_endless_call_ends_at_the_limit(hasty: PythonTool, code: str, kept: bool) -> None:
    answer(hasty, "kept = 1")
    begun = time.monotonic()
    result = ask(hasty, code)
    assert result.error == "The code was stopped at the time limit of 1 seconds."
    assert time.monotonic() - begun < 20  # it would be a thousand
    assert (LOST in result.text) != kept
    assert ask(hasty, "kept" if kept else "6 * 7").text.startswith("1" if kept else "42")


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.kill(-1, 9)",
        "import os\nos._exit(3)",
        "import os\nos.kill(os.getpid(), 9)",
        "import os\nos.abort()",
        "import ctypes\nctypes.string_at(0)",
        "!kill -9 -1",
        "%%bash\nkill -9 $PPID",
    ],
)
def test_the_end_of_everything_is_the_end_of_one_kernel(hasty: PythonTool, code: str) -> None:
    """`hasty`'s kernel alone: this process, and every other one, is there to say so."""
    me = {psutil.Process(), *psutil.Process().parents()}
    result = ask(hasty, code)
    assert LOST in result.text or "kill(-1" in code  # which spares who calls it
    assert all(process.is_running() for process in me)
    assert ask(hasty, "6 * 7").text.startswith("42")


def test_the_kernels_parent_can_not_be_killed(tool: PythonTool) -> None:
    text = ask(tool, "import os\ntry: os.kill(os.getppid(), 9)\nexcept PermissionError: 1").text
    assert LOST not in text
    ask(tool, "import os\nos.kill(1, 15)\n!kill -9 1")
    assert answer(tool, "6 * 7") == "42"


def test_code_that_waits_for_input_is_answered_at_once(tool: PythonTool) -> None:
    for code in ("input('name? ')", "import getpass\ngetpass.getpass()"):
        assert "nobody can type" in str(ask(tool, code).error)
    for code in ("import sys\nsys.stdin.read()", "import os\nos.read(0, 9)"):
        assert "limit" not in str(ask(tool, code).error)


def test_what_was_left_running_is_gone_with_the_session(tmp_path: Path) -> None:
    mark = f"left-behind-{os.getpid()}"
    with sandboxed(tmp_path / "workspace") as tool:
        shell = f"setsid nohup sh -c 'trap \"\" 1 2 15; while :; do sleep 1; done' {mark} &"
        answer(tool, f"import os\nos.system({shell!r})")
        answer(
            tool,
            LEAVE % mark,
        )
        assert eventually(lambda: len(running(mark)) == 2)
    assert not running(mark)


def test_what_was_left_running_is_gone_with_its_kernel(tool: PythonTool) -> None:
    mark = f"left-behind-{os.getpid()}"
    answer(tool, LEAVE % mark)
    assert eventually(lambda: bool(running(mark)))
    ask(tool, "import os\nos._exit(0)")
    assert eventually(lambda: not running(mark))


SERVER = """
import sys, time
from pathlib import Path
from tests.support.sandboxed import LIMITS, answer
from tests.unit.tools.python.test_sandbox_endings import LEAVE
from tools.python import PythonTool
from tools.python.sandbox.bubblewrap import Bubblewrap
tool = PythonTool(Path(sys.argv[1]), LIMITS, Bubblewrap(LIMITS))
answer(tool, LEAVE % sys.argv[2])
print("ready", flush=True)
time.sleep(999)
"""


def test_nothing_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    mark = f"orphan-{os.getpid()}"
    command = [sys.executable, "-c", SERVER, str(tmp_path / "workspace"), mark]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == "ready\n"
            # What the code has started may not be its program yet.
            assert eventually(lambda: any(each.pid != server.pid for each in running(mark)))
        finally:
            server.send_signal(signal.SIGKILL)
    assert eventually(lambda: not running(mark))


def test_deep_and_closed_folders_are_deleted_with_the_session(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    code = (
        "import os\nos.mkdir('closed'); open('closed/x', 'w').close(); os.chmod('closed', 0)\n"
        "for _ in range(3000):\n    os.mkdir('deep'); os.chdir('deep')"
    )
    try:
        with sandboxed(workspace) as tool:
            error = str(ask(tool, code + "\nwhile True: pass").error)
            # Root looks into closed folders.
            cause = "100 folders inside one another" if os.geteuid() == 0 else "it closed a folder"
            assert cause in error
    finally:  # nothing else deletes what is that deep
        delete_folder(workspace)
    assert not workspace.exists()
