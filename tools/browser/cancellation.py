"""Waiting for work that can't be interrupted, but not longer than the user wants."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import wait
from typing import TypeVar

from tools.background import in_background
from tools.base import ToolCancelled

T = TypeVar("T")

_POLL_INTERVAL_S = 0.05  # seconds between two looks at Stop


def unless_stopped(work: Callable[[], T], cancel: threading.Event) -> T:
    """What `work` returns. Raises `ToolCancelled` at once when `cancel` is set: what is still
    under way ends by its own time limit, and nobody waits for it."""
    future = in_background(work, "browser-call")
    while not wait([future], _POLL_INTERVAL_S).done and not cancel.is_set():
        pass
    if cancel.is_set():
        raise ToolCancelled("Stopped by the user.")
    return future.result()
