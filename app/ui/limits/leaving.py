"""Pages without a connection: kept for a while, so that they can reconnect, then closed with their
files and images.

Streamlit's own storage drops a page only when another one is stored or requested, and closes it
only when Python's garbage collector finds it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from streamlit.runtime import Runtime
from streamlit.runtime.session_manager import SessionInfo, SessionStorage

from app.ui.limits.memory import give_back

log = logging.getLogger(__name__)

SWEEP_S = 5.0
MAX_KEPT = 1000
"""Disconnected pages that are kept; above it the one disconnected longest ago is closed."""


class LeftPages(SessionStorage):
    """Stores Streamlit's disconnected sessions for `seconds`. Runs on the event loop's thread."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._left: dict[str, tuple[float, SessionInfo]] = {}

    def get(self, session_id: str) -> SessionInfo | None:
        """The page, if it is still kept."""
        when, info = self._left.get(session_id, (0.0, None))
        return info if info is not None and self._clock() - when < self._seconds else None

    def save(self, session_info: SessionInfo) -> None:
        """Stores a page that was just disconnected."""
        self._left[session_info.session.id] = (self._clock(), session_info)
        if len(self._left) > MAX_KEPT:
            self._close(next(iter(self._left)))

    def delete(self, session_id: str) -> None:
        """Drops a page that has reconnected or was closed by the caller."""
        self._left.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        """All stored pages."""
        return [info for _, info in self._left.values()]

    def sweep(self) -> int:
        """Closes the pages whose time is over; returns how many."""
        now = self._clock()
        over = [key for key, (when, _) in self._left.items() if now - when >= self._seconds]
        for session_id in over:
            self._close(session_id)
        return len(over)

    def _close(self, session_id: str) -> None:
        _, info = self._left.pop(session_id)
        info.session.shutdown()


def keep_left_pages(seconds: float) -> LeftPages:
    """Replaces Streamlit's storage by a `LeftPages`; before the first page connects."""
    pages = LeftPages(seconds)
    Runtime.instance()._session_mgr._session_storage = pages  # type: ignore[attr-defined]
    return pages


async def sweep(pages: LeftPages) -> None:
    """Closes disconnected pages when their time is over and returns their memory to the system;
    runs until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            if pages.sweep():
                await asyncio.to_thread(give_back)
        except Exception:
            log.exception("pages that were left could not be closed")
