"""The kernels of all sessions: started ahead, and few at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.kernel_harness import (
    PID,
    UNTIL_GO,
    KernelHarness,
    begin,
    children,
    harness,
    spare_of,
    spare_ready,
)
from tests.unit.tools.python.test_tool import ask, eventually, gone
from tools.base import ToolContext
from tools.python import ChildProcess, KernelLauncher
from tools.python.kernels.pool import WAITING
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not

__all__ = ["harness"]


# Started ahead.


def test_a_fresh_session_gets_the_kernel_that_stood_ready(harness: KernelHarness) -> None:
    pool = harness.pool()
    pid = spare_of(pool)
    tool = harness.session(pool, "one")
    (harness.folder / "one" / "data.csv").write_text("a,b\n1,2\n")
    code = "import os, sys\nprint(os.getpid(), *{'pandas', 'matplotlib.pyplot'} - {*sys.modules})"
    assert ask(tool, code).text == str(pid)
    assert ask(tool, "import pandas\nlen(pandas.read_csv('data.csv'))").text == "1"


@pytest.mark.parametrize("launcher", [ChildProcess(), Bubblewrap()], ids=["plain", "sandbox"])
def test_it_works_in_the_sessions_folder_as_if_it_had_begun_there(
    harness: KernelHarness, launcher: KernelLauncher
) -> None:
    if isinstance(launcher, Bubblewrap) and (reason := why_not()):
        pytest.skip(reason)
    pool = harness.pool(launcher=launcher)
    spare_ready(pool)
    tool, folder = harness.session(pool, "one"), harness.folder / "one"
    (folder / "given.txt").write_text("given")
    (folder / "sub").mkdir()
    (folder / "sub" / "inner.txt").write_text("inner")
    seen = "/mnt/data" if isinstance(launcher, Bubblewrap) else str(folder)
    code = "import os\nprint(os.getcwd(), os.environ['HOME'], sorted(os.listdir()))"
    assert ask(tool, code).text == f"{seen} {seen} ['given.txt', 'sub']"
    assert "spare" not in ask(tool, "%pwd\n_dh, os.environ, open('sub/inner.txt').read()").text
    # What lies there is the code's own, and what it makes lies in the session's folder.
    ask(tool, "open('given.txt', 'a').write(' more')\nos.rename('sub/inner.txt', 'made.txt')")
    assert (folder / "given.txt").read_text() == "given more"
    assert (folder / "made.txt").read_text() == "inner"
    ask(tool, "%%writefile own_module.py\ndef fail():\n    raise LookupError('inside')")
    result = ask(tool, "import own_module\nown_module.fail()")
    assert 'own_module.py", line 2, in fail' in result.text
    assert not [path for path in harness.folder.iterdir() if path.name.startswith("spare")]


def test_files_stay_when_a_spare_takes_the_place_of_a_dead_kernel(harness: KernelHarness) -> None:
    pool = harness.pool()
    tool = harness.session(pool, "one")
    outside = harness.folder / "outside"
    outside.mkdir()
    ask(tool, f"import os\nos.symlink({str(outside)!r}, 'link')\nos.mkfifo('pipe')")
    ask(tool, "os.makedirs('a/b')\nopen('a/b/c.txt', 'w').write('deep')\nos.chmod('a/b', 0o500)")
    pid = spare_of(pool)
    ask(tool, "os._exit(1)")
    assert ask(tool, PID).text == str(pid)
    assert ask(tool, "sorted(os.listdir()), open('a/b/c.txt').read()").text == (
        "(['a', 'link', 'pipe'], 'deep')"
    )
    assert (harness.folder / "one" / "link").is_symlink() and outside.is_dir()
    assert list(outside.iterdir()) == []


def test_a_folder_that_is_too_full_to_move_stays_where_it_is(
    harness: KernelHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.python.kernels.local.MAX_MOVED_ENTRIES", 3)
    pool = harness.pool()
    pid = spare_of(pool)
    tool = harness.session(pool, "one")
    for name in "abcd":
        (harness.folder / "one" / name).write_text(name)
    inode = (harness.folder / "one").stat().st_ino
    assert ask(tool, "import os\nsorted(os.listdir())").text == "['a', 'b', 'c', 'd']"
    assert (harness.folder / "one").stat().st_ino == inode
    assert eventually(lambda: gone(pid))


def test_opening_many_sessions_starts_one_kernel(harness: KernelHarness) -> None:
    before = len(children())
    pool = harness.pool()
    for number in range(20):
        harness.session(pool, f"s{number}").warm()
    spare_ready(pool)
    assert len(children()) == before + 1


def test_another_stands_ready_after_the_first_was_taken(harness: KernelHarness) -> None:
    pool = harness.pool()
    spare_of(pool)
    one = harness.session(pool, "one")
    first = ask(one, PID).text
    spare_ready(pool)
    ask(harness.session(pool, "two"), "shared = 1")
    assert ask(one, PID).text == first
    assert ask(one, "'shared' in globals()").text == "False"


# Few at a time.


def test_two_sessions_run_at_the_same_time(harness: KernelHarness) -> None:
    pool = harness.pool()
    one, two = harness.session(pool, "one"), harness.session(pool, "two")
    finish = begin(one, UNTIL_GO)
    assert ask(two, "1 + 1").text == "2"
    (harness.folder / "one" / "go").touch()
    assert finish().text.startswith("in\n'gone on'")


def test_the_longest_idle_kernel_gives_way_and_its_owner_is_told(harness: KernelHarness) -> None:
    pool = harness.pool(max_kernels=2)
    one, two, three = (harness.session(pool, name) for name in ("one", "two", "three"))
    pids = {name: int(ask(tool, PID).text) for name, tool in (("one", one), ("two", two))}
    ask(one, "x = 'kept'")
    assert ask(three, "1 + 1").text == "2"
    assert eventually(lambda: gone(pids["two"])) and not gone(pids["one"])
    assert ask(one, "x").text == "'kept'"
    result = ask(two, "open('new.txt', 'w').write('new')")
    assert "to make room for other sessions" in result.text
    assert "variables and imports were gone, the files were still there" in result.text
    assert result.error is None
    assert "Note" not in ask(two, "1").text  # told once


def test_a_call_waits_for_its_turn_where_all_are_busy(harness: KernelHarness) -> None:
    pool = harness.pool(max_kernels=1)
    one, two = harness.session(pool, "one"), harness.session(pool, "two")
    finish, said = begin(one, UNTIL_GO), []

    def let_go(line: str) -> None:
        said.append(line)
        (harness.folder / "one" / "go").touch()

    result = ask(two, "'two'", ToolContext(Path(), progress=let_go))
    assert result.text == "'two'" and said == [WAITING]
    assert finish().text.startswith("in\n'gone on'")  # it was not taken away while it ran


def test_stop_ends_the_wait_for_a_turn(harness: KernelHarness) -> None:
    pool = harness.pool(max_kernels=1)
    one, two = harness.session(pool, "one"), harness.session(pool, "two")
    finish = begin(one)
    cancel = threading.Event()
    context = ToolContext(Path(), cancel, lambda _: cancel.set())
    result = ask(two, "open('ran', 'w')", context)
    assert result.error == "Stopped by the user."
    assert not (harness.folder / "two" / "ran").exists()
    one.close()
    assert finish().error is not None
    assert ask(two, "1 + 1").text == "2"


def test_more_sessions_than_kernels_are_all_answered(harness: KernelHarness) -> None:
    pool = harness.pool(max_kernels=3)
    pool.warm()

    def one_call(number: int) -> str:
        return ask(harness.session(pool, f"s{number}"), f"{number} + 1").text

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(one_call, range(12))) == [str(n + 1) for n in range(12)]
