"""Who is served next where something is shared: visitors take turns, not their requests.

A visitor who asks for twenty things at once has the first one served as if it were the only one,
and the others as often as each other visitor who waits. The order is start-time fair queueing with
equal weights: every request is due in a round, one of a visitor's a round, and a newcomer begins
in the round that is being served. One owner's requests come in the order in which they came.

An owner is an opaque key; what has none shares the empty one, which is first come, first served.
Covers one process; several processes in front of one model need a server with a queue of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, TypeVar

POLL_INTERVAL_S = 0.05
"""Seconds between two looks at whether the user pressed Stop."""

T = TypeVar("T", bound=Hashable)


class FairOrder(Generic[T]):
    """Those who wait, in the order in which they are served. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._arrivals = itertools.count()
        self._waiting: dict[Hashable, dict[T, int]] = {}  # by owner, with the number of arrival
        self._due: dict[Hashable, int] = {}  # the round of the owner's next one
        self._round = 0
        self._order: list[T] | None = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __contains__(self, item: T) -> bool:
        return any(item in items for items in self._waiting.values())

    @property
    def first(self) -> T | None:
        """Who is served next."""
        return next(iter(self._sorted()), None)

    def place(self, item: T) -> int:
        """How many are served before `item` is done, from 1. Raises ValueError for a stranger."""
        return self._sorted().index(item) + 1

    def join(self, item: T, owner: Hashable = "") -> None:
        """`item` waits from now on."""
        if owner not in self._waiting:
            self._due[owner] = max(self._due.get(owner, 0), self._round)
        self._waiting.setdefault(owner, {})[item] = next(self._arrivals)
        self._order = None

    def leave(self, item: T) -> None:
        """`item` no longer waits, and was not served. Does nothing for a stranger."""
        for owner, items in self._waiting.items():
            if item in items:
                self._remove(item, owner)
                return

    def serve(self, item: T) -> None:
        """`item` has what it waited for."""
        owner = next(owner for owner, items in self._waiting.items() if item in items)
        self._round = max(self._round, self._due[owner])
        self._due[owner] += 1
        self._remove(item, owner)
        # Who neither waits nor is ahead of the others is as good as a newcomer.
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
    """`slots` holders at once, the others in a fair order; see `FairOrder`."""

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
        """A slot, which is waited for as long as it takes."""
        with self.ticket(owner) as ticket:
            while ticket.wait(POLL_INTERVAL_S):
                pass
            yield

    @asynccontextmanager
    async def slot_async(
        self, owner: Hashable = "", look: float = POLL_INTERVAL_S
    ) -> AsyncIterator[None]:
        """`slot` for an event loop, which looks every `look` seconds."""
        with self.ticket(owner) as ticket:
            while ticket.wait(0):
                await asyncio.sleep(look)
            yield

    @property
    def waiting(self) -> int:
        """How many wait."""
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
        """Waits up to `timeout` seconds. Returns 0 once the slot is ours, else how many
        requests are served before this one, this one included."""
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
