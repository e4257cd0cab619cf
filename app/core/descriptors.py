"""File descriptors: how many this process may have, and for how many pages they are enough."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

WANTED = 65_536
"""Descriptors that are enough for all that one process can serve; a higher limit is not asked for,
since some programs that are started from here close every number below the limit."""
PAGE = 4
"""Descriptors of one open page: its WebSocket, and the event loop that Streamlit makes for it (an
epoll and a pair of sockets)."""
KEPT_SHARE, KEPT_MOST = 0.2, 128
"""What newcomers don't get, as a share of the limit and at most: running turns need connections,
kernels need pipes, and requests that are refused need sockets until they have their answer."""
FEW_PAGES = 100
"""Room for fewer pages is worth a warning."""

_OPEN = ("/proc/self/fd", "/dev/fd")


@dataclass(frozen=True)
class Descriptors:
    """The limit of this process, and how many of it are in use. A limit of 0: nobody knows."""

    limit: int
    used: int

    @property
    def free(self) -> int:
        """Those that newcomers may have."""
        return max(0, self.limit - self._kept - self.used)

    @property
    def scarce(self) -> bool:
        """Whether half of what newcomers don't get is gone."""
        return bool(self.limit) and self.used > self.limit - self._kept // 2

    @property
    def _kept(self) -> int:
        return min(KEPT_MOST, int(self.limit * KEPT_SHARE))

    @property
    def pages(self) -> int:
        """Further pages that there is room for."""
        return self.free // PAGE


def raise_limit() -> Descriptors:
    """Raises the soft limit as far as the hard one allows, and says what there is now."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return now()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit of its own
            return now()
    return now()


def now() -> Descriptors:
    """What there is at this moment."""
    try:
        import resource
    except ImportError:
        return Descriptors(0, 0)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = WANTED if soft == resource.RLIM_INFINITY else soft
    for folder in _OPEN:
        try:
            return Descriptors(limit, len(os.listdir(folder)))
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                return Descriptors(limit, limit)  # to count them takes one
    return Descriptors(0, 0)
