"""Removes for good what is deleted or too old, at the start and every hour."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.people.usage import UsageTable

log = logging.getLogger(__name__)

INTERVAL_S = 3600.0
JUMP_S = 900.0
"""By how much the clock may be set between two rounds without the round's ages being doubted."""


class Retention:
    """Purges a history. `days` is the age of a conversation that is deleted, 0 for none."""

    def __init__(
        self,
        history: History,
        usage: UsageTable,
        days: float,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history, self._usage, self.days = history, usage, days
        self._clock, self._monotonic = clock, monotonic
        self._last: tuple[float, float] | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begins, on a daemon thread."""
        threading.Thread(target=self._run, name="retention", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def round(self) -> bool:
        """Purges once; False where ages were not looked at, since the clock has jumped. A clock
        that stays where it jumped to is believed in the next round."""
        now = (self._clock(), self._monotonic())
        last, self._last = self._last or now, now
        jumped = abs((now[0] - last[0]) - (now[1] - last[1])) > JUMP_S
        if jumped:
            log.warning("the clock has jumped: nothing is deleted for its age in this hour")
        self._history.purge(self.days if self.days and not jumped else None)
        self._usage.purge()
        return not jumped

    def _run(self) -> None:
        while True:
            try:
                self.round()
            except HistoryError:
                pass  # logged where it was raised
            except Exception:
                log.exception("old conversations could not be removed")
            if self._stopped.wait(INTERVAL_S):
                return
