"""What one owner may use: how many kernels, and how long their code runs within an hour."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from tools.base import ToolError

WINDOW_S = 3600.0
"""The period of `Allowance`: one hour."""


@dataclass(frozen=True)
class Share:
    """At most `most` kernels of one `group`, such as an owner; 0 for any number."""

    group: str
    most: int


Quota = Callable[[str], Sequence[Share]]
"""The shares that an owner's kernels count for."""


def no_quota(_owner: str) -> Sequence[Share]:
    """Any number of kernels for everybody."""
    return ()


class Allowance:
    """The rate limit of each owner: `seconds` of running calls within an hour; None: no limit.

    It is checked before a call begins; a running call ends at its own time limit only.
    `clock` returns monotonic seconds.
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        # Of each call: when it ended, and its seconds.
        self._spent: dict[Hashable, deque[tuple[float, float]]] = {}

    def check(self, owner: Hashable) -> None:
        """Raises `ToolError` where the owner's seconds are used up."""
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
        """Record a call of the owner that ran for `seconds`."""
        if self._seconds is None:
            return
        with self._lock:
            self._forget()
            self._spent.setdefault(owner, deque()).append((self._clock(), seconds))

    def _forget(self) -> None:
        """Drop the calls that ended more than an hour ago."""
        oldest = self._clock() - WINDOW_S
        for owner, spent in list(self._spent.items()):
            while spent and spent[0][0] <= oldest:
                spent.popleft()
            if not spent:
                del self._spent[owner]
