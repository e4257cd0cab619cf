"""Exports: one conversation or many, in a format, as a stream of bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Literal, cast

from app.core.exchange.html_export import html
from app.core.exchange.json_export import (
    JSON_NAME,
    archived_files,
    conversation_json,
    json_pieces,
)
from app.core.exchange.markdown_export import markdown
from app.core.exchange.snapshot import Snapshot, snapshot
from app.core.history.blobs import CHUNK_BYTES, Blobs
from app.core.history.history import History
from app.core.history.stored import Entry, Stored
from app.core.rendering.notebook_export import notebook
from tools.safe_files import safe_name

Format = Literal["markdown", "html", "ipynb", "json", "zip"]
"""`zip` is JSON with the conversations' files."""

ENDINGS: dict[Format, str] = {
    "markdown": "md", "html": "html", "ipynb": "ipynb", "json": "json", "zip": "zip"
}  # fmt: skip
_BRANCH: dict[Format, Callable[[Snapshot], bytes]] = {
    "markdown": lambda taken: markdown(taken).encode("utf-8", "replace"),
    "html": html,
    "ipynb": lambda taken: notebook(taken.messages),
}
"""Formats that have the shown branch alone, a file for each conversation."""

MAX_TITLE_BYTES = 80
"""Of a file name, in UTF-8."""

Wanted = tuple[str, str]
"""A conversation: the person whose it is, and its id."""


@dataclass(frozen=True)
class Export:
    """A file to be sent: its name, and its content in pieces, made as they are taken."""

    name: str
    pieces: Iterator[bytes]


def of_person(history: History, person: str) -> list[Wanted]:
    """All conversations of a person, newest first. Raises `HistoryError`."""
    most = history.catalog.count(person)
    return [(person, entry.id) for entry in history.catalog.listed(person, most)]


def export(history: History, wanted: Sequence[Wanted], format: Format) -> Export | None:
    """The conversations in a format: one as a file of its own, several in one file. None where one
    alone is asked for and not there; of several, those that are gone meanwhile are left out.

    Raises `HistoryError`, also when pieces are taken.
    """
    name = "conversations"
    if len(wanted) == 1:
        stored = history.load(*wanted[0])
        if stored is None:
            return None
        name = file_name(stored.entry)
        if format in _BRANCH:
            made = _branch(stored, history.blobs, format)
            return Export(f"{name}.{ENDINGS[format]}", made)
    if format == "json":
        conversations = (conversation_json(stored, {}) for stored in _loaded(history, wanted))
        return Export(f"{name}.json", json_pieces(conversations))
    if format == "zip":
        return Export(f"{name}.zip", _zip_of_json(history, wanted))
    return Export(f"{name}.zip", _zip_of_branches(history, wanted, format))


def file_name(entry: Entry) -> str:
    """A file name made of a conversation's title, without an ending."""
    name = safe_name(entry.title.replace("/", "-").replace("\\", "-") or "Untitled", "-")
    return name.encode()[:MAX_TITLE_BYTES].decode(errors="ignore").strip(". ") or "Untitled"


def _loaded(history: History, wanted: Sequence[Wanted]) -> Iterator[Stored]:
    for person, id in wanted:
        stored = history.load(person, id)
        if stored is not None:
            yield stored


def _branch(stored: Stored, blobs: Blobs, format: Format) -> Iterator[bytes]:
    with snapshot(stored, blobs) as taken:
        yield _BRANCH[format](taken)


def _zip_of_branches(history: History, wanted: Sequence[Wanted], format: Format) -> Iterator[bytes]:
    with _ZipStream() as archive:
        for number, stored in enumerate(_loaded(history, wanted), 1):
            with archive.member(f"{number:04} {file_name(stored.entry)}.{ENDINGS[format]}") as file:
                for piece in _branch(stored, history.blobs, format):
                    file.write(piece)
            yield from archive.written()
        yield from archive.closed()


def _zip_of_json(history: History, wanted: Sequence[Wanted]) -> Iterator[bytes]:
    files: list[tuple[str, str]] = []

    def conversations() -> Iterator[dict[str, object]]:
        for number, stored in enumerate(_loaded(history, wanted), 1):
            archived = dict(archived_files(stored, number, history.blobs))
            files.extend((name, stored.files[key]) for key, name in archived.items())
            yield conversation_json(stored, archived)

    with _ZipStream() as archive:
        with archive.member(JSON_NAME) as file:
            for piece in json_pieces(conversations()):
                file.write(piece)
                yield from archive.written()
        for name, digest in files:
            try:
                stream = history.blobs.path(digest).open("rb")
            except OSError:
                continue  # deleted meanwhile
            with stream, archive.member(name) as file:
                while piece := stream.read(CHUNK_BYTES):
                    file.write(piece)
                    yield from archive.written()
        yield from archive.closed()


class _ZipStream:
    """A zip archive that is sent while it is written."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._sink), "w", zipfile.ZIP_DEFLATED)

    def member(self, name: str) -> IO[bytes]:
        """A new file of the archive, to be written and closed."""
        return self._zip.open(name, "w", force_zip64=True)

    def written(self) -> Iterator[bytes]:
        """What was written since the last call."""
        if pieces := self._sink.taken():
            yield pieces

    def closed(self) -> Iterator[bytes]:
        """The end of the archive."""
        self._zip.close()
        yield from self.written()

    def __enter__(self) -> _ZipStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()


class _Sink(io.RawIOBase):
    """A stream without a way back, from which what was written is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
