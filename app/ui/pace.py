"""The draw rate of running answers: high for one page, lower the more pages watch one.

A draw costs the server some milliseconds under Python's global interpreter lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PAGE_DRAWS_PER_S = 12
"""Maximum for one page: smooth to read, and light for the browser."""
MAX_DRAWS_PER_S = 180
"""Maximum for all pages together, per second."""
MIN_PAGE_DRAWS_PER_S = 3
"""Minimum for one page, per second, however many pages there are."""

_lock = threading.Lock()
_watching = 0


@contextmanager
def watching() -> Iterator[None]:
    """Counts a page that watches a running answer."""
    global _watching
    with _lock:
        _watching += 1
    try:
        yield
    finally:
        with _lock:
            _watching -= 1


def draw_interval() -> float:
    """Seconds from one draw of a page to its next."""
    share = MAX_DRAWS_PER_S / max(1, _watching)
    return 1 / max(MIN_PAGE_DRAWS_PER_S, min(MAX_PAGE_DRAWS_PER_S, share))
