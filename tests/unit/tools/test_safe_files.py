"""Files in a folder that may be full of traps."""

import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.base import file_size
from tools.safe_files import (
    MAX_DEPTH,
    MAX_NAME_BYTES,
    Unmeasurable,
    folder_bytes,
    free_name,
    listing,
    names_in,
    open_below,
    open_regular,
    read_regular,
    safe_name,
    write_into,
)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside of the folder that the code may write to."""
    path = tmp_path.resolve() / "secret.txt"
    path.write_text("secret")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path.resolve() / "workspace"
    path.mkdir()
    return path


def test_a_regular_file_is_opened_and_read(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    path = folder / "deep" / "er" / "文件.txt"
    path.write_bytes(b"abc")
    with open_regular(path) as stream:
        assert stream.read() == b"abc"
    assert read_regular(path, 3) == b"abc"
    with pytest.raises(OSError, match="too large"):
        read_regular(path, 2)


def test_nothing_that_is_no_regular_file_is_opened(folder: Path, secret: Path) -> None:
    os.mkfifo(folder / "fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket"))
    os.symlink(secret, folder / "link")
    os.symlink(secret.parent, folder / "way-out")
    os.symlink("plain", folder / "inner")
    (folder / "plain").write_text("x")
    paths = ["fifo", "socket", "link", "way-out/secret.txt", "inner", ".", "missing", "plain/x"]
    for path in (
        *(folder / name for name in paths),
        Path("/dev/null"),
        folder / ".." / "secret.txt",
    ):
        with pytest.raises(OSError):  # noqa: PT011  which one is the system's to say
            open_regular(path)
    with pytest.raises(OSError, match="absolute"):
        open_regular(Path("plain"))
    server.close()


def test_opening_leaves_no_descriptor_behind(folder: Path, secret: Path) -> None:
    os.symlink(secret, folder / "link")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(OSError):  # noqa: PT011
            open_regular(folder / "link")
        listing(folder)
        listing(folder, max_entries=0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_listing_has_the_files_that_can_be_offered(folder: Path, secret: Path) -> None:
    for name in ("a.csv", "sub/b 数据.png", ".hidden", ".cache/c", "__pycache__/d.pyc"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12345")
    os.mkfifo(folder / "fifo")
    os.symlink(secret, folder / "link")
    os.symlink(secret.parent, folder / "out")
    (folder / "two\nlines").touch()
    (folder / "annexe\u202etxt.exe").touch()
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))).touch()
    found = listing(folder)
    assert sorted(found.files) == ["a.csv", "sub/b 数据.png"]
    assert found.complete and found.size == 10
    (folder / "a.csv").write_bytes(b"54321")
    assert listing(folder).files["a.csv"] != found.files["a.csv"]


def test_a_listing_is_bounded(folder: Path) -> None:
    for number in range(30):
        (folder / f"{number}").touch()
    assert len(listing(folder, 30).files) == 30 and listing(folder, 30).complete
    short = listing(folder, 29)
    assert len(short.files) == 29 and not short.complete
    deep = folder
    for _ in range(40):
        deep /= "d"
        deep.mkdir()
    (deep / "bottom").touch()
    assert not any("bottom" in path for path in listing(folder).files)
    assert listing(folder / "missing").files == {}


def test_a_folder_is_measured_without_following_links(folder: Path) -> None:
    inner = folder / "inner"
    (inner / "deeper").mkdir(parents=True)
    (inner / "deeper" / "file").write_bytes(b"x" * 100_000)
    (inner / "link").symlink_to("/usr")
    opened = os.open(inner, os.O_RDONLY)
    try:
        assert 100_000 <= folder_bytes(opened, 1 << 30) < 150_000
        assert folder_bytes(opened, 1000) <= 8192  # enough is enough
        for _ in range(MAX_DEPTH + 2):
            inner = inner / "d"
            inner.mkdir()
        with pytest.raises(Unmeasurable):
            folder_bytes(opened, 1 << 30)
    finally:
        os.close(opened)


def test_a_file_is_written_whole_and_through_no_link(folder: Path, secret: Path) -> None:
    os.symlink(secret, folder / "taken")
    assert write_into(folder, "taken", b"mine") == folder / "taken"
    assert secret.read_text() == "secret" and (folder / "taken").read_text() == "mine"
    os.symlink(secret.parent, folder / "sub")
    write_into(folder / "sub", "x", b"1")
    assert not (secret.parent / "x").exists() and (folder / "sub" / "x").read_bytes() == b"1"
    (folder / "busy").mkdir()
    with pytest.raises(OSError):  # noqa: PT011
        write_into(folder, "busy", b"x")
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("sales.csv", "sales.csv"),
        ("销售 数据.xlsx", "销售 数据.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        (".bashrc", "bashrc"),
        ("..", "file"),
        ("", "file"),
        ("a\nb\x00\x1b[31m.txt", "ab[31m.txt"),
        ("annexe\u202etxt.exe", "annexetxt.exe"),
        ("  many   blanks .csv ", "many blanks.csv"),
        ("half \ud800.txt", "half.txt"),
        ("archive.tar.gz", "archive.tar.gz"),
    ],
)
def test_a_strangers_name_does_no_harm(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@given(st.text(max_size=400))
def test_a_safe_name_is_one_name_that_is_not_hidden_and_fits(name: str) -> None:
    safe = safe_name(name)
    assert safe and "/" not in safe and not safe.startswith(".")
    assert len(safe.encode()) <= MAX_NAME_BYTES
    assert safe_name(safe) == safe


def test_a_taken_name_gets_a_number(folder: Path) -> None:
    assert free_name(folder, "a.csv") == "a.csv"
    (folder / "a.csv").touch()
    os.symlink("nowhere", folder / "a (2).csv")
    assert free_name(folder, "a.csv") == "a (3).csv"


def test_a_folder_that_goes_while_it_is_listed_does_no_harm(folder: Path) -> None:
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            (folder / "d").mkdir()
            (folder / "d" / "f").touch()
            (folder / "d" / "f").unlink()
            (folder / "d").rmdir()

    other = threading.Thread(target=change)
    other.start()
    try:
        for _ in range(300):
            assert set(listing(folder).files) <= {"d/f"}
    finally:
        stop.set()
        other.join()


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (1234, "1.2 KB"),
        (12_345, "12 KB"),
        (999_999, "1.0 MB"),
        (5_000_000_000_000, "5,000 GB"),
    ],
)
def test_a_size_in_words(size: int, words: str) -> None:
    assert file_size(size) == words


@pytest.mark.parametrize(
    "path", ["a", "a/b", "a b/ä.txt", "...", ".a", "a..", "%2e%2e/%2F", "a\\b"]
)
def test_a_normal_relative_path_has_names(path: str) -> None:
    assert "/".join(names_in(path)) == path


@pytest.mark.parametrize(
    "path",
    ["", "/", "/a", "a/", "a//b", "//a", ".", "..", "./a", "a/.", "a/..", "../a", "a/../b", "a\0b"],
)
def test_any_other_path_has_none(path: str) -> None:
    with pytest.raises(ValueError, match="not a normal relative path"):
        names_in(path)


def test_only_regular_files_below_a_folder_are_opened(folder: Path, secret: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_text("own")
    (folder / "link").symlink_to(secret)
    (folder.parent / "folder-link").symlink_to(folder)
    with open_below(folder, ["sub", "a"]) as stream:
        assert stream.read() == b"own"
    for below, names in (
        (folder, ["link"]),
        (folder, ["sub"]),
        (folder, ["sub", "b"]),
        (folder, []),
        (folder, ["..", secret.name]),
        (folder, [str(secret)]),
        (folder, ["", str(secret)]),
        (folder, ["sub/../../" + secret.name]),
        (folder.parent / "folder-link", ["sub", "a"]),
    ):
        with pytest.raises((OSError, ValueError)):
            open_below(below, names)
