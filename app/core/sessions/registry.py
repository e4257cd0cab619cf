"""The sessions of all visitors.

A session without a page for the idle time is closed, and its folder is deleted; at exit all are.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from app.core.history.database import HistoryError
from app.core.history.history import History, new_conversation_id, person_key
from app.core.history.stored import Stored
from app.core.modes import Mode
from app.core.people.limits import LimitReached
from app.core.sessions.branching import NOT_STORED, copy_branch
from app.core.sessions.recorder import Recorder, recovered
from app.core.sessions.session import Session
from app.core.sessions.shared_turns import SharedTurns
from app.core.sessions.turn_slots import TURNS, Visitor, Visitors
from tools.safe_files import delete_folder

SWEEP_INTERVAL_S = 30.0

UNTOUCHED_SECONDS = 300.0
"""After which a session is closed that nobody has used; a fresh one is the same."""

MAX_OPEN = 10
"""Conversations of one visitor that are open; beyond it, the one that was seen longest ago is
closed."""

UNSEEN_S = 120.0
"""After which a conversation gives way to another one of its address."""

Make = Callable[[str, Path, Visitor], Session]


class Sessions:
    """The open conversations of all visitors, below the folder `root`.

    A conversation is opened from the history when somebody looks at it, and closed when nobody
    does for the idle time; it stays in the history. Each visitor has a current conversation in
    each mode, which a page without an address shows.
    """

    def __init__(
        self, root: Path, make: Make, idle_seconds: float, turns: int = TURNS,
        history: History | None = None, address_sessions: int = 0,
    ) -> None:  # fmt: skip
        """`make` builds the session of a mode over a new workspace; `turns` is the maximum of
        concurrent turns of one visitor; without a `history` nothing is stored;
        `address_sessions` is the maximum of open sessions of one address, 0 for any number."""
        self.root = root
        self.history = history
        self.address_sessions = address_sessions
        self._make = make
        self._idle = idle_seconds
        self._lock = threading.Lock()
        self._visitors = Visitors(turns)
        self._sessions: dict[tuple[str, str], Session] = {}
        self._current: dict[tuple[str, str], str] = {}
        self._sweeper: threading.Thread | None = None
        self._stopped = threading.Event()
        self._shared = SharedTurns(history, self._all) if history is not None else None

    def set_limits(self, idle_seconds: float, turns: int, address_sessions: int) -> None:
        """Goes by other limits from now on; `turns` holds for visitors that come from then on."""
        self._idle, self.address_sessions = idle_seconds, address_sessions
        self._visitors.set_turns(turns)

    def open(
        self, visitor: str, mode: Mode, id: str | None = None, address: str | None = None
    ) -> Session:
        """The visitor's conversation with that `id`, else the current one in that mode: the one
        that was opened last, after a restart the one that was written to within the idle time, or
        a new one. An id of somebody else, of another mode or of nothing is as good as none.

        `address` is that of the page which asks, None to leave it. Raises `LimitReached` where it
        has `address_sessions` open.
        """
        known = self._visitors[visitor]
        with known.opening:  # files may be brought back: other visitors don't wait for that
            session = self._open(known, mode, id, address or "")
            session.seen = time.monotonic()
            if address is not None:
                session.address = address
            if self._shared is not None:
                self._shared.refresh(session)
            closing = self._beyond(visitor, session)
        for each in closing:
            each.close()
        return session

    def _open(self, visitor: Visitor, mode: Mode, id: str | None, address: str) -> Session:
        with self._lock:
            current = self._current.get((visitor.key, mode))
            session = self._sessions.get((visitor.key, id or current or ""))
        if session is None or session.mode != mode:
            stored = self._stored(visitor.key, mode, id or current)
            if stored is None and id is not None and id != current:
                return self._open(visitor, mode, None, address)
            self._make_room(address)
            session = self._new(visitor, mode, stored)
        with self._lock:
            self._current[visitor.key, mode] = session.id
        return session

    def _stored(self, person: str, mode: Mode, id: str | None) -> Stored | None:
        if self.history is None:
            return None
        try:
            if id is None:
                since = time.time() - self._idle
                entry = self.history.catalog.latest(person_key(person), mode, since)
                if entry is None:
                    return None
                id = entry.id
            stored = self.history.load(person_key(person), id)
            if stored is not None:
                stored = recovered(self.history, person_key(person), stored)
        except HistoryError:
            return None
        return stored if stored is not None and stored.entry.mode == mode else None

    def _new(
        self, visitor: Visitor, mode: Mode, stored: Stored | None = None, temporary: bool = False
    ) -> Session:
        # A new folder each time: the old one may still be in deletion.
        folder = self.root / secrets.token_hex(16)
        session = self._make(mode, folder, visitor)
        session.mode, session.temporary = mode, temporary
        session.id = stored.entry.id if stored is not None else new_conversation_id()
        history = None if temporary else self.history
        session.recorder = Recorder(history, person_key(visitor.key), session.id, mode, folder)
        if stored is not None:
            session.reopen(stored)
        with self._lock:
            self._sessions[visitor.key, session.id] = session
            self._start_sweeping()
        return session

    def _make_room(self, address: str) -> None:
        """Closes the longest unseen conversation of an address that has as many open as it may;
        one that is stored, where there is one. Raises `LimitReached`."""
        if not (address and self.address_sessions):
            return
        with self._lock:
            own = [(k, each) for k, each in self._sessions.items() if each.address == address]
            if len(own) < self.address_sessions:
                return
            old = time.monotonic() - UNSEEN_S
            idle = [
                (key, each)
                for key, each in own
                if each.seen < old and not each.running and (each.stored or each.untouched)
            ]
            if not idle:
                raise LimitReached(
                    f"{self.address_sessions:,} conversations are open at your network address, as "
                    "many as this server serves there: close some pages, and come back in "
                    f"{UNSEEN_S / 60:.0f} minutes."
                )
            key, closing = min(idle, key=lambda pair: pair[1].seen)
            del self._sessions[key]
        closing.close()

    def _beyond(self, visitor: str, opened: Session) -> list[Session]:
        """Takes out the visitor's conversations that were seen longest ago, beyond `MAX_OPEN`."""
        with self._lock:
            own = [
                session
                for (owner, _), session in self._sessions.items()
                if owner == visitor and session is not opened
            ]
            idle = [e for e in own if not e.running and (e.stored or e.temporary)]
            idle.sort(key=lambda session: session.seen)
            closing = idle[: max(0, len(own) + 1 - MAX_OPEN)]
            for session in closing:
                del self._sessions[visitor, session.id]
        return closing

    def named(self, visitor: str, name: str) -> Session | None:
        """The visitor's session whose workspace has that name, if there is one."""
        with self._lock:
            own = [session for (owner, _), session in self._sessions.items() if owner == visitor]
        return next((each for each in own if each.workspace.name == name), None)

    def address_of(self, visitor: str) -> str:
        """The address from which a visitor looked last, empty for nobody's."""
        with self._lock:
            own = [session for (owner, _), session in self._sessions.items() if owner == visitor]
        return max(own, key=lambda session: session.seen).address if own else ""

    def renew(self, visitor: str, mode: Mode, temporary: bool = False) -> Session:
        """A new conversation with the settings and switches of tools of the current one, which
        stays in the history. A `temporary` one is not stored. Raises `LimitReached` as `open`."""
        known = self._visitors[visitor]
        with known.opening:
            with self._lock:
                old = self._sessions.get((visitor, self._current.get((visitor, mode), "")))
            if old is not None and old.empty and old.temporary == temporary:
                old.seen = time.monotonic()
                return old
            self._make_room(old.address if old is not None else "")
            session = self._new(known, mode, temporary=temporary)
            if old is not None:
                session.address = old.address
                session.choices.update(old.choices)
                for tool in old.registry.tools:
                    session.registry.switch(tool.name, old.registry.enabled(tool.name))
            with self._lock:
                self._current[visitor, mode] = session.id
                if old is not None and old.expendable:
                    self._sessions.pop((visitor, old.id), None)
        if old is not None and old.expendable:
            old.close()
        return session

    def branch(self, visitor: str, session: Session, message: str) -> Session:
        """A new conversation with what was said in an open one up to a message, and with all its
        files; it is the current one then. Raises `HistoryError`, also where that one is not
        stored, and `LimitReached`."""
        recorder = session.recorder
        if recorder is None or recorder.history is None:
            raise HistoryError(NOT_STORED)
        if session.meter is not None:
            session.meter.keep_another(visitor, session.address)
        with self._visitors[visitor].opening:
            recorder.save_files()
            id = copy_branch(recorder.history, person_key(visitor), session.id, message)
            return self.open(visitor, session.mode, id)

    def delete(self, visitor: str, id: str) -> None:
        """Deletes a conversation; the history can bring it back for a while. Raises
        `HistoryError`."""
        with self._lock:
            session = self._sessions.get((visitor, id))
        if session is not None:
            session.settle()
        if self.history is not None:
            self.history.delete(person_key(visitor), id)
        self.forget(visitor, id)

    def delete_all(self, visitor: str) -> int:
        """Deletes all conversations of a visitor for good, and closes those that are open; returns
        how many were stored. Raises `HistoryError`."""
        with self._lock:
            closing = [self._sessions[key] for key in self._sessions if key[0] == visitor]
        for session in closing:  # first: a running turn would store its conversation again
            self.forget(visitor, session.id)
        return 0 if self.history is None else self.history.delete_all(person_key(visitor))

    def forget(self, visitor: str, id: str) -> None:
        """Closes a conversation where it is open."""
        with self._lock:
            session = self._sessions.pop((visitor, id), None)
            for key in [key for key, current in self._current.items() if current == id]:
                if key[0] == visitor:
                    del self._current[key]
        if session is not None:
            session.close(keep=False)  # else a turn that was running would be stored once more

    def forget_temporary(self, visitor: str, id: str) -> None:
        """Closes a conversation where it is open and a temporary one."""
        with self._lock:
            session = self._sessions.get((visitor, id))
        if session is not None and session.temporary:
            self.forget(visitor, id)

    def hand_over(self, visitor: str, to: str, move: Callable[[], bool]) -> None:
        """Makes the open conversations of a visitor another one's, where `move` does that in the
        history and says so. Turns go on. Raises what `move` raises."""
        first, second = sorted((visitor, to))
        with self._visitors[first].opening, self._visitors[second].opening:
            with self._lock:
                own = [(key, each) for key, each in self._sessions.items() if key[0] == visitor]
            with ExitStack() as held:
                for _, session in own:
                    if session.recorder is not None:
                        held.enter_context(session.recorder.held())
                if not move():
                    return
                for _, session in own:
                    if session.recorder is not None:
                        session.recorder.person = person_key(to)
            with self._lock:
                for key, session in own:
                    if self._sessions.pop(key, None) is not None:
                        session.hand_over(self._visitors[to])
                        self._sessions[to, session.id] = session
                for owner, mode in [key for key in self._current if key[0] == visitor]:
                    self._current[to, mode] = self._current.pop((owner, mode))

    def _all(self) -> list[Session]:
        with self._lock:
            return list(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def waiting(self) -> int:
        """Turns that wait in a queue."""
        with self._lock:
            return sum(session.waiting for session in self._sessions.values())

    def sweep(self) -> None:
        """Closes the sessions without a page for the idle time, unless a turn runs; a turn that
        waits for the user's approval does not count. Untouched sessions are closed sooner."""
        now = time.monotonic()
        soon = min(self._idle, UNTOUCHED_SECONDS)
        with self._lock:
            stale = [
                key
                for key, session in self._sessions.items()
                if (not session.running or session.approvals.waiting)
                and now - session.seen > (soon if session.untouched else self._idle)
            ]
            closing = [self._sessions.pop(key) for key in stale]
        for session in closing:
            session.close()

    def interrupt(self) -> None:
        """Ends all sessions with their running turns, which are stored as they are now."""
        with self._lock:
            ending = list(self._sessions.values())
        for session in ending:
            session.interrupt()

    def close(self) -> None:
        """Closes all sessions and deletes their folder."""
        self._stopped.set()
        if self._shared is not None:
            self._shared.close()
        with self._lock:
            closing = list(self._sessions.values())
            self._sessions.clear()
            self._current.clear()
        for session in closing:
            session.close()
        delete_folder(self.root)

    def _start_sweeping(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep_on, name="sweep", daemon=True)
            self._sweeper.start()
            if self._shared is not None:
                self._shared.start()

    def _sweep_on(self) -> None:
        while not self._stopped.wait(min(SWEEP_INTERVAL_S, self._idle)):
            self.sweep()
