"""Content-addressed files: a file that several messages or conversations have is kept once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1024 * 1024
GRACE_S = 3600.0
"""How long a file that nothing refers to is kept: it may be about to be referred to."""

JUST_NOW_S = 60.0
"""How long keeping a file and referring to it may take."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Files below a folder, named by the SHA-256 of their content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, stream: BinaryIO) -> tuple[str, int]:
        """Keeps the rest of a stream; returns its digest and its size. Raises `OSError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f".{secrets.token_hex(8)}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                while piece := stream.read(CHUNK_BYTES):
                    digest.update(piece)
                    size += len(piece)
                    copy.write(piece)
            path = self.path(digest.hexdigest())
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        return digest.hexdigest(), size

    def path(self, digest: str) -> Path:
        """Where a file is or would be. Raises `ValueError` for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("no SHA-256 digest")
        return self.folder / digest[:2] / digest

    def discard(self, digests: Collection[str]) -> None:
        """Deletes files that nothing refers to any more, without `GRACE_S`. One that was kept this
        minute is left to `sweep`: somebody else may be about to refer to the same content."""
        before = time.time() - JUST_NOW_S
        for digest in digests:
            with contextlib.suppress(OSError, ValueError):
                if (path := self.path(digest)).stat().st_mtime < before:
                    path.unlink()

    def sweep(self, used: Collection[str]) -> int:
        """Deletes the files that are not `used`, unless they are fresh; returns how many."""
        deleted = 0
        before = time.time() - GRACE_S
        for path in [*self.folder.glob("??/*"), *self.folder.glob(".*.part")]:
            with contextlib.suppress(OSError):
                if path.name not in used and path.stat().st_mtime < before:
                    path.unlink()
                    deleted += 1
        return deleted
