"""A copy of a file, taken before it is read.

The file lies in a folder where a model's code may put another in its place at any moment, or a
link to what belongs to somebody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.documents.base import DocumentError
from tools.safe_files import open_regular

log = logging.getLogger(__name__)

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Snapshot:
    """The copy, and the SHA-256 of its content."""

    path: Path
    digest: str


@contextlib.contextmanager
def snapshot(path: Path, most: int, cancel: threading.Event | None = None) -> Iterator[Snapshot]:
    """A copy of the file at an absolute path, of at most `most` bytes, while the context is open.

    Raises `DocumentError`, also when `cancel` is set meanwhile.
    """
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="glm-reading-") as folder:
        copy = Path(folder, "file")
        size = 0
        try:
            with open_regular(path) as source, copy.open("wb") as target:
                while piece := source.read(MEGABYTE):
                    size += len(piece)
                    if size > most:
                        raise DocumentError(f"The file is larger than {most // MEGABYTE:,} MB.")
                    if cancel is not None and cancel.is_set():
                        raise DocumentError("Reading was stopped.")
                    digest.update(piece)
                    target.write(piece)
        except OSError:
            log.warning("a document could not be copied", exc_info=True)
            raise DocumentError("The file is no longer there.") from None
        yield Snapshot(copy, digest.hexdigest())
