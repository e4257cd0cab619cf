"""Every visitor's sessions.

Sessions that nobody looked at for a while are closed and their files deleted, as are all of them
at exit.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.core.sessions.session import Session
from app.core.sessions.turn_slots import TURNS, Visitor, Visitors
from tools.safe_files import delete_folder

SWEEP_SECONDS = 30.0

UNTOUCHED_SECONDS = 300.0
"""After which a session is closed that nobody has used; a fresh one is the same."""


class Sessions:
    """All visitors' sessions. `make` builds the session of a mode over a fresh workspace; `turns`
    of one visitor run at the same time."""

    def __init__(
        self, root: Path, make: Callable[[str, Path, Visitor], Session],
        idle_seconds: float, turns: int = TURNS,
    ) -> None:  # fmt: skip
        self.root = root
        self._make = make
        self._idle = idle_seconds
        self._lock = threading.Lock()
        self._visitors = Visitors(turns)
        self._sessions: dict[tuple[str, str], Session] = {}
        self._sweeper: threading.Thread | None = None
        self._stopped = threading.Event()

    def open(self, visitor: str, mode: str) -> Session:
        """The visitor's session in that mode, made when there is none yet."""
        with self._lock:
            session = self._sessions.get((visitor, mode))
            if session is None:
                # A folder of its own each time: the old one may be on its way out.
                folder = self.root / secrets.token_hex(16)
                session = self._make(mode, folder, self._visitors[visitor])
                self._sessions[visitor, mode] = session
                self._start_sweeping()
            session.seen = time.monotonic()
            return session

    def named(self, visitor: str, name: str) -> Session | None:
        """The visitor's own conversation whose folder has that name, if there is one."""
        with self._lock:
            own = [session for (who, _), session in self._sessions.items() if who == visitor]
        return next((each for each in own if each.workspace.name == name), None)

    def renew(self, visitor: str, mode: str) -> Session:
        """A fresh session in place of the visitor's old one: conversation, files, variables."""
        with self._lock:
            old = self._sessions.pop((visitor, mode), None)
        if old is not None:
            old.close()
        session = self.open(visitor, mode)
        if old is not None:
            session.choices.update(old.choices)
            for tool in old.registry.tools:
                session.registry.switch(tool.name, old.registry.enabled(tool.name))
        return session

    def __len__(self) -> int:
        return len(self._sessions)

    def sweep(self) -> None:
        """Closes the sessions that nobody looked at for the idle time and where nothing runs but
        a call that waits for the user's word; untouched ones sooner."""
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

    def close(self) -> None:
        """Closes all."""
        self._stopped.set()
        with self._lock:
            closing = list(self._sessions.values())
            self._sessions.clear()
        for session in closing:
            session.close()
        delete_folder(self.root)

    def _start_sweeping(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep_on, name="sweep", daemon=True)
            self._sweeper.start()

    def _sweep_on(self) -> None:
        while not self._stopped.wait(min(SWEEP_SECONDS, self._idle)):
            self.sweep()
