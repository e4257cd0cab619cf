"""What a process leaves when it is killed, and what the next one makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.process_folder import MAX_TEMP_BYTES, ProcessFolder
from tests.support.loopback_web import Site, html
from tests.support.sandboxed import eventually, written
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text
from tests.unit.cli.test_commands import Door, call
from tools.safe_files import delete_folder

OTHERS = f"{os.getpid()}-0123456789abcdef"
SCRIPT = html(
    "<div id=root></div><script>document.getElementById('root').innerHTML = "
    "'<p>' + 'Otters eat sea urchins every day. '.repeat(20) + '</p>'</script>"
)
# Leaves a process behind that ends with nobody.
HOLD = (
    "import subprocess, time\n"
    "subprocess.Popen(['sleep', '987'], start_new_session=True)\nopen('made.txt', 'w').close()\n"
    "time.sleep(600)"
)


def folders(root: Path) -> set[str]:
    return {each.name for each in root.iterdir() if each.is_dir()}


def began_before(folder: Path) -> None:
    """Have the folder look as if this process began after it was last changed."""
    folder.mkdir(parents=True)
    os.utime(folder, (0, 0))


def test_a_running_process_keeps_its_folder_and_a_dead_one_does_not(tmp_path: Path) -> None:
    first = ProcessFolder(tmp_path)
    second = ProcessFolder(tmp_path)
    assert folders(tmp_path) == {first.path.name, second.path.name}
    os.close(first._lock)  # as the system does at the end of a process
    third = ProcessFolder(tmp_path)
    assert folders(tmp_path) == {second.path.name, third.path.name}
    for each in (second, third):
        each.close()
    assert folders(tmp_path) == set()


def test_a_folder_is_known_as_old_though_its_number_is_alive_again(tmp_path: Path) -> None:
    """In a container every start has the same number: that of this process, here."""
    began_before(tmp_path / OTHERS)  # by the time alone, as of a version without locks
    with_lock = tmp_path / f"{OTHERS[:-1]}1"
    with_lock.mkdir()
    (with_lock / ".lock").touch()
    of_living = tmp_path / f"{OTHERS[:-1]}2"
    of_living.mkdir()
    for strange in ("search", "1-x", "notes-1"):
        (tmp_path / strange).mkdir()
    own = ProcessFolder(tmp_path)
    assert folders(tmp_path) == {of_living.name, own.path.name, "search", "1-x", "notes-1"}


def test_only_folders_that_it_made_are_deleted_elsewhere(tmp_path: Path) -> None:
    kept = tmp_path / "glm-precious"
    kept.mkdir()
    elsewhere = tmp_path / "data" / OTHERS / "elsewhere"
    elsewhere.mkdir(parents=True)
    (elsewhere.parent / ".lock").touch()
    (elsewhere / "glm-other").symlink_to(kept)
    (elsewhere / "home").symlink_to(Path.home())
    ProcessFolder(tmp_path / "data").close()
    assert kept.is_dir() and Path.home().is_dir() and not elsewhere.exists()


def test_temporary_files_lie_in_one_short_folder(tmp_path: Path) -> None:
    """However long the path of the data folder is: sockets have no room for it."""
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    own = ProcessFolder(tmp_path / ("long-" * 40))
    own.keep_temporary_files()
    try:
        made = Path(tempfile.mkdtemp())
        child = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
        said = subprocess.run(child, capture_output=True, text=True, check=True).stdout.strip()
        assert Path(said) == made.parent and len(bytes(made.parent)) <= MAX_TEMP_BYTES
    finally:
        own.close()
    assert not made.parent.exists()
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before


# -- the back door, killed -----------------------------------------------------------------------


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    for target in owned(door):
        delete_folder(target)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(script: Any) -> ScriptedServer:
        servers.append(ScriptedServer(script).start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def owned(door: Door) -> list[Path]:
    """The folders elsewhere of all processes."""
    return [Path(os.readlink(link)) for link in (door.folder / "data").glob("*/elsewhere/*")]


def inhabitants(folders: list[Path]) -> list[psutil.Process]:
    """The processes whose temporary files lie in one of the folders."""
    found = []
    for process in psutil.process_iter():
        try:
            place = process.environ().get("TMPDIR", "")
        except psutil.Error:
            continue
        if any(place and Path(place).is_relative_to(folder) for folder in folders):
            found.append(process)
    return found


@pytest.mark.parametrize("sandbox", ["auto", "none"])
def test_the_next_start_clears_what_a_killed_process_left(
    door: Door, serve: Any, sandbox: str
) -> None:
    with Site() as site:
        site.pages["/script"] = SCRIPT
        looks = call("open_url", {"url": f"{site.url}/script"})
        server = serve([looks, call("python", {"code": HOLD}), [Text("never")]])
        door.environment |= {
            "GLM_BROWSER_ALLOW": site.address,
            "GLM_PYTHON_SANDBOX": sandbox,
            "GLM_DATA": str(door.folder / "data"),
        }
        process = door.start("ask", "--json", "--mode", "tools", "--model", server.url, "go")
        data = door.folder / "data"
        assert eventually(lambda: bool(owned(door) and made(door)), 120)
        (temp,) = [each for each in owned(door) if each.parent != (door.folder / "tmp")]
        assert {each.name.partition("-")[0] for each in temp.iterdir()} >= {"kernel", "chromium"}
        left = owned(door)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (old,) = data.glob("[0-9]*-*")
    ended = door.run("ask", "--model", serve([[Text("hello")]]).url, "hello")
    assert ended.out == "hello\n"
    assert not old.exists() and not [folder for folder in left if folder.exists()]
    assert eventually(lambda: not inhabitants(left))
    assert [each.name for each in data.iterdir() if each.is_dir()] in ([], ["search"])


def made(door: Door) -> list[Path]:
    return written(door.folder / "tmp", "made.txt")


def test_files_that_the_user_was_told_of_outlive_a_kill(door: Door, serve: Any) -> None:
    writes = call("python", {"code": "open('table.csv', 'w').write('a')"})
    holds = call("python", {"code": "import time\nprint('in', flush=True)\ntime.sleep(600)"})
    server = serve([writes, holds, [Text("never")]])
    process = door.start("ask", "--json", "--mode", "tools", "--model", server.url, "go")
    assert eventually(lambda: len(server.requests) == 2, 120)
    (file,) = written(door.folder / "tmp", "table.csv")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    door.run("ask", "--model", serve([[Text("hello")]]).url, "hello")
    assert file.is_file()
