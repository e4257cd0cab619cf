"""Content-addressed files."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from app.core.history.blobs import CHUNK_BYTES, GRACE_S, Blobs


class Broken(io.BytesIO):
    """A stream that fails after its first piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError("gone")
        return super().read(10)


def put(blobs: Blobs, data: bytes) -> str:
    return blobs.put(io.BytesIO(data))[0]


def old(path: Path) -> None:
    then = time.time() - GRACE_S - 60
    os.utime(path, (then, then))


def kept(blobs: Blobs) -> list[str]:
    return sorted(path.name for path in blobs.folder.rglob("*") if path.is_file())


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_a_file_is_named_by_what_it_has(blobs: Blobs, size: int) -> None:
    data = os.urandom(size)
    digest, found = blobs.put(io.BytesIO(data))
    assert (digest, found) == (hashlib.sha256(data).hexdigest(), size)
    assert blobs.path(digest).read_bytes() == data


def test_the_same_is_kept_once_and_only_the_owner_reads_it(blobs: Blobs) -> None:
    assert put(blobs, b"same") == put(blobs, b"same")
    (name,) = kept(blobs)
    assert blobs.path(name).stat().st_mode & 0o077 == 0
    assert blobs.folder.stat().st_mode & 0o077 == 0


def test_half_a_file_is_none(blobs: Blobs) -> None:
    with pytest.raises(OSError, match="gone"):
        blobs.put(Broken(b"0123456789abcdef"))
    assert kept(blobs) == []


def test_what_nothing_refers_to_goes_once_it_is_old(blobs: Blobs) -> None:
    used, unused, fresh = put(blobs, b"used"), put(blobs, b"unused"), put(blobs, b"fresh")
    (blobs.folder / ".0123456789abcdef.part").write_bytes(b"of a killed process")
    for path in (blobs.path(used), blobs.path(unused), blobs.folder / ".0123456789abcdef.part"):
        old(path)
    assert blobs.sweep({used}) == 2
    assert kept(blobs) == sorted([used, fresh])


def test_what_is_kept_again_is_fresh_again(blobs: Blobs) -> None:
    digest = put(blobs, b"again")
    old(blobs.path(digest))
    put(blobs, b"again")
    assert blobs.sweep(()) == 0


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_no_digest_names_no_file(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        blobs.path(name)


def test_a_sweep_of_nothing(blobs: Blobs) -> None:
    assert blobs.sweep(()) == 0
