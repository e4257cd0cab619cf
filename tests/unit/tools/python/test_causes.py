"""Each way in which code fails is told by its own cause: in a sandbox, and in a plain process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.attachments import Upload, UploadRejected
from app.core.attachments.uploads import store_uploads
from app.core.settings import Settings
from tests.support.sandboxed import LIMITS, answer, ask, eventually, sandboxed
from tools.base import ToolError
from tools.python import ChildProcess, PythonTool
from tools.python.limits.causes import DISK, DISK_FULL, cause_of, exit_message
from tools.python.sandbox.bubblewrap import why_not
from tools.python.sandbox.process import CONNECTIONS_CLOSED
from tools.safe_files import delete_folder, read_regular

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

WAYS = [
    pytest.param("sandbox", marks=pytest.mark.skipif(why_not() is not None, reason=f"{why_not()}")),
    "plain",
]
SMALL = replace(LIMITS, file_mb=2, workspace_mb=8, processes=40)


@contextlib.contextmanager
def started(way: str, workspace: Path) -> Iterator[PythonTool]:
    if way == "sandbox":
        with sandboxed(workspace, SMALL) as tool:
            yield tool
        return
    tool = PythonTool(workspace, SMALL, ChildProcess(SMALL))
    try:
        yield tool
    finally:
        tool.close()


@pytest.fixture(scope="module", params=WAYS)
def tool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with started(request.param, tmp_path_factory.mktemp("session") / "workspace") as tool:
        yield tool


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonTool]:
    if why_not() is not None:
        pytest.skip(f"no sandbox here: {why_not()}")
    with sandboxed(tmp_path_factory.mktemp("session") / "workspace", SMALL) as tool:
        yield tool


# -- how Python ends -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import ctypes\nctypes.string_at(0)", "crashed with a segmentation fault (SIGSEGV)"),
        ("import os\nos.abort()", "aborted (SIGABRT)"),
        ("import os\nos.kill(os.getpid(), 9)", "was killed (SIGKILL): the code did that"),
        ("import os\nos.kill(os.getpid(), 8)", "crashed with an arithmetic error (SIGFPE)"),
        ("import os\nos.kill(os.getpid(), 15)", "was ended by SIGTERM"),
        ("import os\nos._exit(3)", "The code ended the Python process (exit code 3)"),
        (
            "import mmap, os\nf = open('m', 'wb+'); f.truncate(8192)\n"
            "m = mmap.mmap(f.fileno(), 8192)\nf.truncate(0)\nm[0]",
            "crashed with a bus error (SIGBUS)",
        ),
    ],
)
def test_an_end_of_python_is_told_by_its_own_cause(tool: PythonTool, code: str, cause: str) -> None:
    result = ask(tool, code)
    assert cause in str(result.error) and "Python had to be restarted" in result.text
    assert "SIGKILL" in cause or "SIGKILL" not in result.text


def test_memory_that_a_kernel_was_killed_for_is_told_as_that(tool: PythonTool) -> None:
    code = (
        "import mmap\nx = []\nwhile True:\n"
        "  x.append(mmap.mmap(-1, 1 << 25)); x[-1].write(b'x' * (1 << 25))"
    )
    assert str(ask(tool, code).error) == "The code was stopped at the memory limit of 768 MB."


def test_a_kernel_that_closes_its_own_connections_is_told_as_that(confined: PythonTool) -> None:
    code = (
        "import os, socket, time\nfor fd in range(3, 99):\n"
        "  try:\n   s = socket.socket(fileno=os.dup(fd)); s.getpeername()\n"
        "   if str(s.getsockname()).startswith('/run/kernel'): s.shutdown(2)\n"
        "  except OSError: pass\n"
        "time.sleep(20)"
    )
    assert ask(confined, code).error == CONNECTIONS_CLOSED


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, "exit code 0"), (-31, "SIGSYS"), (-24, "CPU time"), (-25, "SIGXFSZ"), (-99, "signal 99")],
)
def test_every_status_has_a_sentence(status: int, said: str) -> None:
    assert said in exit_message(status)


# -- errors of the code --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "full", "sandboxed", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", [DISK], True, DISK_FULL),
        ("OSError: [Errno 28] No space left on device", [DISK, "/tmp"], True, DISK_FULL),
        ("OSError: [Errno 28] No space left on device", [], False, DISK_FULL),
        ("OSError: [Errno 28] No space left: '/tmp/x'", ["/tmp"], True, "limit of 2 MB for /tmp."),
        ("OSError: [Errno 28]", ["/dev/shm"], True, "limit of 64 MB for /dev/shm."),
        ("OSError: [Errno 28]", [], True, "no room left, on the disk of this server or at a limit"),
        ("sqlite3.OperationalError: database or disk is full", [DISK], True, DISK_FULL),
        ("OSError: [Errno 122] Disk quota exceeded", [], True, "disk quota of this server's"),
        ("OSError: [Errno 24] Too many open files: 'a'", [], False, "limit of 512 open files"),
        ("OSError: [Errno 30] Read-only file system: '/usr/x'", [], True, "Only the working"),
        ("OSError: [Errno 30] Read-only file system: '/usr/x'", [], False, None),
        ("OSError: [Errno 36] File name too long", [DISK], True, None),
    ],
)
def test_an_error_is_told_with_its_cause(
    error: str, full: list[str], sandboxed: bool, cause: str | None
) -> None:
    told = cause_of(error, SMALL, full, sandboxed)
    assert (cause in str(told)) if cause else told is None


def test_open_files(tool: PythonTool) -> None:
    result = ask(tool, "kept = []\nwhile True: kept.append(open('/dev/null'))")
    assert "The code met the limit of 512 open files." in result.text
    ask(tool, "kept.clear()")


def test_room_in_memory_is_no_room_on_the_disk(confined: PythonTool) -> None:
    code = "import os\nfor n in range(9): open(f'/tmp/{n}', 'wb').write(b'x' * (1 << 20))"
    assert "The code met the limit of 2 MB for /tmp." in ask(confined, code).text
    ask(confined, "import glob\nfor name in glob.glob('/tmp/[0-9]'): os.remove(name)")


@pytest.mark.parametrize("name", ["d", "d" * 250], ids=["many folders", "long names"])
def test_folders_that_are_too_deep_are_told_as_that(tool: PythonTool, name: str) -> None:
    code = (
        f"import os, time\nfor _ in range(300): os.mkdir({name!r}); os.chdir({name!r})\n"
        "time.sleep(20)"
    )
    error = str(ask(tool, code).error)
    assert "limit of 100 folders inside one another, or 4,096 bytes a path" in error
    for each in tool._workspace.glob("d*"):
        delete_folder(each)
    ask(tool, "os.chdir(get_ipython().starting_dir)")


# -- output that is lost at the limit of processes -----------------------------------------------

WAITING = (
    "import threading, os\ndone = threading.Event()\n"
    "try:\n    for _ in range(99): threading.Thread(target=done.wait).start()\n"
    "except RuntimeError: pass\n"
)


@pytest.mark.parametrize(
    "code",
    [
        WAITING + "os.system('echo from the shell');",
        WAITING + "_ = os.system('echo from the shell > /dev/null')",
        "!for i in $(seq 99); do sleep 1 & done; echo done",
        "import os, time\nfor i in range(26):\n"
        "    if not os.fork(): time.sleep(0.5); print('child', i, flush=True); os._exit(0)\n"
        "time.sleep(2)",
    ],
    ids=["a command", "silence", "a shell", "children"],
)
def test_output_that_was_lost_at_the_limit_of_processes_is_said(
    confined: PythonTool, code: str
) -> None:
    text = ask(confined, code).text
    assert "limit of 40 processes and threads: what could not be started" in text
    assert "put out nothing" not in text
    ask(confined, "'done' in dir() and done.set()")
    assert eventually(lambda: answer(confined, "6 * 7") == "42")


# -- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 6 MB and 200 names."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=6m,nr_inodes=200", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


FILL = "for n in range(9): open(f'{n}', 'wb').write(b'x' * (1 << 20))"


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_told_as_that(disk: Path, way: str) -> None:
    with started(way, disk / "workspace") as tool:
        result = ask(tool, f"kept = 1\n{FILL}")
        assert "[Errno 28]" in str(result.error) and DISK_FULL in result.text
        assert "The code met" not in result.text
        shown = ask(tool, "import matplotlib.pyplot as p\np.plot([1, 2]);").text
        assert "[figure 1 is not shown: the disk of this server is full]" in shown
        with pytest.raises(UploadRejected, match="the disk of this server is full"):
            store_uploads([Upload("a.txt", b"x" * 100_000)], disk / "workspace", Settings())
        names = "import os\nfor n in range(9):\n  if os.path.exists(f'{n}'): os.remove(f'{n}')\n"
        many = ask(tool, names + "for n in range(300): open(f'n{n}', 'w').close()")
        assert "[Errno 28]" in str(many.error) and DISK_FULL in many.text
        assert answer(tool, "import glob\nfor n in glob.glob('n*'): os.remove(n)\nkept") == "1"


def test_python_that_can_not_start_on_a_full_disk_says_so(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (disk / "all").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstatvfs(file.fileno()).f_bavail * 4096)
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    tool = PythonTool(disk.parent / "workspace", SMALL)
    try:
        with pytest.raises(ToolError, match="could not be started: the disk of this server"):
            ask(tool, "1")
    finally:
        tool.close()


# -- files with odd names ------------------------------------------------------------------------

ODD = {
    "a\nb.txt": "a_b.txt",
    "t\tb.csv": "t_b.csv",
    os.fsdecode(b"\xff\xfe.txt"): "__.txt",
    "annexe\u202etxt.exe": "annexe_txt.exe",
    "sub\nfolder/in.txt": "in.txt",
}


def test_files_with_odd_names_are_offered_under_safe_ones(tool: PythonTool) -> None:
    code = (
        f"import os\nos.makedirs('sub\\nfolder', exist_ok=True)\nfor name in {list(ODD)!r}:\n"
        "    open(os.fsencode(name), 'w').write('1')"
    )
    result = ask(tool, code)
    assert {each.name for each in result.attachments} == set(ODD.values())
    for name, safe in ODD.items():
        assert f"[file {name!r}, offered to the user as {safe}: 1 byte]" in result.text
    result.text.encode()
    for each in result.attachments:
        str(each.path).encode()
        assert str(each.path).isprintable() and read_regular(each.path, 9) == b"1"
    again = ask(tool, f"with open({'a' + chr(10) + 'b.txt'!r}, 'w') as f: f.write('22');")
    (anew,) = again.attachments
    assert read_regular(anew.path, 9) == b"22"


def test_names_that_are_long_or_look_like_options_are_offered_as_they_are(tool: PythonTool) -> None:
    names = ["-rf", "l" * 251 + ".txt", "a b'\"].txt", "<b>.txt"]
    result = ask(tool, f"for name in {names!r}: open(name, 'w').close()")
    assert sorted(each.name for each in result.attachments) == sorted(names)


# -- bytes that are no text ------------------------------------------------------------------------


def test_binary_rubbish_in_the_output_swallows_nothing_after_it(tool: PythonTool) -> None:
    rubbish = "bytes(range(256)) * 4"
    for write in (f"os.write(1, {rubbish})", f"open('r', 'wb').write({rubbish})\n!cat r"):
        text = ask(tool, f"import os\nprint('before', flush=True)\n{write}\nprint('after')").text
        assert text.startswith("before") and "after" in text and "\ufffd" in text
    assert answer(tool, "print('\\udcff'); 'next'").endswith("'next'")
