"""What becomes of the pages that were left: kept a while, for a lost connection may come back,
then closed at once with their files and pictures, whether or not anybody comes.

Streamlit's own storage forgets a page only when another one is stored or asked for, and closes it
only when Python's collector finds it.
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
"""Pages that were left and may come back; then the longest gone one is closed."""


class LeftPages(SessionStorage):
    """Streamlit's sessions without a connection, for `seconds`. On the event loop's thread."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._left: dict[str, tuple[float, SessionInfo]] = {}

    def get(self, session_id: str) -> SessionInfo | None:
        """The page, if it may still come back."""
        when, info = self._left.get(session_id, (0.0, None))
        return info if info is not None and self._clock() - when < self._seconds else None

    def save(self, session_info: SessionInfo) -> None:
        """Keeps a page that was left just now."""
        self._left[session_info.session.id] = (self._clock(), session_info)
        if len(self._left) > MAX_KEPT:
            self._close(next(iter(self._left)))

    def delete(self, session_id: str) -> None:
        """Forgets a page, which is back or closed by its caller."""
        self._left.pop(session_id, None)

    def list(self) -> list[SessionInfo]:
        """All that are kept."""
        return [info for _, info in self._left.values()]

    def sweep(self) -> int:
        """Closes those whose time is over; how many."""
        now = self._clock()
        over = [key for key, (when, _) in self._left.items() if now - when >= self._seconds]
        for session_id in over:
            self._close(session_id)
        return len(over)

    def _close(self, session_id: str) -> None:
        _, info = self._left.pop(session_id)
        info.session.shutdown()


def keep_left_pages(seconds: float) -> LeftPages:
    """Puts a `LeftPages` in the place of Streamlit's own storage, before anybody came."""
    pages = LeftPages(seconds)
    Runtime.instance()._session_mgr._session_storage = pages  # type: ignore[attr-defined]
    return pages


async def sweep(pages: LeftPages) -> None:
    """Closes left pages when their time is over, and gives their memory back, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            if pages.sweep():
                await asyncio.to_thread(give_back)
        except Exception:
            log.exception("pages that were left could not be closed")
