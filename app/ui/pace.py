"""How often running answers are drawn: smooth for one page, and less so the more pages watch.

A draw costs the server some milliseconds on the one thread that Python runs at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

DRAWS_A_SECOND = 12
"""Of one page, at most: smooth to read, and light for the browser."""
DRAWS_IN_ALL = 180
"""A second, of all pages together."""
FEWEST_DRAWS = 3
"""Of one page a second, however many there are."""

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
    share = DRAWS_IN_ALL / max(1, _watching)
    return 1 / max(FEWEST_DRAWS, min(DRAWS_A_SECOND, share))
