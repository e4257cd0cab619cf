"""A page as it looks, drawn in a process of its own.

`areas` says where a stretch of recognised text stands on that picture.
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
WIDTH, WIDEST = 900, 2000  # pixels
MAX_CONCURRENT = 2  # pages

_room = FairQueue(MAX_CONCURRENT)


class Marks(NamedTuple):
    """What is marked on a page: words of a pdf's own text, and areas of the picture."""

    words: tuple[str, ...] = ()
    areas: tuple[Area, ...] = ()


def render(
    path: Path,
    page: int,
    width: int = WIDTH,
    password: str | None = None,
    words: Sequence[str] = (),
    areas: Sequence[Area] = (),
    *,
    owner: Hashable = "",
) -> bytes:
    """A page of the pdf or picture at an absolute path, as a PNG; the first one is page 1. A
    picture that is less than `width` pixels wide stays as it is. For `words` and `areas` see
    `Marks`. A few are drawn at a time, the owners in turn.

    Raises `DocumentError`, also for formats that have no pages of their own.
    """
    limits = replace(LIMITS, seconds=TIMEOUT_S)
    drawing = {
        "page": page,
        "width": max(1, min(width, WIDEST)),
        "password": password,
        "words": words,
        "areas": areas,
    }
    try:
        with (
            _room.slot(owner),
            snapshot(path, limits.size) as copy,
            contextlib.closing(
                run_worker({"path": str(copy.path), "name": path.name, "draw": drawing}, limits)
            ) as heard,
        ):
            for answer in heard:
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
    """The areas that these stretches of the page's text take; of words that were recognised
    together the part that their signs are, all of one width. None where that isn't known."""
    return tuple(area for span in spans for area in _areas(page, span))


def _areas(page: Page, span: Span) -> Iterator[Area]:
    start, end = (_signs(page.text[:edge]) for edge in span)
    at = 0
    for signs, left, top, right, bottom in page.places:
        first, last = max(start - at, 0), min(end - at, signs)
        at += signs
        if first < last:
            sign = (right - left) / signs
            yield round(left + first * sign), top, round(left + last * sign), bottom


def _signs(text: str) -> int:
    return len("".join(text.split()))
