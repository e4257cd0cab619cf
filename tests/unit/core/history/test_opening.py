"""Files that can't be opened, written or read: the app goes on in memory, and says why."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.history import database
from app.core.history.database import CHECK_NAME, FILE_NAME, IN_MEMORY, HistoryError, is_damaged
from app.core.history.history import History
from tests.support.stored_messages import ALICE, rows_of, save, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history"


def goes_on(history: History, reason: str) -> None:
    """Conversations are kept in memory, and one sentence without a path says why."""
    try:
        assert history.problem == f"{reason} {IN_MEMORY}."
        assert not history.database.lasting
        write(history, "one", "ask", "answer")
        stored = history.load(ALICE, "one")
        assert stored is not None and len(stored.rows) == 2
        assert [entry.id for entry in history.catalog.search(ALICE, "answer")] == ["one"]
    finally:
        history.close()


def filled(folder: Path) -> Path:
    """A database with some pages."""
    history = History.open(folder)
    write(history, "one", *(f"message {at} " + "x" * 500 for at in range(200)))
    history.close()
    return folder / FILE_NAME


def damage(path: Path) -> None:
    """Overwrites pages in the middle of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4)
        file.write(os.urandom(path.stat().st_size // 2))


def aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("history.damaged-*.db"))


OPEN = """
import sys
from pathlib import Path
from app.core.history.history import History
from tests.support.stored_messages import ALICE, write
history = History.open(Path(sys.argv[1]))
write(history, "one", "ask")
print(history.problem, len(history.load(ALICE, "one").rows))
"""


DISK_BYTES = 1 << 20


class Disk:
    """A small file system of its own, which only root can mount."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs")

    def _mount(self, *options: str) -> None:
        subprocess.run(["mount", *options, str(self.path)], check=True, capture_output=True)

    def read_only(self) -> None:
        self._mount("-o", "remount,ro")

    def fill(self) -> Path:
        """Takes all that is free."""
        filler = self.path / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        return filler

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        disk = Disk(tmp_path / "disk")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("no file system can be mounted here")
    yield disk
    disk.close()


def test_a_new_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    history = History.open(folder / "below")
    assert history.problem == "" and history.database.lasting
    history.close()
    for path in (folder / "below", folder / "below" / FILE_NAME):
        assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_a_file(folder: Path) -> None:
    folder.write_text("a file")
    goes_on(History.open(folder), "The history's folder can't be used: File exists.")
    goes_on(History.open(folder / "below"), "The history's folder can't be used: Not a directory.")
    assert folder.read_text() == "a file"


def test_a_database_that_is_a_folder(folder: Path) -> None:
    (folder / FILE_NAME).mkdir(parents=True)
    history = History.open(folder)
    assert IN_MEMORY in history.problem and str(folder) not in history.problem
    history.close()


@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_disk(disk: Disk, there: bool) -> None:
    folder = disk.path / "history"
    if there:
        filled(folder)
    disk.read_only()
    goes_on(History.open(folder), "The history's folder can't be used: Read-only file system.")


def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.mkdir(mode=0o500)
    history = History.open(folder)
    assert IN_MEMORY in history.problem
    history.close()


def test_a_full_disk_from_the_start(disk: Disk) -> None:
    disk.fill()
    history = History.open(disk.path / "history")
    assert history.problem.endswith(f"{IN_MEMORY}.")
    assert "No space left" in history.problem or "is full" in history.problem
    history.close()


def test_a_disk_that_becomes_full(disk: Disk) -> None:
    folder = disk.path / "history"
    history = History.open(folder)
    write(history, "one", "ask")
    filler = disk.fill()
    with pytest.raises(HistoryError, match=r"The disk of this server is full\."):
        write(history, "too long", "x" * DISK_BYTES)
    assert history.load(ALICE, "one") is not None
    filler.unlink()
    write(history, "last", "there is room again")
    history.close()
    again = History.open(folder)
    assert again.problem == "" and again.load(ALICE, "last") is not None
    again.close()


@pytest.mark.parametrize("content", [b"no database " * 1000, b"\0" * 4096, os.urandom(5000), b"x"])
def test_a_file_that_is_no_database_is_put_aside(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(content)
    history = History.open(folder)
    (kept,) = aside(folder)
    assert kept.read_bytes() == content
    assert history.database.lasting
    assert history.problem.startswith(
        f"The history's file was damaged and put aside as {kept.name}"
    )
    write(history, "one", "ask")
    history.close()
    again = History.open(folder)
    assert again.problem == "" and again.load(ALICE, "one") is not None
    again.close()


def test_an_empty_file_is_a_new_database(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).touch()
    history = History.open(folder)
    assert history.problem == "" and history.database.lasting and aside(folder) == []
    history.close()


def test_damaged_pages_are_met_while_in_use_and_put_aside_at_the_next_start(folder: Path) -> None:
    path = filled(folder)
    damage(path)
    content = path.read_bytes()
    history = History.open(folder)  # the first pages are whole: nothing is noticed yet
    with pytest.raises(HistoryError, match=r"The history's file is damaged\."):
        history.load(ALICE, "one")
    history.close()
    assert (folder / CHECK_NAME).exists()
    again = History.open(folder)
    (kept,) = aside(folder)
    assert kept.read_bytes() == content
    assert kept.name in again.problem and again.database.lasting
    assert not (folder / CHECK_NAME).exists()
    write(again, "two", "ask")
    again.close()


def test_a_second_damaged_file_does_not_take_the_first_one_s_place(folder: Path) -> None:
    for at in range(3):
        folder.mkdir(exist_ok=True)
        (folder / FILE_NAME).write_bytes(b"no database " * 1000 + bytes([at]))
        History.open(folder).close()
        (folder / FILE_NAME).unlink()
    assert sorted(path.read_bytes()[-1] for path in aside(folder)) == [0, 1, 2]


def test_a_whole_file_that_was_suspected_stays(folder: Path) -> None:
    filled(folder)
    (folder / CHECK_NAME).touch()
    history = History.open(folder)
    assert history.problem == "" and history.load(ALICE, "one") is not None
    history.close()
    assert aside(folder) == [] and not (folder / CHECK_NAME).exists()


HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


@contextlib.contextmanager
def held(path: Path, begin: str = "BEGIN EXCLUSIVE") -> Iterator[None]:
    """Another process holds the database, until the block ends."""
    command = [sys.executable, "-c", HOLD, str(path), begin]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate("\n")


def test_a_file_that_another_program_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(folder)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    with contextlib.closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA journal_mode=DELETE")
    with held(path):
        goes_on(History.open(folder), "The history is locked by another program.")
    assert aside(folder) == []
    history = History.open(folder)
    assert history.problem == "" and history.load(ALICE, "one") is not None
    history.close()


def test_a_writer_that_holds_the_file_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(folder)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    history = History.open(folder)
    with held(path, "BEGIN IMMEDIATE"):
        with pytest.raises(HistoryError, match="locked by another program"):
            write(history, "two", "ask")
        assert history.load(ALICE, "one") is not None  # whoever reads doesn't wait
    write(history, "two", "ask")
    history.close()


def test_a_writer_is_waited_for(folder: Path) -> None:
    path = filled(folder)
    history = History.open(folder)
    with held(path, "BEGIN IMMEDIATE"):
        late = threading.Thread(target=write, args=(history, "two", "ask"))
        late.start()
        late.join(0.3)
    late.join()
    assert history.load(ALICE, "two") is not None
    history.close()


FULL = """
import resource, signal, sys
from pathlib import Path
from app.core.history.database import HistoryError
from app.core.history.history import History
from tests.support.stored_messages import ALICE, write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
room = int(sys.argv[2])
if room < 100_000:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
history = History.open(Path(sys.argv[1]))
print(history.problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
failed = ""
for at in range(100):
    try:
        write(history, f"c{at}", "x" * 20_000)
    except HistoryError as error:
        failed = failed or str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(history, "last", "there is room again")
print(failed)
print(history.load(ALICE, "last") is not None)
"""


@pytest.mark.parametrize("room", [0, 10_000, 1_000_000])
def test_files_that_may_not_grow(folder: Path, room: int) -> None:
    """Not beyond `room` bytes: from the start, or in mid-work."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder), str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    problem, failed, again = done.stdout.splitlines()
    if room < 100_000:
        assert problem == f"The disk of this server can't be written. {IN_MEMORY}."
    else:
        assert (problem, failed) == ("", "The disk of this server can't be written.")
    assert again == "True"


def test_an_error_that_is_no_damage(folder: Path) -> None:
    history = History.open(folder)
    with pytest.raises(HistoryError), history.database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO nothing VALUES (1)")
    history.close()
    assert not (folder / CHECK_NAME).exists()
    assert not is_damaged(OSError("no space"))


def test_two_processes_open_a_new_file_at_once(folder: Path) -> None:
    code = OPEN.replace('"one"', "sys.argv[2]")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(at)], stdout=subprocess.PIPE, text=True
        )
        for at in range(3)
    ]
    assert [process.communicate()[0].strip() for process in started] == ["1"] * 3
    history = History.open(folder)
    assert history.catalog.count(ALICE) == 3
    save(history, "one", rows_of("more"))
    history.close()
