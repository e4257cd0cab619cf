"""A stored conversation as it is exported: one branch, with the files that it names at hand."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.history.blobs import Blobs
from app.core.history.message_json import Roots, restored
from app.core.history.quotations import quotations_from_json
from app.core.history.stored import Entry, Stored
from app.core.history.workspace_files import Key
from app.core.rendering.citations import CitationCache
from backends.messages import Message
from tools.safe_files import names_in

ROOTS = ("workspace", "pictures")
"""The folders of a conversation's files, see `app.core.history.message_json`."""


@dataclass(frozen=True)
class Snapshot:
    """A branch of a conversation. The files that its messages name can be read while it is open."""

    entry: Entry
    messages: tuple[Message, ...]
    citations: CitationCache


@contextlib.contextmanager
def snapshot(stored: Stored, blobs: Blobs, head: str | None = None) -> Iterator[Snapshot]:
    """The branch that ends with the message `head`, by default the one that is shown."""
    citations = CitationCache()
    with tempfile.TemporaryDirectory(prefix="glm-export-") as folder:
        roots = {name: Path(folder).resolve() / name for name in ROOTS}
        rows = {row.id: row for row in stored.rows}
        branch = [rows[id] for id in stored.tree.path(head or stored.head)]
        for row in branch:
            citations.remember(quotations_from_json(row.citations))
        messages = tuple(restored(row, roots) for row in branch)
        _put(_named(messages), roots, stored.files, blobs)
        yield Snapshot(stored.entry, messages, citations)


def _named(messages: Sequence[Message]) -> set[Path]:
    """The files that messages name."""
    given = {part.path for message in messages for part in message.attached}
    results = [message.result for message in messages if message.result is not None]
    return given | {each.path for result in results for each in result.attachments}


def _put(named: set[Path], roots: Roots, files: Mapping[Key, str], blobs: Blobs) -> None:
    """Brings the `named` ones of a conversation's files into `roots`. What can't be had is left
    out, as it is in the conversation itself."""
    for (root, path), digest in files.items():
        folder = roots.get(root)
        with contextlib.suppress(OSError, ValueError):
            if folder is None or (target := folder.joinpath(*names_in(path))) not in named:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(blobs.path(digest), target)  # takes neither time nor room
            except OSError:
                shutil.copyfile(blobs.path(digest), target)
