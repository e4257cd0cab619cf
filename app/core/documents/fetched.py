"""Documents that stand at an address of the web, as the lines that the browser shows."""

from __future__ import annotations

import mimetypes
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from app.core.documents.base import DocumentError, Options, Reading
from app.core.documents.process import Limits
from app.core.documents.reading import read

LIMITS = Limits(seconds=30.0, characters=2_000_000)
OPTIONS = Options(most_pages=500)
AT_ONCE = 2
PATIENCE = 60.0  # seconds until others are read

_room = threading.BoundedSemaphore(AT_ONCE)


def lines(data: bytes, media_type: str) -> list[str]:
    """The document's text in lines, its pages named. Raises ValueError with one line."""
    name = f"document{mimetypes.guess_extension(media_type) or ''}"
    if not _room.acquire(timeout=PATIENCE):
        raise ValueError("too many documents are being read here just now")
    try:
        with tempfile.TemporaryDirectory(prefix="glm-reading-") as folder:
            path = Path(folder, "file")
            path.write_bytes(data)
            reading = read(path, name, LIMITS, OPTIONS)
    except DocumentError as error:
        sentence = str(error)
        raise ValueError(sentence[:1].lower() + sentence[1:].rstrip(".")) from None
    finally:
        _room.release()
    if not any(page.text.strip() for page in reading.pages):
        raise ValueError("no text was found in the document")
    return list(_lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    for remark in reading.remarks:
        yield f"[{remark}]"
    for page in reading.pages:
        if len(reading.pages) > 1:
            yield f"[page {page.number}]"
        yield from page.text.splitlines()
        for what in page.unreadable:
            yield f"[not read: {what}]"
