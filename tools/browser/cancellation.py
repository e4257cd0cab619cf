"""Runs work that can't be interrupted, and stops waiting when the user presses Stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import wait
from typing import TypeVar

from tools.base import ToolCancelled
from tools.registry import in_background

T = TypeVar("T")

_POLL_INTERVAL_S = 0.05  # between two checks of Stop


def unless_stopped(work: Callable[[], T], cancel: threading.Event) -> T:
    """The result of `work`, which runs in a daemon thread.

    Raises `ToolCancelled` at once when `cancel` is set; the thread then ends by its own timeout.
    """
    future = in_background(work, "browser-call")
    while not wait([future], _POLL_INTERVAL_S).done and not cancel.is_set():
        pass
    if cancel.is_set():
        raise ToolCancelled("Stopped by the user.")
    return future.result()
