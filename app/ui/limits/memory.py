"""Memory: when Python looks for garbage, and when what is free goes back to the system.

Streamlit by itself looks through all of the process's objects after each run of a page, and
everybody waits meanwhile (0.17 s with the app's libraries). Python's own collector does that when
enough has come up that is new. It is told once that what is there at the start stays.
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
"""The least time between two collections that are asked for."""


def spare_collections() -> None:
    """Turns Streamlit's collection after each run off, unless somebody has asked for it."""
    if not config.is_manually_set("runner.postScriptGC"):
        config.set_option("runner.postScriptGC", False)


def settle() -> None:
    """Takes what was imported by now out of all later collections. It is not collected first, for
    that takes as long as it would later, and the first page waits."""
    gc.freeze()


_collecting = threading.Lock()
_collected = 0.0


def give_back() -> None:
    """Collects what pages have left, not too often, and gives free memory back to the system. To
    be called on a thread of its own."""
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
