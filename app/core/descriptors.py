"""File descriptors: the limit of this process, and the number of pages that it allows."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

MAX_LIMIT = 65_536
"""The limit to request: enough for all that one process can serve. Not higher, since some child
processes close every descriptor number below the limit."""
DESCRIPTORS_PER_PAGE = 4
"""Descriptors of one open page: its WebSocket, and the event loop that Streamlit makes for it (an
epoll and a pair of sockets)."""
RESERVED_SHARE, MAX_RESERVED = 0.2, 128
"""Descriptors that new pages don't get, as a share of the limit and a maximum: running turns need
connections, kernels need pipes, and rejected requests need sockets until they are answered."""
FEW_PAGES = 100
"""The app warns where fewer pages are possible."""

_OPEN = ("/proc/self/fd", "/dev/fd")


@dataclass(frozen=True)
class Descriptors:
    """The limit of this process and the number in use; a `limit` of 0 means unknown."""

    limit: int
    used: int

    @property
    def free(self) -> int:
        """Descriptors that new pages may use."""
        return max(0, self.limit - self._reserved - self.used)

    @property
    def scarce(self) -> bool:
        """Whether more than half of the reserve is in use."""
        return bool(self.limit) and self.used > self.limit - self._reserved // 2

    @property
    def _reserved(self) -> int:
        return min(MAX_RESERVED, int(self.limit * RESERVED_SHARE))

    @property
    def pages(self) -> int:
        """The number of further pages that can be opened."""
        return self.free // DESCRIPTORS_PER_PAGE


def raise_limit() -> Descriptors:
    """Raises the soft limit as far as the hard one allows. Returns the new state."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return now()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_LIMIT if hard == resource.RLIM_INFINITY else min(hard, MAX_LIMIT)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit of its own
            return now()
    return now()


def now() -> Descriptors:
    """The present limit and use."""
    try:
        import resource
    except ImportError:
        return Descriptors(0, 0)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_LIMIT if soft == resource.RLIM_INFINITY else soft
    for folder in _OPEN:
        try:
            return Descriptors(limit, len(os.listdir(folder)))
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                return Descriptors(limit, limit)  # counting needs a descriptor itself
    return Descriptors(0, 0)
