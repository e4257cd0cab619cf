"""Waiting for a shared slot, with Stop and notices of the place in the queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from backends.events import Notice
from tools.fair_queue import POLL_INTERVAL_S, FairQueue, Ticket

__all__ = ["POLL_INTERVAL_S", "FairQueue", "Ticket", "is_place", "waiting"]


_IN_QUEUE = "in the queue"


def is_place(notice: str) -> bool:
    """Whether a notice says that a turn waits in a queue."""
    return notice.endswith(_IN_QUEUE)


def waiting(
    ticket: Ticket, cancel: threading.Event, doing: str = "Waiting for the model"
) -> Iterator[Notice]:
    """Waits until `ticket` holds a slot or `cancel` is set. Yields a notice for each new place in
    the queue; `doing` is its beginning."""
    last = 0
    while not cancel.is_set():
        place = ticket.wait(POLL_INTERVAL_S)
        if place == 0:
            break
        if place != last:
            last = place
            yield Notice(f"{doing}: place {place} {_IN_QUEUE}")
    if last:
        yield Notice("")
