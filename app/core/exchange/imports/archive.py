"""The file that is imported: JSON by itself, or a zip archive with it and other files."""

from __future__ import annotations

import bisect
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from app.core.exchange.imports.drafts import BadImport
from app.core.exchange.json_export import JSON_NAME

MAX_JSON_BYTES = 200_000_000
"""Of the conversations as JSON. Its text and the largest conversation in it are in memory."""
MAX_FILES_BYTES = 1_000_000_000
"""Of all other files together, inflated."""
MAX_MEMBERS = 100_000

DAMAGED = "The file is damaged or cut short."
NO_CONVERSATIONS = "No conversations were found in the file."
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    RuntimeError,
)


class Source:
    """What is imported. Every method raises `BadImport`."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._path = path
        self._remaining_bytes = MAX_FILES_BYTES
        try:
            with path.open("rb") as stream:
                start = stream.read(4)
            if start[:2] == b"PK":
                self._zip = zipfile.ZipFile(path)
        except _BROKEN:
            raise BadImport(DAMAGED) from None
        self._members = {} if self._zip is None else self._zip.NameToInfo
        if len(self._members) > MAX_MEMBERS:
            raise BadImport(f"The archive has more than {MAX_MEMBERS:,} files.")
        self._by_last: list[tuple[str, str]] = []

    def text(self) -> str:
        """The JSON."""
        try:
            if self._zip is None:
                with self._path.open("rb") as stream:
                    return _decoded(_limited(stream))
            with self._zip.open(self._json_name()) as member:
                return _decoded(_limited(member))
        except _BROKEN as error:
            raise (error if isinstance(error, BadImport) else BadImport(DAMAGED)) from None

    def _json_name(self) -> str:
        """The archive's JSON file; it may lie in a folder of its own."""
        names = sorted(self._members, key=lambda name: (name.count("/"), name))
        for name in names:
            if name.rpartition("/")[2] == JSON_NAME:
                return name
        endings = (".json", ".jsonl")
        if len(found := [name for name in names if name.endswith(endings)]) == 1:
            return found[0]
        raise BadImport(f"The archive has no {JSON_NAME}.")

    def open(self, name: str) -> BinaryIO | None:
        """Another file of the archive, None where there is none of that name."""
        member = self._members.get(name)
        if self._zip is None or member is None or member.is_dir():
            return None
        self._remaining_bytes -= member.file_size  # no more than that is inflated
        if self._remaining_bytes < 0:
            raise BadImport(
                f"The files in the archive unpack to more than {MAX_FILES_BYTES // 10**6:,} MB."
            )
        try:
            inside = self._zip.open(member)
        except _BROKEN:
            raise BadImport(DAMAGED) from None
        return cast(BinaryIO, io.BufferedReader(_Member(inside)))

    def beginning(self, start: str) -> str | None:
        """The name of a file whose last part begins with `start`, None where there is none."""
        if not self._by_last:
            self._by_last = sorted((name.rpartition("/")[2], name) for name in self._members)
        at = bisect.bisect_left(self._by_last, (start, ""))
        last, name = self._by_last[at] if at < len(self._by_last) else ("", "")
        return name if last.startswith(start) else None


class _Member(io.RawIOBase):
    """A member whose errors are `BadImport`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except _BROKEN:
            raise BadImport(DAMAGED) from None
        buffer[: len(data)] = data
        return len(data)


def _limited(stream: IO[bytes]) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in _pieces(stream):
        size += len(piece)
        if size > MAX_JSON_BYTES:
            raise BadImport(
                f"The conversations have more than {MAX_JSON_BYTES // 10**6:,} MB of JSON."
            )
        pieces.append(piece)
    return b"".join(pieces)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(1 << 20):
        yield piece


def _decoded(data: bytes) -> str:
    """Also UTF-16, which some editors write; a byte that is none of UTF-8 is replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
