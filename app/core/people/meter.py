"""The meter of turns: asked before each one, told after it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.core.agent.events import TurnFinished
from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.core.people.limits import LimitReached, Limits, LimitSet
from app.core.people.usage import MB, Subject, UsageTable, address_key
from backends.messages import Usage

log = logging.getLogger(__name__)

MINUTE_S = 60.0
MAX_REMEMBERED = 10_000
"""People and addresses whose last minute is remembered, before those of long ago are dropped."""


@dataclass
class MeteredTurn:
    """One turn that the meter let begin. `usage` is what its answers took so far."""

    parties: tuple[Subject, ...]
    conversation: str
    address: str
    counted: bool
    began: float
    usage: Usage = field(default_factory=Usage)

    def add(self, usage: Usage) -> None:
        """Counts one answer of the turn."""
        self.usage = self.usage.plus(usage)


@dataclass(frozen=True)
class Finished:
    """A turn that has ended, for statistics."""

    ended: TurnFinished
    usage: Usage
    seconds: float


class Meter:
    """Lets turns begin within the limits, and counts them. Safe to use from several threads.

    Args:
        history: where the counters are kept.
        limits: those of a person and of an address.
        key: under which addresses are digested.
        clock: seconds since 1970, for days.
        monotonic: seconds of a clock that never jumps, for a minute's messages.
    """

    def __init__(
        self,
        history: History,
        limits: LimitSet,
        key: bytes,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.usage = UsageTable(history.database, clock)
        self.finished: list[Callable[[Finished], None]] = []
        """Called after each turn, on its thread."""
        self._history, self._key, self._monotonic = history, key, monotonic
        self._lock = threading.Lock()
        self._minute: dict[str, deque[float]] = {}
        self._running: Counter[str] = Counter()
        self._forgotten: dict[str, float] = {}

    def begin(
        self, person: str, address: str, conversation: str, *, stored: bool = True, new: bool = True
    ) -> MeteredTurn:
        """Lets a turn begin.

        Args:
            person: the visitor's id.
            address: whom the address's limits count for, empty for nobody.
            conversation: its id.
            stored: whether the conversation is kept.
            new: whether it is not in the history yet.

        Raises `LimitReached`.
        """
        parties = self._parties(person, address)
        limits = [(who, self._of(who)) for who in parties]
        with self._entered(limits):
            counted = any(each.counted or each.running for _, each in limits)
            if counted:
                try:
                    self._count(limits, stored, new)
                except HistoryError:
                    counted = False  # the page says what is wrong with the history
        origin = parties[-1].key if address and stored else ""
        return MeteredTurn(parties, conversation, origin, counted, self._monotonic())

    def give_up(self, metered: MeteredTurn) -> None:
        """Ends a turn that could not begin after all."""
        with self._lock:
            self._leave(metered.parties)

    def end(self, metered: MeteredTurn, ended: TurnFinished) -> None:
        """Counts a turn that has ended. Never raises."""
        with self._lock:
            self._leave(metered.parties)
        spent = metered.usage
        try:
            with self._history.database.writing() as connection:
                for who in self._still_there(metered):
                    self.usage.add_in(
                        connection, who, 0 if metered.counted else 1,
                        spent.prompt_tokens, spent.completion_tokens,
                    )  # fmt: skip
                if metered.address:
                    self.usage.begun(connection, metered.conversation, metered.address)
        except HistoryError:
            pass  # logged where it was raised
        report = Finished(ended, spent, self._monotonic() - metered.began)
        for tell in self.finished:
            try:
                tell(report)
            except Exception:
                log.exception("a turn could not be reported")

    def keep_another(self, person: str, address: str) -> None:
        """Lets a conversation be kept that comes without a turn, such as a copy. Raises
        `LimitReached`, and `HistoryError`."""
        parties = [(who, self._of(who)) for who in self._parties(person, address)]
        if any(limit.conversations or limit.stored_mb for _, limit in parties):
            with self._history.database.reading() as connection:
                for who, limit in parties:
                    self._check_kept(connection, who, limit, new=True)

    def forget(self, person: str) -> None:
        """Deletes what was counted for a visitor's id; turns that are running count no more.
        Raises `HistoryError`."""
        key = person_key(person)
        with self._lock:
            self._forgotten[key] = self._monotonic()
            self._minute.pop(key, None)
        self.usage.forget(key)

    def _still_there(self, metered: MeteredTurn) -> list[Subject]:
        with self._lock:
            gone = self._forgotten
            return [who for who in metered.parties if gone.get(who.key, -math.inf) < metered.began]

    @property
    def running(self) -> int:
        """Turns of this process that have begun and not ended."""
        with self._lock:
            return self._running["person"]

    def _parties(self, person: str, address: str) -> tuple[Subject, ...]:
        own = Subject(person_key(person), "person")
        return (own, Subject(address_key(address, self._key), "address")) if address else (own,)

    def _of(self, who: Subject) -> Limits:
        return self.limits.person if who.kind == "person" else self.limits.address

    # -- in memory -------------------------------------------------------------------------------

    @contextmanager
    def _entered(self, limits: list[tuple[Subject, Limits]]) -> Iterator[None]:
        """Counts a turn as running and its message for the minute, unless the block fails."""
        now = self._monotonic()
        with self._lock:
            for who, limit in limits:
                if limit.running and self._running[who.key] >= limit.running:
                    raise LimitReached(_many_running(who, limit.running))
                if wait := self._wait(who.key, limit.messages_minute, now):
                    raise LimitReached(
                        f"{_whose(who)} may send {_number(limit.messages_minute, 'message')} a "
                        f"minute: the next one can go in {_number(math.ceil(wait), 'second')}."
                    )
            for who, limit in limits:
                self._running[who.key] += 1
                if limit.messages_minute:
                    self._minute.setdefault(who.key, deque()).append(now)
            self._running["person"] += 1
        try:
            yield
        except BaseException:
            with self._lock:
                self._leave(tuple(who for who, _ in limits))
                for who, limit in limits:
                    if limit.messages_minute and now in self._minute.get(who.key, ()):
                        self._minute[who.key].remove(now)
            raise

    def _wait(self, key: str, most: int, now: float) -> float:
        """Seconds until the next message may be sent."""
        if not most:
            return 0.0
        if len(self._minute) > MAX_REMEMBERED:
            self._minute = {
                each: sent
                for each, sent in self._minute.items()
                if sent and now - sent[-1] < MINUTE_S
            }
        sent = self._minute.get(key, deque())
        while sent and now - sent[0] >= MINUTE_S:
            sent.popleft()
        return MINUTE_S - (now - sent[0]) if len(sent) >= most else 0.0

    def _leave(self, parties: tuple[Subject, ...]) -> None:
        for key in (*(who.key for who in parties), "person"):
            self._running[key] -= 1
            if self._running[key] <= 0:
                del self._running[key]

    # -- in the database -------------------------------------------------------------------------

    def _count(self, limits: list[tuple[Subject, Limits]], stored: bool, new: bool) -> None:
        """Counts the message, unless that is beyond a limit. Raises `HistoryError` too."""
        again = f"in {_time(self.usage.left_s)}"
        with self._history.database.writing() as connection:
            for who, limit in limits:
                whose, day = _whose(who), self.usage.add_in(connection, who, messages=1)
                if limit.messages_day and day.messages > limit.messages_day:
                    most = _number(limit.messages_day, "message")
                    raise LimitReached(f"{whose} may send {most} a day: come back {again}.")
                if limit.tokens_day and day.tokens >= limit.tokens_day:
                    most = _number(limit.tokens_day, "token")
                    raise LimitReached(f"{whose} may use {most} a day: come back {again}.")
                if limit.running:
                    other = self.usage.running_elsewhere(connection, who, self._history.process)
                    if other and self._running[who.key] + other > limit.running:
                        raise LimitReached(_many_running(who, limit.running))
                if stored:
                    self._check_kept(connection, who, limit, new)

    def _check_kept(self, connection: Connection, who: Subject, limit: Limits, new: bool) -> None:
        count, stored = self.usage.conversations, self.usage.stored
        if new and limit.conversations and count(connection, who) >= limit.conversations:
            most = _number(limit.conversations, "conversation")
            raise LimitReached(
                f"This server keeps {most} for {_for(who)}: delete some, or go on in one of them."
            )
        if limit.stored_mb and stored(connection, who) >= limit.stored_mb * MB:
            raise LimitReached(
                f"This server keeps {limit.stored_mb:,} MB of files for {_for(who)}: delete "
                "conversations with files, and go on then."
            )


def _whose(who: Subject) -> str:
    return "You" if who.kind == "person" else "All people at your network address together"


def _for(who: Subject) -> str:
    return "you" if who.kind == "person" else "all people at your network address together"


def _many_running(who: Subject, most: int) -> str:
    one = "is" if most == 1 else "are"
    whose = "of yours" if who.kind == "person" else "of people at your network address"
    return (
        f"{_number(most, 'answer')} {whose} {one} still being written, as many as may be at a "
        "time: send this when one is done."
    )


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _time(seconds: float) -> str:
    """A time to wait, rounded up."""
    if seconds > 5400:
        return _number(math.ceil(seconds / 3600), "hour")
    return _number(max(1, math.ceil(seconds / 60)), "minute")
