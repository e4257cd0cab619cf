"""Who the server works for: what one visitor's conversations share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from app.core.agent.events import Event
from backends.queue_notices import waiting
from tools.fair_queue import FairQueue

TURNS = 3
"""Turns of one visitor that run at the same time; a fourth waits."""
WAITING = "Waiting for your other answers"


@dataclass(frozen=True, eq=False)
class Visitor:
    """One visitor. `key` is opaque, and what shared resources are divided by; `turns` has a slot
    for each turn that may run at the same time, in all modes and tabs together."""

    key: str = ""
    turns: FairQueue = field(default_factory=lambda: FairQueue(TURNS))

    def in_turn(self, events: Iterator[Event], cancel: threading.Event) -> Iterator[Event]:
        """The events of a turn, begun once a slot is free or `cancel` is set; the wait is told."""
        with self.turns.ticket() as ticket:
            yield from waiting(ticket, cancel, WAITING)
            yield from events


class Visitors:
    """All visitors that somebody holds on to, by key; `turns` of each run at the same time."""

    def __init__(self, turns: int = TURNS) -> None:
        self._turns = turns
        self._known: WeakValueDictionary[str, Visitor] = WeakValueDictionary()

    def __getitem__(self, key: str) -> Visitor:
        return self._known.setdefault(key, Visitor(key, FairQueue(self._turns)))
