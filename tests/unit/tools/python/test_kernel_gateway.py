"""The `python` tool on kernels behind a real Jupyter Kernel Gateway, on loopback."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from tests.unit.tools.python.test_tool import ask, eventually
from tools.base import ToolContext, ToolError
from tools.python import PythonLimits, PythonTool
from tools.python.kernels.gateway import Gateway, GatewayFailed, GatewayHost
from tools.python.kernels.pool import KernelPool
from tools.python.tool import installed_packages

TOKEN = "token-of-the-gateway"
LIMITS = PythonLimits(seconds=30, characters=2000)
HASTY = PythonLimits(seconds=1.5, characters=2000)
MOST = 3


class Running:
    """A gateway in a process of its own."""

    def __init__(self, folder: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "kernel_gateway",
                f"--KernelGatewayApp.port={port}",
                f"--KernelGatewayApp.max_kernels={MOST}",
                "--JupyterWebsocketPersonality.list_kernels=True",
            ],
            cwd=folder,
            env=os.environ | {"KG_AUTH_TOKEN": TOKEN, "SECRET_OF_THE_GATEWAY": "secret"},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.gateway = Gateway(self.url, TOKEN)
        assert eventually(self.answers, 60)

    def answers(self) -> bool:
        with contextlib.suppress(GatewayFailed):
            return self.gateway.check() == "python3"
        return False

    def kernels(self) -> set[str]:
        answer = httpx.get(f"{self.url}/api/kernels", headers={"Authorization": f"token {TOKEN}"})
        return {kernel["id"] for kernel in answer.json()}

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        running = Running(folder)
        yield running
        running.process.terminate()
        running.process.wait(20)


@pytest.fixture
def pool(running: Running) -> Iterator[KernelPool]:
    pool = KernelPool(GatewayHost(running.gateway, LIMITS))
    yield pool
    pool.close()


@pytest.fixture
def tool(pool: KernelPool, tmp_path: Path) -> PythonTool:
    return PythonTool(tmp_path, LIMITS, pool=pool)


def unpooled(url: str, workspace: Path, token: str = TOKEN) -> PythonTool:
    return PythonTool(workspace, LIMITS, pool=KernelPool(GatewayHost(Gateway(url, token), LIMITS)))


def test_values_errors_and_variables_are_as_on_this_machine(tool: PythonTool) -> None:
    assert ask(tool, "x = 6\nprint('first')\nx * 7").text == "first\n42"
    result = ask(tool, "%%writefile own_module.py\ndef fail():\n    raise LookupError('inside')")
    result = ask(tool, "import own_module\nown_module.fail()")
    assert result.error == "LookupError: inside"
    assert 'own_module.py", line 2, in fail' in result.text and "site-packages" not in result.text
    assert "nobody can type" in str(ask(tool, "input()").error)
    flood = ask(tool, "for i in range(30_000): print('line', i)\nx").text
    assert flood.startswith("line 0\n") and flood.endswith("line 29999\n6")


def test_figures_come_back_all_the_same(tool: PythonTool, tmp_path: Path) -> None:
    result = ask(tool, "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()")
    (figure,) = [each for each in result.attachments if each.mime == "image/png"]
    assert figure.path.is_relative_to(tmp_path) and figure.path.read_bytes()[1:4] == b"PNG"
    assert "[figure 1" in result.text


def test_the_description_says_where_files_are(tool: PythonTool) -> None:
    text = tool.specs(native=True)[0].description
    assert "on another machine" in text and "Files stay on that machine" in text
    # Nobody knows what is installed there. (Of four it says how what they make is shown.)
    assert "Installed packages" not in text
    shown = {"pandas", "matplotlib", "plotly", "altair"}
    assert not [name for name in installed_packages() if name not in shown and name in text]


def test_a_session_has_a_folder_of_its_own_that_goes_with_it(
    pool: KernelPool, tmp_path: Path
) -> None:
    one, two = (PythonTool(tmp_path / name, LIMITS, pool=pool) for name in ("one", "two"))
    folder = ask(one, "open('mine.txt', 'w').close()\nimport os\nprint(os.getcwd())").text
    assert ask(two, "import os\nos.listdir()").text == "[]"
    assert (Path(folder.splitlines()[0]) / "mine.txt").exists()
    one.close()
    assert eventually(lambda: not Path(folder.splitlines()[0]).exists())


def test_nothing_of_the_gateways_environment_leaks(tool: PythonTool) -> None:
    text = ask(tool, "import os\nprint(dict(os.environ))").text
    assert "PATH" in text and TOKEN not in text and "SECRET_OF_THE_GATEWAY" not in text


def test_the_time_limit_interrupts_and_variables_stay(pool: KernelPool, tmp_path: Path) -> None:
    hasty = PythonTool(tmp_path, HASTY, pool=pool)
    ask(hasty, "before = 'still here'")
    result = ask(hasty, "print('going')\nwhile True: pass")
    assert result.error == "The code was stopped at the time limit of 1.5 seconds."
    assert result.text.endswith("variables are still there.")
    assert ask(hasty, "before").text == "'still here'"


def test_code_that_ignores_the_interrupt_is_killed_and_the_loss_told(
    running: Running, pool: KernelPool, tmp_path: Path
) -> None:
    hasty = PythonTool(tmp_path, HASTY, pool=pool)
    ask(hasty, "x = 1")
    (old,) = running.kernels()
    code = "import time\nwhile True:\n  try: time.sleep(60)\n  except KeyboardInterrupt: pass"
    result = ask(hasty, code)
    assert "time limit of 1.5 seconds" in str(result.error)
    assert "all variables, imports and files are gone" in result.text
    assert ask(hasty, "x").error == "NameError: name 'x' is not defined"
    assert eventually(lambda: old not in running.kernels(), 20)


def test_stop_ends_the_call_and_leaves_a_usable_kernel(tool: PythonTool) -> None:
    ask(tool, "x = 1")
    cancel = threading.Event()
    context = ToolContext(Path(), cancel, lambda _: cancel.set())
    result = ask(tool, "import time\nprint('running', flush=True)\ntime.sleep(600)", context)
    assert result.error == "Stopped by the user." and result.text.startswith("running")
    assert ask(tool, "x").text == "1"


def test_a_kernel_that_dies_is_noticed_and_replaced(tool: PythonTool) -> None:
    result = ask(
        tool, "import os, time\nprint('last words', flush=True)\ntime.sleep(0.2)\nos._exit(7)"
    )
    assert result.error == "The Python process on the other machine ended."
    assert result.text.startswith("last words")
    assert ask(tool, "1 + 1").text == "2"


def test_a_death_between_two_calls_is_told_with_the_next(
    running: Running, tool: PythonTool
) -> None:
    ask(tool, "x = 1")
    code = "import os, threading\nthreading.Timer(0.2, os._exit, (3,)).start()\nprint(os.getpid())"
    (kernel,) = running.kernels()
    pid = int(ask(tool, code).text)
    restarted = f"{running.url}/api/kernels/{kernel}"
    headers = {"Authorization": f"token {TOKEN}"}
    state = lambda: httpx.get(restarted, headers=headers).json()["execution_state"]  # noqa: E731
    assert eventually(lambda: not Path(f"/proc/{pid}").exists() and state() != "dead", 20)
    assert eventually(lambda: "Note: Python had ended" in ask(tool, "1 + 1").text, 20)


def test_kernels_are_deleted_with_their_sessions(
    running: Running, pool: KernelPool, tmp_path: Path
) -> None:
    tools = [PythonTool(tmp_path / str(number), LIMITS, pool=pool) for number in range(2)]
    for each in tools:
        ask(each, "1")
    assert len(running.kernels()) == 2
    tools[0].close()
    assert len(running.kernels()) == 1
    pool.close()
    assert running.kernels() == set()


def test_a_spare_kernel_stands_ready_there_too(running: Running, tmp_path: Path) -> None:
    pool = KernelPool(GatewayHost(running.gateway, LIMITS), spares=tmp_path)
    try:
        pool.warm()
        assert eventually(lambda: pool.ready, 60)
        tool = PythonTool(tmp_path / "one", LIMITS, pool=pool)
        assert ask(tool, "import sys\n'pandas' in sys.modules").text == "True"
    finally:
        pool.close()
    assert running.kernels() == set()


# A gateway that is gone, refuses, or is none.


def test_a_gateway_without_room_says_so(running: Running, pool: KernelPool, tmp_path: Path) -> None:
    for number in range(MOST):
        ask(PythonTool(tmp_path / str(number), LIMITS, pool=pool), "1")
    with pytest.raises(ToolError, match="no room for another kernel"):
        ask(PythonTool(tmp_path / "more", LIMITS, pool=pool), "1")


def test_a_wrong_token_is_refused_in_a_sentence(running: Running, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="refuses the token") as caught:
        ask(unpooled(running.url, tmp_path, "wrong-token"), "1")
    assert "wrong-token" not in str(caught.value) and "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://host", "http://[::"])
def test_what_is_no_address_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="GLM_KERNEL_GATEWAY_URL is no http"):
        ask(unpooled(url, tmp_path), "1")


def test_a_gateway_that_goes_away_during_a_call_is_told(tmp_path: Path) -> None:
    running = Running(str(tmp_path))
    tool = unpooled(running.url, tmp_path)
    try:
        context = ToolContext(Path(), progress=lambda _: running.end())
        result = ask(tool, "import time\nprint('in', flush=True)\ntime.sleep(600)", context)
        assert result.error == "The connection to the kernel gateway was lost."
        assert "all variables, imports and files are gone" in result.text
        with pytest.raises(ToolError, match=r"^The kernel gateway does not answer\.$"):
            ask(tool, "1")
    finally:
        running.end()
        tool.close()


class Odd(BaseHTTPRequestHandler):
    """Answers like no gateway does: faults that the real one does not have."""

    answers: ClassVar[dict[str, tuple[int, object]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = self.answers.get(self.command, (404, None))
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, None, "no kernel gateway"),
        (201, b"<html>", "no kernel gateway"),
        (201, [], "no kernel gateway"),
        (201, {"id": 3}, "no kernel gateway"),
        (500, None, r"refuses to start a kernel \(HTTP 500\)"),
        (201, {"id": "../../x"}, "refuses the connection"),
    ],
)
def test_an_odd_answer_is_one_sentence(
    status: int, content: object, said: str, tmp_path: Path
) -> None:
    Odd.answers, Odd.asked = {"POST": (status, content)}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(ToolError, match=said):
            ask(unpooled(f"http://127.0.0.1:{server.server_port}/", tmp_path), "1")
    finally:
        server.shutdown()
        server.server_close()
    assert Odd.asked[0] == "POST /api/kernels"
    if content == {"id": "../../x"}:  # what was started is not left behind
        assert Odd.asked[-1] == "DELETE /api/kernels/..%2F..%2Fx"
