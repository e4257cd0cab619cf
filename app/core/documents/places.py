"""Where a stretch of recognised text stands on the picture of its page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.core.documents.base import Area, Page
from tools.citations import Span


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
