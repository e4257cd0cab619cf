"""A fair queue in front of a model that answers a few requests at a time.

First come, first served; everyone who waits can ask for their place. Covers one process;
several processes in front of one model need a server with a queue of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backends.base import Notice

POLL = 0.05
"""Seconds between two looks at whether the user pressed Stop."""


class FairQueue:
    """`slots` holders at once, the others in the order in which they came."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """A place in the queue; leaving the block gives the slot or the place back."""
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            ticket.leave()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._changed:
            return len(self._waiting)


class Ticket:
    """One place in a `FairQueue`."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self._held = False
        with queue._changed:
            queue._waiting.append(self)

    def wait(self, timeout: float) -> int:
        """Waits up to `timeout` seconds. Returns 0 once the slot is ours, else how many
        requests are served before this one, this one included."""
        queue = self._queue
        with queue._changed:
            queue._changed.wait_for(self._is_next, timeout)
            if self._held:
                return 0
            if not self._is_next():
                return queue._waiting.index(self) + 1
            queue._waiting.remove(self)
            queue._free -= 1
            self._held = True
            queue._changed.notify_all()
            return 0

    def leave(self) -> None:
        """Gives back the slot or the place. May be called twice."""
        queue = self._queue
        with queue._changed:
            if self._held:
                self._held = False
                queue._free += 1
            elif self in queue._waiting:
                queue._waiting.remove(self)
            queue._changed.notify_all()

    def _is_next(self) -> bool:
        return self._held or (self._queue._free > 0 and self._queue._waiting[:1] == [self])


def waiting(ticket: Ticket, cancel: threading.Event) -> Iterator[Notice]:
    """Waits until the slot is ours or `cancel` is set; yields the places in the queue."""
    told = 0
    while not cancel.is_set():
        place = ticket.wait(POLL)
        if place == 0:
            break
        if place != told:
            told = place
            yield Notice(f"Waiting for the model: place {place} in the queue")
    if told:
        yield Notice("")
