"""Turn slots: the limit of concurrent turns that one visitor's sessions share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from app.core.agent.events import Event
from backends.queue_notices import waiting
from tools.fair_queue import FairQueue

TURNS = 3
"""Concurrent turns of one visitor; a further one waits for a slot."""
WAITING = "Waiting for your other answers"


@dataclass(frozen=True, eq=False)
class Visitor:
    """One visitor. `key` is opaque; shared resources are divided fairly between keys. `turns` has
    the slots for concurrent turns, in all modes and tabs together. `opening` is held while
    one of the visitor's conversations is opened."""

    key: str = ""
    turns: FairQueue = field(default_factory=lambda: FairQueue(TURNS))
    opening: threading.RLock = field(default_factory=threading.RLock)

    def in_turn(self, events: Iterator[Event], cancel: threading.Event) -> Iterator[Event]:
        """The events of a turn, which begins once a slot is free or `cancel` is set; before that,
        notices of the wait."""
        with self.turns.ticket() as ticket:
            yield from waiting(ticket, cancel, WAITING)
            yield from events


class Visitors:
    """The visitors with open sessions, by key; `turns` is the number of slots of each."""

    def __init__(self, turns: int = TURNS) -> None:
        self._turns = turns
        self._known: WeakValueDictionary[str, Visitor] = WeakValueDictionary()

    def set_turns(self, turns: int) -> None:
        """Another number of slots, for visitors that are not known yet."""
        self._turns = turns

    def __getitem__(self, key: str) -> Visitor:
        return self._known.setdefault(key, Visitor(key, FairQueue(self._turns)))
