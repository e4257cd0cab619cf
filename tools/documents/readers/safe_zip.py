"""Reads untrusted zip files: nothing is written to disk, and inflated bytes are limited."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import unquote

from tools.documents.base import DocumentError

MAX_MEMBERS = 50_000
MAX_BYTES = 512 << 20  # inflated, of all members together
MAX_RATIO = (
    300  # inflated to compressed bytes; XML of a large sheet reaches 50, deflate at most 1,032
)
UNCHECKED_BYTES = 16 << 20  # inflated; the ratio of smaller members is not checked

DAMAGED = "The file is damaged or cut short."
BOMB = "The file was not read: it unpacks to far more than a document holds."

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


class Archive:
    """The members of a zip file by name, regardless of letter case and kind of slash.

    Raises DocumentError for a file that is no zip file, damaged, encrypted, or a zip bomb.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_BROKEN, RuntimeError) as error:
            raise DocumentError(DAMAGED) from error
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            raise DocumentError(BOMB)
        self._members = {_key(member.filename): member for member in members}
        self._remaining_bytes = MAX_BYTES

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names as they are in the file."""
        return tuple(member.filename for member in self._members.values())

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._members

    def open(self, name: str) -> IO[bytes]:
        """A member as a stream. Raises KeyError for an unknown name."""
        member = self._members[_key(name)]
        if member.flag_bits & 1:
            raise DocumentError("The file is locked with a password of its zip archive.")
        ratio = member.file_size / max(1, member.compress_size)
        if member.file_size > UNCHECKED_BYTES and ratio > MAX_RATIO:
            raise DocumentError(BOMB)
        try:
            return io.BufferedReader(_Bounded(self, self._zip.open(member)))
        except (*_BROKEN, RuntimeError) as error:
            raise DocumentError(DAMAGED) from error

    def read(self, name: str) -> bytes:
        """All bytes of a member. Raises KeyError for an unknown name."""
        with self.open(name) as stream:
            return stream.read()

    def spend(self, count: int) -> None:
        """Count `count` inflated bytes. Raises DocumentError beyond `MAX_BYTES`."""
        self._remaining_bytes -= count
        if self._remaining_bytes < 0:
            raise DocumentError(BOMB)

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Bounded(io.RawIOBase):
    """A member whose bytes are counted while read; its errors are raised as DocumentError."""

    def __init__(self, archive: Archive, stream: IO[bytes]) -> None:
        self._archive, self._stream = archive, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise DocumentError(DAMAGED) from error
        self._archive.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def beside(name: str, target: str) -> str:
    """The name of the member that a reference `target` in the member `name` points to."""
    target = unquote(target.split("#")[0]).replace("\\", "/")
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
