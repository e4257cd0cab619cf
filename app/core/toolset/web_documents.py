"""Documents on the web, as lines of text for the browser tool."""

from __future__ import annotations

import mimetypes
import tempfile
import time
from collections.abc import Hashable, Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, Reading
from tools.documents.worker.reading import Limits, read
from tools.fair_queue import POLL_INTERVAL_S, FairQueue

LIMITS = Limits(seconds=30.0, characters=2_000_000)
OPTIONS = Options(max_pages=500)
MAX_CONCURRENT = 2
QUEUE_TIMEOUT_S = 60.0  # seconds of waiting for a slot

_queue = FairQueue(MAX_CONCURRENT)


def lines(data: bytes, media_type: str, owner: Hashable = "") -> list[str]:
    """The document's text in lines, with a line at the beginning of each page.

    Reads `MAX_CONCURRENT` documents at a time; waiting `owner`s take turns. Raises `ValueError`
    with one line for the model.
    """
    name = f"document{mimetypes.guess_extension(media_type) or ''}"
    with _queue.ticket(owner) as ticket:
        deadline = time.monotonic() + QUEUE_TIMEOUT_S
        while ticket.wait(POLL_INTERVAL_S):
            if time.monotonic() > deadline:
                raise ValueError("too many documents are being read here just now")
        reading = _read(data, name)
    if not any(page.text.strip() for page in reading.pages):
        raise ValueError("no text was found in the document")
    return list(_lines(reading))


def _read(data: bytes, name: str) -> Reading:
    try:
        with tempfile.TemporaryDirectory(prefix="glm-reading-") as folder:
            path = Path(folder, "file")
            path.write_bytes(data)
            return read(path, name, LIMITS, OPTIONS)
    except DocumentError as error:
        sentence = str(error)
        raise ValueError(sentence[:1].lower() + sentence[1:].rstrip(".")) from None


def _lines(reading: Reading) -> Iterator[str]:
    for remark in reading.remarks:
        yield f"[{remark}]"
    for page in reading.pages:
        if len(reading.pages) > 1:
            yield f"[page {page.number}]"
        yield from page.text.splitlines()
        for part in page.unreadable:
            yield f"[not read: {part}]"
