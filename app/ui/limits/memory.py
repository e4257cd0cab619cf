"""Garbage collection, and the return of free memory to the system.

By default Streamlit collects garbage after each run of a page, which blocks all visitors (0.17 s
with the app's libraries). Python's automatic collector suffices; objects from the start of the
process are frozen, so that it skips them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable

from streamlit import config

COLLECT_EVERY_S = 30.0
"""Minimum time between two explicit collections."""


def spare_collections() -> None:
    """Turns off Streamlit's collection after each run, unless it was configured explicitly."""
    if not config.is_manually_set("runner.postScriptGC"):
        config.set_option("runner.postScriptGC", False)


def settle() -> None:
    """Excludes all objects so far from later collections. Without a collection first, which would
    delay the first page."""
    gc.freeze()


_collecting = threading.Lock()
_collected = 0.0


def give_back() -> None:
    """Collects garbage of closed pages, at most every `COLLECT_EVERY_S`, and returns free memory to
    the system. Blocks: to be called on a separate thread."""
    global _collected
    with _collecting:
        now = time.monotonic()
        if now - _collected >= COLLECT_EVERY_S:
            gc.collect()
            _collected = now
        if _trim is not None:
            _trim(0)


def _malloc_trim() -> Callable[[int], object] | None:
    """glibc's `malloc_trim`, where the C library has it."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return trim


_trim = _malloc_trim()
