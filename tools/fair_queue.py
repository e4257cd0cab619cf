"""A fair queue for a shared resource: the visitors take turns, not their requests.

The first of twenty requests of one visitor waits no longer than a single request would, and the
others are served as often as those of each other waiting visitor. The algorithm is start-time fair
queueing with equal weights: each round serves at most one request of each owner, and a new owner
joins in the current round. Requests of one owner are served in their order of arrival.

An owner is an opaque key. Requests without an owner share the empty key, first come, first served.
A queue covers one process; several processes in front of one model need a server with its own
queue.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, TypeVar

POLL_INTERVAL_S = 0.05
"""Seconds between two checks of whether the user pressed Stop."""

T = TypeVar("T", bound=Hashable)


class FairOrder(Generic[T]):
    """The waiting items, in the order in which they are served. Not thread-safe."""

    def __init__(self) -> None:
        self._arrivals = itertools.count()
        self._waiting: dict[Hashable, dict[T, int]] = {}  # by owner; values: number of arrival
        self._due: dict[Hashable, int] = {}  # round of the owner's next request
        self._round = 0
        self._order: list[T] | None = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __contains__(self, item: T) -> bool:
        return any(item in items for items in self._waiting.values())

    @property
    def first(self) -> T | None:
        """The item that is served next; None when nothing waits."""
        return next(iter(self._sorted()), None)

    def place(self, item: T) -> int:
        """Position of `item` in the queue, from 1. Raises ValueError for an unknown item."""
        return self._sorted().index(item) + 1

    def join(self, item: T, owner: Hashable = "") -> None:
        """Adds `item` to the queue."""
        if owner not in self._waiting:
            self._due[owner] = max(self._due.get(owner, 0), self._round)
        self._waiting.setdefault(owner, {})[item] = next(self._arrivals)
        self._order = None

    def leave(self, item: T) -> None:
        """Removes `item` unserved. Does nothing for an unknown item."""
        for owner, items in self._waiting.items():
            if item in items:
                self._remove(item, owner)
                return

    def serve(self, item: T) -> None:
        """Removes `item` as served, which moves its owner's next request to the next round."""
        owner = next(owner for owner, items in self._waiting.items() if item in items)
        self._round = max(self._round, self._due[owner])
        self._due[owner] += 1
        self._remove(item, owner)
        # An owner who neither waits nor is ahead of the current round counts as new.
        self._due = {
            each: due
            for each, due in self._due.items()
            if each in self._waiting or due > self._round
        }

    def _remove(self, item: T, owner: Hashable) -> None:
        del self._waiting[owner][item]
        if not self._waiting[owner]:
            del self._waiting[owner]
        self._order = None

    def _sorted(self) -> list[T]:
        if self._order is None:
            due = [
                (self._due[owner] + nth, arrival, item)
                for owner, items in self._waiting.items()
                for nth, (item, arrival) in enumerate(items.items())
            ]
            self._order = [item for _, _, item in sorted(due, key=lambda each: each[:2])]
        return self._order


class FairQueue:
    """A queue in front of `slots` concurrent slots, in the order of `FairOrder`. Thread-safe."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._order: FairOrder[Ticket] = FairOrder()
        self._changed = threading.Condition()

    @contextmanager
    def ticket(self, owner: Hashable = "") -> Iterator[Ticket]:
        """A place in the queue; leaving the block gives the slot or the place back."""
        ticket = Ticket(self, owner)
        try:
            yield ticket
        finally:
            ticket.leave()

    @contextmanager
    def slot(self, owner: Hashable = "") -> Iterator[None]:
        """Waits without a timeout for a slot, and holds it until the block is left."""
        with self.ticket(owner) as ticket:
            while ticket.wait(POLL_INTERVAL_S):
                pass
            yield

    @asynccontextmanager
    async def slot_async(
        self, owner: Hashable = "", poll_interval_s: float = POLL_INTERVAL_S
    ) -> AsyncIterator[None]:
        """`slot` for an event loop, which polls every `poll_interval_s` seconds."""
        with self.ticket(owner) as ticket:
            while ticket.wait(0):
                await asyncio.sleep(poll_interval_s)
            yield

    @property
    def waiting(self) -> int:
        """Number of waiting tickets."""
        with self._changed:
            return len(self._order)


class Ticket:
    """One place in a `FairQueue`."""

    def __init__(self, queue: FairQueue, owner: Hashable = "") -> None:
        self._queue = queue
        self._held = False
        with queue._changed:
            queue._order.join(self, owner)

    def wait(self, timeout: float) -> int:
        """Waits up to `timeout` seconds for the slot.

        Returns 0 once this ticket holds a slot, else its position in the queue, from 1.
        """
        queue = self._queue
        with queue._changed:
            queue._changed.wait_for(self._is_next, timeout)
            if self._held:
                return 0
            if not self._is_next():
                return queue._order.place(self)
            queue._order.serve(self)
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
            else:
                queue._order.leave(self)
            queue._changed.notify_all()

    def _is_next(self) -> bool:
        return self._held or (self._queue._free > 0 and self._queue._order.first is self)
