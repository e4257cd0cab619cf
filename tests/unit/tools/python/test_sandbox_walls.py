"""What sandboxed code tries to read, write and reach, by whatever means: it finds nothing."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandboxed import answer, ask, needs_sandbox, sandboxed
from tools.python import PythonTool
from tools.python.sandbox import bwrap_command

pytestmark = needs_sandbox

SECRET = "the-secret-of-the-server"
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session") / "workspace"


@pytest.fixture(scope="module")
def tool(workspace: Path) -> Iterator[PythonTool]:
    """One kernel for all; its server has a key in its environment."""
    before = dict(os.environ)
    os.environ["GLM_API_KEY"] = SECRET
    try:
        with sandboxed(workspace) as tool:
            yield tool
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def other(tool: PythonTool, tmp_path: Path) -> Path:
    """A file in the workspace of another session, of which everybody may read."""
    folder = tmp_path / "other-session"
    folder.mkdir()
    path = folder / "private.txt"
    path.write_text(SECRET)
    path.chmod(0o644)
    return path


# Ways to print a file: %s is its path.
READERS = {
    "open": "print(open(%r).read())",
    "shell": "!cat %s",
    "bash": "%%%%bash\ncat %s",
    "subprocess": "import subprocess as s\nprint(s.run(['cat', %r], capture_output=True).stdout)",
    "ctypes": (
        "import ctypes\nlibc = ctypes.CDLL(None)\nhandle = libc.open(%r.encode(), 0)\n"
        "data = ctypes.create_string_buffer(100_000)\nlibc.read(handle, data, 99_999)\n"
        "print(data.value)"
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_files_of_the_host_are_not_there(tool: PythonTool, other: Path, reader: str) -> None:
    readable = "/usr/share/common-licenses" if os.path.isdir("/usr/share/common-licenses") else None
    for path in ("/etc/shadow", "/etc/passwd", "/etc/hostname", str(other), f"{ROOT}/README.md"):
        text = ask(tool, READERS[reader] % path).text
        content = _head(Path(path))
        assert content not in text, path
    if readable:  # the reader itself works
        assert "Apache License" in ask(tool, READERS[reader] % f"{readable}/Apache-2.0").text


@pytest.mark.parametrize("reader", READERS)
def test_the_environment_of_the_server_and_of_bubblewrap_is_out_of_reach(
    tool: PythonTool, reader: str
) -> None:
    for pid in (1, "self", os.getpid(), os.getppid()):
        assert SECRET not in ask(tool, READERS[reader] % f"/proc/{pid}/environ").text
    assert SECRET not in answer(tool, "import os\nprint(dict(os.environ))\n!env")


def test_nothing_says_on_which_machine_for_whom_and_where_it_runs(tool: PythonTool) -> None:
    text = answer(
        tool,
        "import os, pathlib, socket\nprint(socket.gethostname(), os.getcwd())\n"
        "for path in ('/proc/1/cmdline', '/proc/self/cmdline', '/proc/self/mountinfo'):\n"
        "    print(pathlib.Path(path).read_bytes())\n"
        "print(os.listdir('/run/kernel'), open('/run/kernel/connection.json').read())\n",
    )
    assert text.startswith("python /mnt/data\n")
    if socket.gethostname() != "python":
        assert socket.gethostname() not in text.splitlines()[0]
    assert "GLM" not in text and str(os.getpid()) not in answer(tool, "!ps -e -o pid=").split()


def test_of_the_apps_folder_nothing_but_python_itself_is_there(tool: PythonTool) -> None:
    seen = answer(tool, f"import glob\nglob.glob({f'{ROOT}/*'!r}) + glob.glob({f'{ROOT}/.*'!r})")
    assert {Path(path).name for path in eval(seen)} <= {".venv", "venv", "env"}
    assert "ModuleNotFoundError" in str(ask(tool, "import app.core.settings").error)


def test_an_app_that_is_installed_as_a_package_hides_no_other_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bwrap_command, "_PROJECT", Path(sysconfig.get_path("purelib")))
    with sandboxed(tmp_path / "workspace") as tool:
        assert answer(tool, "import numpy\nprint(numpy.arange(3).sum())") == "3"


def test_a_python_that_was_started_by_a_roundabout_path_has_its_sandbox(tmp_path: Path) -> None:
    roundabout = os.path.relpath(sys.executable, tmp_path)
    code = "from tools.python.sandbox.bubblewrap import _trial; print(_trial())"
    ran = [
        subprocess.run(
            [python, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in (sys.executable, roundabout)
    ]
    assert ran[0] == ran[1] and "trouble=None" in ran[0]


def test_there_are_no_capabilities_and_none_to_gain(tool: PythonTool) -> None:
    status = answer(tool, "print(open('/proc/self/status').read())")
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {int(values[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert values["NoNewPrivs"] == "1"
    assert "0" not in values["Uid"].split()


def test_the_code_is_not_root_on_the_host(tool: PythonTool, workspace: Path) -> None:
    """What it writes belongs to a user that has nothing else, or to the one who runs the server."""
    answer(tool, "open('mine.txt', 'w').close()")
    owner = (workspace / "mine.txt").stat().st_uid
    assert owner != 0
    assert owner == os.getuid() or os.getuid() == 0


@pytest.mark.parametrize(
    "code",
    [
        "!unshare -Urm true && echo GAINED",
        "!unshare -n true && echo GAINED",
        "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: print('GAINED')",
        "import ctypes as c\nif c.CDLL(None).syscall(56, 0x10000011, 0, 0) > 0: print('GAINED')",
        "!mount -t tmpfs none /tmp && echo GAINED",
        "!su -c id root < /dev/null && echo GAINED",
        "import os\nos.setuid(0)\nprint('GAINED')",
        "import ctypes\nif ctypes.CDLL(None).memfd_create(b'x', 0) >= 0: print('GAINED')",
        "import ctypes\nif ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600) >= 0: print('GAINED')",
        "import ctypes\nif ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0: print('GAINED')",
        "open('/proc/sys/kernel/core_pattern', 'w').write('x')\nprint('GAINED')",
        "open('/proc/sysrq-trigger', 'w').write('h')\nprint('GAINED')",
        "open('/dev/tty', 'w').write('x')\nprint('GAINED')",
        "import resource as r\nr.setrlimit(r.RLIMIT_NPROC, (4096, 4096))\nprint('GAINED')",
    ],
)  # fmt: skip
def test_rights_can_not_be_gained(tool: PythonTool, code: str) -> None:
    assert "GAINED" not in [line.strip() for line in ask(tool, code).text.splitlines()]


# Writing.


WRITERS = {
    "open": "open(%r, 'w').write('x')",
    "shell": "!echo x > %s",
    "bash": "%%%%bash\necho x > %s",
    "subprocess": "import subprocess\nsubprocess.run(['touch', %r])",
    "ctypes": "import ctypes\nctypes.CDLL(None).open(%r.encode(), 0o101, 0o644)",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_written_but_in_the_workspace_and_tmp(
    tool: PythonTool, workspace: Path, tmp_path: Path, writer: str
) -> None:
    name = f"written-by-{writer}"
    places = (
        "/",
        "/usr",
        "/usr/local/bin",
        "/etc",
        "/dev",
        "/mnt",
        "/run",
        "/root",
        "/home",
        "/var",
    )
    for place in (*places, str(tmp_path), str(ROOT), f"{ROOT}/.venv"):
        ask(tool, WRITERS[writer] % f"{place}/{name}")
        assert not Path(place, name).exists()
        assert answer(tool, f"import os\nos.path.exists({f'{place}/{name}'!r})") == "False", place
    ask(tool, WRITERS[writer] % f"/mnt/data/{name}")
    ask(tool, WRITERS[writer] % f"/tmp/{name}")
    assert (workspace / name).exists() and not Path("/tmp", name).exists()
    assert answer(tool, f"import os\nos.path.exists('/tmp/{name}')") == "True"


# The network.


@pytest.fixture
def listening() -> Iterator[int]:
    """A server on loopback that says what nobody in a sandbox may hear."""

    class Teller(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Teller) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_machines_own_servers_are_not_reached(tool: PythonTool, listening: int) -> None:
    code = f"import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{listening}').read()"
    assert SECRET in eval(code.split("\n")[1], {"urllib": __import__("urllib.request")}).decode()
    for way in (
        code,
        f"!curl -s http://127.0.0.1:{listening}",
        f"!wget -qO- 127.0.0.1:{listening}",
    ):
        assert SECRET not in ask(tool, way).text


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "8.8.8.8", "::1"]
)
def test_no_address_is_reached(tool: PythonTool, address: str) -> None:
    family = "AF_INET6" if ":" in address else "AF_INET"
    for kind, port in (("SOCK_STREAM", 80), ("SOCK_DGRAM", 53)):
        code = (
            f"import socket\ns = socket.socket(socket.{family}, socket.{kind})\ns.settimeout(5)\n"
            f"s.connect(({address!r}, {port}))\ns.send(b'x')\nprint('REACHED', s.recv(10))"
        )
        result = ask(tool, code)
        assert "REACHED" not in (result.text if result.error is None else "")
        assert result.error is not None


def test_names_are_not_looked_up(tool: PythonTool) -> None:
    assert "gaierror" in str(ask(tool, "import socket\nsocket.gethostbyname('example.org')").error)


def test_sockets_of_the_host_are_not_there(tool: PythonTool, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        code = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect(%r)"
        assert "FileNotFoundError" in str(ask(tool, code % str(path)).error)
        # Nor by the names that are in no folder.
        with socket.socket(socket.AF_UNIX) as nameless:
            nameless.bind(b"\0of-the-server")
            nameless.listen()
            refused = str(ask(tool, code % "\0of-the-server").error)
    assert "ConnectionRefusedError" in refused


def _head(path: Path) -> str:
    try:
        return path.read_text()[:40].splitlines()[0]
    except (OSError, IndexError):
        return SECRET
