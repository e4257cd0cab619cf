"""Accounts as they come: admins see their names, and what a browser had before the first login
becomes the account's."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import insert, select, update

from app.core.history.database import HistoryError
from app.core.history.history import History, move_in, person_key
from app.core.history.schema import people
from app.core.people.accounts import Person
from app.core.presets.library import move_saved

log = logging.getLogger(__name__)

SEEN_INTERVAL_S = 60.0
"""Between two notes of when an account was seen."""
REMEMBERED = 10_000
"""Pairs of account and browser that need no look into the database."""


HandOver = Callable[[str, str, Callable[[], bool]], None]
"""Hands the open conversations of one visitor to another one, see `Sessions.hand_over`."""


class AccountLinking:
    """Meets accounts at their pages. Safe to use from several threads."""

    def __init__(self, history: History, hand_over: HandOver) -> None:
        self._history, self._hand_over = history, hand_over
        self._lock = threading.Lock()
        self._met: OrderedDict[tuple[str, str], float] = OrderedDict()

    def meet(self, person: Person, token: str | None) -> None:
        """Notes an account that looks at a page, in a browser with the cookie's `token`. The first
        account that a browser signs in with takes over its conversations, open and kept: once,
        and all or none. Never raises: it is tried again with the next page."""
        if not person.has_account:
            return
        now, met = time.monotonic(), (person.id, token or "")
        with self._lock:
            if now - self._met.get(met, -SEEN_INTERVAL_S) < SEEN_INTERVAL_S:
                return
            self._met[met] = now
            self._met.move_to_end(met)
            while len(self._met) > REMEMBERED:
                self._met.popitem(last=False)
        try:
            self._note(person)
            if token is not None:
                self._hand_over(token, person.id, lambda: self._join(person, token))
        except HistoryError:
            with self._lock:
                self._met.pop(met, None)

    def forget(self, person: Person) -> None:
        """Knows an account no longer: the next page notes it anew."""
        with self._lock:
            self._met = OrderedDict((k, at) for k, at in self._met.items() if k[0] != person.id)

    def _note(self, person: Person) -> None:
        key, seen = person_key(person.id), time.time()
        with self._history.database.writing() as connection:
            known = update(people).where(people.c.person == key)
            if not connection.execute(known.values(name=person.name, seen=seen)).rowcount:
                connection.execute(insert(people).values(person=key, name=person.name, seen=seen))

    def _join(self, person: Person, token: str) -> bool:
        """Marks the browser and moves its conversations, in one transaction; False where it was
        marked before."""
        browser, account = person_key(token), person_key(person.id)
        known = select(people.c.person).where(people.c.person == browser)
        with self._history.database.writing() as connection:
            if connection.scalar(known) is not None:
                return False
            mark = insert(people).values(person=browser, name="", seen=time.time(), joined=account)
            connection.execute(mark)  # of two servers at the same time one fails here
            moved = move_in(connection, browser, account)
            move_saved(connection, browser, account)
        log.info("%s conversations of a browser went to an account", moved)
        return True
