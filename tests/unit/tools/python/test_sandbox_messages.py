"""What sandboxed code sends to the server, in its own name and as the kernel: no harm in it."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.sandboxed import answer, ask, needs_sandbox, sandboxed
from tools.python import PythonTool
from tools.python.sandbox.process import Relay

pytestmark = needs_sandbox


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session") / "workspace"


@pytest.fixture(scope="module")
def tool(workspace: Path) -> Iterator[PythonTool]:
    with sandboxed(workspace) as tool:
        yield tool


# Forged messages. Each is sent in the middle of a call, whose own output must still come.

_SEND = """
import json
k = get_ipython().kernel
def parts(header=None, parent=None, metadata=None, content=None):
    header = header or {'msg_id': 'x', 'msg_type': 'stream', 'session': 's', 'username': 'u',
                        'date': '2026-01-01T00:00:00Z', 'version': '5.3'}
    own = k.get_parent('shell')['header'] if parent is None else parent
    four = (header, own, metadata or {}, content or {})
    return [json.dumps(part, default=str).encode() for part in four]
def send(*raw, topic=b'stream', sign=True):
    signature = k.session.sign(list(raw)) if sign else b'0' * 64
    k.iopub_thread.send_multipart([topic, b'<IDS|MSG>', signature, *raw])
"""

FORGED = {
    "unsigned": "send(*parts(content={'name': 'stdout', 'text': 'FORGED'}), sign=False)",
    "no JSON": "send(b'{', b'\\xff', b'', b'nul')",
    "too few parts": "send(b'{}')",
    "no delimiter": "k.iopub_thread.send_multipart([b'x'] * 5)",
    "empty": "k.iopub_thread.send_multipart([b''])",
    "header a list": "send(*parts(header=[1, 2]))",
    "header without a type": "send(*parts(header={'msg_id': 'x'}))",
    "type a list": "send(*parts(header={'msg_id': 'x', 'msg_type': []}))",
    "parent a list": "send(*parts(parent=[1]))",
    "parent null": "p = parts(); p[1] = b'null'; send(*p)",
    "content a list": "send(*parts(content=[1]))",
    "content null": "p = parts(); p[3] = b'null'; send(*p)",
    "text a number": "send(*parts(content={'name': [], 'text': 7}))",
    "nested": "p = parts(); p[3] = b'[' * 10**6; send(*p)",
    "a number of a million digits": "p = parts(); p[3] = b'[' + b'9' * 10**6 + b']'; send(*p)",
    "a date that is none": "send(*parts({'msg_id': 'x', 'msg_type': 'stream', 'date': []}))",
    "a display of nothing": (
        "h = {'msg_id': 'x', 'msg_type': 'display_data'}\n"
        "send(*parts(h, content={'data': {'text/plain': [], 'image/png': 7, 'x': None}}))"
    ),
    "an error of nothing": (
        "h = {'msg_id': 'x', 'msg_type': 'error'}\n"
        "send(*parts(h, content={'ename': 1, 'evalue': {}, 'traceback': 5}))"
    ),
    "another call's": (
        "send(*parts(parent={'msg_id': 'other'}, content={'name': 'stdout', 'text': 'FORGED'}))"
    ),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_message_is_passed_over(tool: PythonTool, forged: str) -> None:
    answer(tool, _SEND)
    result = ask(tool, f"print('before', flush=True)\n{FORGED[forged]}\nprint('after')")
    assert "before" in result.text and "after" in result.text and "FORGED" not in result.text
    assert answer(tool, "6 * 7") == "42"


def test_a_flood_of_forged_messages_is_cut_off(tool: PythonTool) -> None:
    """A message of any number of parts would otherwise be collected in the server's memory."""
    before = psutil.Process().memory_info().rss
    answer(tool, _SEND)
    result = ask(
        tool,
        "part = b'x' * (1 << 20)\n"
        "k.iopub_thread.send_multipart([part] * 3000, copy=False)\nwhile True: pass",
    )
    assert "limit of 128 MB of output" in result.text
    assert psutil.Process().memory_info().rss - before < 1 << 30
    assert answer(tool, "6 * 7") == "42"


def test_a_socket_that_was_replaced_is_not_followed(tmp_path: Path) -> None:
    """The code may put a link to any socket of the host in the place of its own."""
    said: queue.Queue[bool] = queue.Queue()
    with socket.socket(socket.AF_UNIX) as victim:
        victim.bind(str(tmp_path / "victim"))
        victim.listen()
        victim.settimeout(1)
        os.symlink(tmp_path / "victim", tmp_path / "far")
        relay = Relay({tmp_path / "near": tmp_path / "far"}, 1000, said.put)
        try:
            with socket.socket(socket.AF_UNIX) as near:
                near.connect(str(tmp_path / "near"))
                near.send(b"x")
                with pytest.raises(TimeoutError):
                    victim.accept()
                # A socket of its own in that place is found.
                os.remove(tmp_path / "far")
                with socket.socket(socket.AF_UNIX) as own:
                    own.bind(str(tmp_path / "far"))
                    own.listen()
                    own.settimeout(20)
                    kernel, _ = own.accept()
                    with kernel:
                        assert kernel.recv(10) == b"x"
                        kernel.sendall(b"y" * 2000)
                        assert said.get(timeout=20) is True
                        assert len(near.recv(4000)) <= 1000
        finally:
            relay.close()


def test_a_kernel_without_its_sockets_is_replaced(tool: PythonTool) -> None:
    ask(tool, "get_ipython().kernel.iopub_thread.socket.close(0)")
    result = ask(tool, "6 * 7")
    # The first call may end before the loss shows; then the second one is told of it.
    if result.error and "closed the connections of Python itself" in result.error:
        result = ask(tool, "6 * 7")
    assert result.text.startswith("42")
    answer(tool, "import glob, os\nfor path in glob.glob('/run/kernel/*'): os.remove(path)")
    assert answer(tool, "6 * 7") == "42"


# Too much output.


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nfor _ in range(1000): _ = sys.stdout.write('x' * 1_000_000)",
        "line = 'x' * 99 + '\\n'\nfor _ in range(100): print(line * 100_000)",
        "!head -c 1G /dev/zero | tr '\\0' x",
    ],
    ids=["one line", "many lines", "of another process"],
)
def test_a_gigabyte_of_output_is_cut(tool: PythonTool, code: str) -> None:
    before = psutil.Process().memory_info().rss
    result = ask(tool, code)
    assert len(result.text) < 10_000
    assert psutil.Process().memory_info().rss - before < 200 << 20
    assert ask(tool, "6 * 7").text.startswith("42")


def test_a_picture_that_claims_to_be_huge_is_refused(tool: PythonTool) -> None:
    code = (
        "import struct, zlib\nfrom IPython.display import Image, display\n"
        "def chunk(kind, data):\n"
        "    crc = struct.pack('>I', zlib.crc32(kind + data))\n"
        "    return struct.pack('>I', len(data)) + kind + data + crc\n"
        "head = struct.pack('>IIBBBBB', 60_000, 60_000, 8, 6, 0, 0, 0)\n"
        "png = b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head)\n"
        "display(Image(data=png + chunk(b'IDAT', zlib.compress(b'x')) + chunk(b'IEND', b'')))"
    )
    result = ask(tool, code)
    assert "is not shown" in result.text and not result.attachments


def test_links_and_other_traps_are_not_offered_for_download(tool: PythonTool) -> None:
    code = (
        "import os, socket\nos.symlink('/etc/passwd', 'link.csv')\nos.mkfifo('pipe.csv')\n"
        "socket.socket(socket.AF_UNIX).bind('socket.csv')\nos.symlink('/etc', 'etc')\n"
        "open('fine.csv', 'w').write('a,b')"
    )
    result = ask(tool, code)
    assert {attachment.name for attachment in result.attachments} == {"fine.csv"}


# Two sessions at once.

WORST = {
    "cpu": "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
    "memory": "x = []\nwhile True:\n  try: x.append(b'x' * 10**7)\n  except MemoryError: x = []",
    "output": "while True: print('x' * 10_000)",
}


@pytest.mark.parametrize("worst", WORST)
def test_another_sessions_calls_stay_right(tool: PythonTool, tmp_path: Path, worst: str) -> None:
    ask(tool, "kept = 1")
    with sandboxed(tmp_path / "workspace") as attacker:
        answer(attacker, "1")
        attack = threading.Thread(target=ask, args=(attacker, WORST[worst]), daemon=True)
        attack.start()
        for number in range(20):
            work = f"sum(n * n for n in range({number}, 200_000)), kept"
            assert answer(tool, work) == f"({sum(n * n for n in range(number, 200_000))}, 1)"
    attack.join(60)
    assert not attack.is_alive()
