"""The files of conversations: kept once, brought back, and removed when nothing refers to them."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from app.core.history import workspace_files
from app.core.history.blobs import GRACE_S, Blobs
from app.core.history.history import History
from app.core.history.message_json import Roots
from tests.support.stored_messages import ALICE, write


class World:
    """A conversation's folders, and what is kept of them."""

    def __init__(self, history: History, id: str, folder: Path) -> None:
        self.history, self.id = history, id
        self.roots: Roots = {"workspace": folder / "w", "pictures": folder / "p"}
        for root in self.roots.values():
            root.mkdir(parents=True)
        self.known: dict[tuple[str, str], tuple[int, int, int]] = {}
        write(history, id, "ask")

    def put(self, path: str, data: bytes = b"data", root: str = "workspace") -> None:
        target = self.roots[root] / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def keep(self) -> tuple[int, int]:
        """How many files were new or changed, and how many are gone."""
        changed, gone, self.known = workspace_files.changes(
            self.roots, self.known, self.history.blobs
        )
        self.history.save_files(self.id, changed, gone)
        return len(changed), len(gone)

    def stored(self) -> dict[tuple[str, str], str]:
        stored = self.history.load(ALICE, self.id)
        assert stored is not None
        return dict(stored.files)


@pytest.fixture
def world(history: History, tmp_path: Path) -> World:
    return World(history, "one", tmp_path / "one")


def test_files_come_back(world: World, tmp_path: Path) -> None:
    world.put("a.txt", b"a")
    world.put("below/b.txt", b"b")
    world.put("c.png", b"c", "pictures")
    assert world.keep() == (3, 0)
    again: Roots = {"workspace": tmp_path / "again" / "w", "pictures": tmp_path / "again" / "p"}
    stamps = workspace_files.restore(again, world.stored(), world.history.blobs)
    assert (again["workspace"] / "below" / "b.txt").read_bytes() == b"b"
    assert (again["pictures"] / "c.png").read_bytes() == b"c"
    assert workspace_files.changes(again, stamps, world.history.blobs)[:2] == ({}, [])


def test_only_what_changed_is_kept_anew(world: World) -> None:
    world.put("a.txt", b"a")
    world.put("b.txt", b"b")
    world.keep()
    before = world.stored()
    world.put("a.txt", b"other")
    (world.roots["workspace"] / "b.txt").unlink()
    assert world.keep() == (1, 1)
    assert world.stored().keys() == {("workspace", "a.txt")}
    assert world.stored()["workspace", "a.txt"] != before["workspace", "a.txt"]
    assert world.keep() == (0, 0)


def test_links_and_pipes_are_no_files_of_the_conversation(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    workspace = world.roots["workspace"]
    (workspace / "link").symlink_to(secret)
    (workspace / "folder").symlink_to(tmp_path)
    os.mkfifo(workspace / "pipe")
    assert world.keep() == (0, 0)


@pytest.mark.parametrize(
    "path", ["../escape.txt", "/tmp/escape.txt", "a/../../escape.txt", "", "nul\0"]
)
def test_a_hostile_path_in_the_database_stays_outside(
    world: World, tmp_path: Path, path: str
) -> None:
    digest = world.history.blobs.put((tmp_path / "x").open("wb+"))[0]
    inner: Roots = {"workspace": tmp_path / "deep" / "w", "pictures": tmp_path / "deep" / "p"}
    workspace_files.restore(
        inner, {("workspace", path): digest, ("etc", "x"): digest}, world.history.blobs
    )
    assert not list(tmp_path.rglob("escape.txt")) and not Path("/tmp/escape.txt").exists()


def test_a_blob_that_is_gone_leaves_the_others(world: World, tmp_path: Path) -> None:
    world.put("a.txt", b"a")
    world.put("b.txt", b"b")
    world.keep()
    files = world.stored()
    world.history.blobs.path(files["workspace", "a.txt"]).unlink()
    again: Roots = {"workspace": tmp_path / "again" / "w", "pictures": tmp_path / "again" / "p"}
    workspace_files.restore(again, files, world.history.blobs)
    assert [path.name for path in again["workspace"].iterdir()] == ["b.txt"]


def test_a_blob_goes_with_the_last_conversation_that_has_it(
    history: History, tmp_path: Path
) -> None:
    one, two = World(history, "one", tmp_path / "one"), World(history, "two", tmp_path / "two")
    for each in (one, two):
        each.put("shared.txt", b"shared")
        each.keep()
    one.put("own.txt", b"own")
    one.keep()
    shared = history.blobs.path(two.stored()["workspace", "shared.txt"])
    own = history.blobs.path(one.stored()["workspace", "own.txt"])
    for path in (shared, own):
        os.utime(path, (0, time.time() - GRACE_S - 60))
    history.delete(ALICE, "one")
    history.purge()  # it can still be undone
    assert shared.exists() and own.exists()
    history.restore(ALICE, "one")
    assert len(one.stored()) == 2
    history.delete_all("nobody")
    with history.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM conversations WHERE id = 'one'")
    history.purge()
    assert shared.exists() and not own.exists()
    history.delete_all(ALICE)
    history.purge()
    assert not shared.exists()


def test_a_full_disk_is_said_and_what_was_kept_stays_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.txt", b"a")
    world.keep()
    world.put("b.txt", b"b")
    real = Blobs.put

    def full(_blobs: Blobs, _stream: BinaryIO) -> tuple[str, int]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Blobs, "put", full)
    with pytest.raises(OSError, match="No space") as error:
        world.keep()
    assert "full" in workspace_files.sentence(error.value)
    monkeypatch.setattr(Blobs, "put", real)
    assert world.keep() == (1, 0)
