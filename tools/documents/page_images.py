"""Renders a page as an image, in a process of its own.

`areas` finds where a span of recognised text stands in that image.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tools.citations import Span
from tools.documents.base import Area, DocumentError, Page, PasswordNeeded
from tools.documents.loader import snapshot
from tools.documents.worker.reading import LIMITS, WorkerEnded, run_worker
from tools.fair_queue import FairQueue

TIMEOUT_S = 20.0  # for one page
WIDTH_PX, MAX_WIDTH_PX = 900, 2000
MAX_CONCURRENT = 2  # pages

_queue = FairQueue(MAX_CONCURRENT)


class Marks(NamedTuple):
    """The marks on a rendered page: words of a PDF's own text, and areas of the image."""

    words: tuple[str, ...] = ()
    areas: tuple[Area, ...] = ()


def render(
    path: Path,
    page: int,
    width: int = WIDTH_PX,
    password: str | None = None,
    words: Sequence[str] = (),
    areas: Sequence[Area] = (),
    *,
    owner: Hashable = "",
) -> bytes:
    """Render a page of a PDF or image file as a PNG.

    `MAX_CONCURRENT` pages are rendered at a time; the owners take turns.

    Arguments:
        path: absolute path of the file.
        page: number of the page, from 1.
        width: width of the PNG in pixels; a narrower image file is not enlarged.
        password: opens a locked file.
        words: see `Marks`.
        areas: see `Marks`.
        owner: the visitor who waits for the page.

    Raises `DocumentError`, also for formats without pages.
    """
    limits = replace(LIMITS, seconds=TIMEOUT_S)
    drawing = {
        "page": page,
        "width": max(1, min(width, MAX_WIDTH_PX)),
        "password": password,
        "words": words,
        "areas": areas,
    }
    try:
        with (
            _queue.slot(owner),
            snapshot(path, limits.size) as copy,
            contextlib.closing(
                run_worker({"path": str(copy.path), "name": path.name, "draw": drawing}, limits)
            ) as answers,
        ):
            for answer in answers:
                match answer:
                    case {"png": data}:
                        return base64.b64decode(data)
                    case {"error": sentence, "locked": True}:
                        raise PasswordNeeded(sentence)
                    case {"error": sentence}:
                        raise DocumentError(sentence)
    except WorkerEnded:
        pass
    raise DocumentError("The page can't be drawn.")


def areas(page: Page, spans: Sequence[Span]) -> tuple[Area, ...]:
    """The areas of spans of the page's text in its image; none where they are unknown.

    Of words that were recognised together, a span gets the share of its characters, as if all
    had the same width.
    """
    return tuple(area for span in spans for area in _areas(page, span))


def _areas(page: Page, span: Span) -> Iterator[Area]:
    start, end = (_characters(page.text[:edge]) for edge in span)
    offset = 0
    for count, left, top, right, bottom in page.places:
        first, last = max(start - offset, 0), min(end - offset, count)
        offset += count
        if first < last:
            width = (right - left) / count
            yield round(left + first * width), top, round(left + last * width), bottom


def _characters(text: str) -> int:
    return len("".join(text.split()))
