"""How long one visitor's Python may run within an hour, so that nobody keeps the kernels busy."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from tools.base import ToolError

WINDOW_S = 3600.0
"""The hour, in seconds."""


class Allowance:
    """`seconds` of running calls within the last hour, for each owner; no limit where it is None.

    A call that runs when they are used up comes to its end; it has a time limit of its own.
    `clock` tells monotonic seconds.
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[Hashable, deque[tuple[float, float]]] = {}  # when it ended, how long

    def check(self, owner: Hashable) -> None:
        """Raises `ToolError` where the owner has none left."""
        if self._seconds is None:
            return
        with self._lock:
            self._forget()
            spent = self._spent.get(owner, ())
            over = sum(seconds for _, seconds in spent) - self._seconds
            if over < 0:
                return
            for ended, seconds in spent:
                over -= seconds
                if over < 0:
                    wait = ended + WINDOW_S - self._clock()
                    break
        minutes = max(1, math.ceil(wait / 60))
        raise ToolError(
            f"Python was not run: this visitor's code has run for the {self._seconds / 60:g} "
            f"minutes that it may run within an hour. In {minutes} "
            f"minute{'' if minutes == 1 else 's'} it runs again; answer without it, or say so."
        )

    def spend(self, owner: Hashable, seconds: float) -> None:
        """A call of the owner's has run for so long."""
        if self._seconds is None:
            return
        with self._lock:
            self._forget()
            self._spent.setdefault(owner, deque()).append((self._clock(), seconds))

    def _forget(self) -> None:
        """Lets go of what ended more than an hour ago."""
        oldest = self._clock() - WINDOW_S
        for owner, spent in list(self._spent.items()):
            while spent and spent[0][0] <= oldest:
                spent.popleft()
            if not spent:
                del self._spent[owner]
