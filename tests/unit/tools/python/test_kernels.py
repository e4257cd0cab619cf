"""How kernels end: idle, dead, closed, and with the server."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.support.kernel_harness import PID, KernelHarness, begin, children, harness
from tests.unit.tools.python.test_tool import ask, eventually, gone
from tools.base import ToolError
from tools.python import ChildProcess, KernelProcess, PythonTool

__all__ = ["harness"]


def test_an_idle_kernel_is_closed_and_its_owner_told(harness: KernelHarness) -> None:
    pool = harness.pool(idle=0.6)
    tool = harness.session(pool, "one")
    pid = int(ask(tool, PID).text)
    assert eventually(lambda: gone(pid))
    assert eventually(lambda: tool.has_lost_variables)
    result = ask(tool, "1 + 1")
    assert not tool.has_lost_variables
    assert result.text.startswith("2\nNote: Python had been closed after 0.01 minutes without")


def test_a_kernel_that_died_between_calls_is_cleared_away(harness: KernelHarness) -> None:
    pool = harness.pool(idle=600)
    tool = harness.session(pool, "one")
    code = "import os, threading\nthreading.Timer(0.3, os._exit, (3,)).start()\nos.getpid()"
    pid = int(ask(tool, code).text)
    assert eventually(lambda: not psutil.pid_exists(pid))  # not even a zombie is left
    assert "Python had ended since the last call" in ask(tool, "1").text


@pytest.mark.parametrize("whose", ["session", "pool"])
def test_close_during_a_call_ends_the_call(harness: KernelHarness, whose: str) -> None:
    pool = harness.pool()
    tool = harness.session(pool, "one")
    finish = begin(tool)
    (tool if whose == "session" else pool).close()
    assert finish().error is not None
    with pytest.raises(ToolError, match="closed"):
        ask(tool, "1")


def asked_in_vain(tool: PythonTool) -> None:
    with pytest.raises(ToolError):
        ask(tool, "1")


def test_close_leaves_nothing_whatever_runs(harness: KernelHarness) -> None:
    before = {process.pid for process in children()}
    pool = harness.pool(max_kernels=3)
    idle, busy, starting = (harness.session(pool, name) for name in ("idle", "busy", "starting"))
    ask(idle, "import subprocess\nown = subprocess.Popen(['sleep', '600'])")
    finish = begin(busy)
    pool.warm()
    threading.Thread(target=lambda: asked_in_vain(starting)).start()
    assert eventually(lambda: len({process.pid for process in children()} - before) >= 4)
    pool.close()
    pool.close()
    assert {process.pid for process in children()} <= before
    assert finish().error is not None
    assert {path.name for path in harness.folder.iterdir()} == {"idle", "busy", "starting"}


class Faulty(ChildProcess):
    """Starts no kernel, then real ones: a fault that can't be had from a sound installation."""

    failures = 1

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        if Faulty.failures:
            Faulty.failures -= 1
            raise FileNotFoundError("/secret/path/python")
        return super().launch(connection, workspace)


def test_a_start_that_fails_is_told_and_counts_for_nothing(harness: KernelHarness) -> None:
    Faulty.failures = 1
    pool = harness.pool(max_kernels=1, launcher=Faulty())
    tool = harness.session(pool, "one")
    with pytest.raises(ToolError, match=r"could not be started\. Try once more\.$"):
        ask(tool, "1")
    assert ask(tool, "1").text == "1"


def test_a_spare_that_fails_hinders_nobody(harness: KernelHarness) -> None:
    Faulty.failures = 1
    pool = harness.pool(launcher=Faulty())
    pool.warm()
    assert eventually(lambda: pool._spare is None and Faulty.failures == 0)
    assert ask(harness.session(pool, "one"), "1").text == "1"


PROGRAM = """
import signal, sys, time
from pathlib import Path
from tools.base import ToolCall, ToolContext
from tools.python import PythonLimits, PythonTool
from tools.python.sandbox.selection import choose_sandbox
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests may ignore it
folder = Path(sys.argv[1])
launcher = choose_sandbox(sys.argv[2], True, PythonLimits()).launcher
pool = KernelPool(LocalHost(launcher, PythonLimits()), spares=folder)
call = ToolCall("1", "python", "print('in', flush=True)\\nwhile True: pass", raw="code")
pool.warm()
while not pool.ready:
    time.sleep(0.05)
tool, other = PythonTool(folder / "a", pool=pool), PythonTool(folder / "b", pool=pool)
other.run(ToolCall("2", "python", "1", raw="code"), ToolContext(folder))
tool.run(call, ToolContext(folder, progress=lambda _: print("ready", flush=True)))
"""


@pytest.mark.parametrize(
    ("number", "sandbox"),
    [
        (signal.SIGKILL, "none"),
        (signal.SIGKILL, "auto"),
        (signal.SIGTERM, "auto"),
        (signal.SIGINT, "auto"),
    ],
)
def test_no_kernel_outlives_the_server(tmp_path: Path, number: int, sandbox: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), sandbox],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # what a killed server can't clear away
    ) as server:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        kernels = [process.pid for process in psutil.Process(server.pid).children(recursive=True)]
        assert len(kernels) >= 2 and not any(map(gone, kernels))
        server.send_signal(number)
        assert eventually(lambda: all(map(gone, kernels)))
        server.kill()


class Killing(ChildProcess):
    """Kills the first `count` processes as they start, as a machine without free memory does."""

    count = 0

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        process = super().launch(connection, workspace)
        if Killing.count > 0:
            Killing.count -= 1
            process.kill()
        return process


@pytest.mark.parametrize("killed", [1, 2])
def test_a_kernel_that_ends_without_a_word_is_started_once_more(
    tmp_path: Path, killed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Killing, "count", killed)
    tool = PythonTool(tmp_path / "workspace", launcher=Killing())
    try:
        if killed == 1:
            assert ask(tool, "6 * 7").text == "42"
        else:
            with pytest.raises(ToolError, match="could not be started"):
                ask(tool, "6 * 7")
    finally:
        tool.close()
