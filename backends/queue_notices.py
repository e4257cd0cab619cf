"""A turn waits for a shared slot: Stop is heard, and the place in the queue is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from backends.events import Notice
from tools.fair_queue import POLL_INTERVAL_S, FairQueue, Ticket

__all__ = ["POLL_INTERVAL_S", "FairQueue", "Ticket", "waiting"]


def waiting(
    ticket: Ticket, cancel: threading.Event, told: str = "Waiting for the model"
) -> Iterator[Notice]:
    """Waits until the slot is ours or `cancel` is set; yields the places in the queue, after
    what is `told` of it."""
    last = 0
    while not cancel.is_set():
        place = ticket.wait(POLL_INTERVAL_S)
        if place == 0:
            break
        if place != last:
            last = place
            yield Notice(f"{told}: place {place} in the queue")
    if last:
        yield Notice("")
