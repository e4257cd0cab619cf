"""Turns of conversations that are open in several processes over one history.

A turn runs in one process; where the same conversation is open in another, its page draws the turn
as it is written, and Stop and the user's decisions go to the process that runs it. All of that goes
through the database, which is asked a few times a second: pg8000 has no blocking LISTEN, and SQLite
has none at all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.core.conversation import Conversation
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.history.shared.turns import TurnState
from app.core.rendering.citations import CitationCache
from app.core.sessions import live_turn
from app.core.sessions.recorder import Recorder, recovered

if TYPE_CHECKING:
    from app.core.sessions.session import Session

log = logging.getLogger(__name__)

TICK_S = 0.2
"""Between two looks at running turns, and two stores of an answer that another process draws."""
IDLE_S = 1.0
"""Between two looks at a conversation in which nothing runs."""
WATCHED_S = 2.0
"""How long a turn counts as watched from elsewhere after the last word of that."""
SEEN_S = 30.0
"""How long a conversation is followed after a page drew it last."""
RETRY_S = 2.0
"""Between two attempts to write what could not be written."""
ORPHAN_S = 5.0
"""After which the row of a turn is removed that this process no longer runs."""


class SharedTurns:
    """Follows the turns of other processes in the `sessions` that are open here, and does what
    other processes want of the turns that run here."""

    def __init__(self, history: History, sessions: Callable[[], Sequence[Session]]) -> None:
        self._history = history
        self._sessions = sessions
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._written: dict[str, float] = {}
        self._watched: dict[str, tuple[int, float]] = {}
        self._orphans: dict[str, float] = {}
        self._looked = self._retried = self._told = 0.0

    def start(self) -> None:
        """Begins to look; on a thread, for a turn may write nothing for minutes."""
        if self._thread is None and self._history.database.lasting:
            self._thread = threading.Thread(target=self._run, name="shared-turns", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the looking."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                self.tick()
            except HistoryError:
                self._stopped.wait(RETRY_S)
            except Exception:
                log.exception("conversations of other processes could not be followed")

    def tick(self) -> None:
        """Looks once. Raises `HistoryError`."""
        now = time.monotonic()
        if self._history.processes.must_beat:
            self._history.processes.beat()
        stored = [session for session in self._sessions() if session.stored]
        if now - self._retried >= RETRY_S:
            self._retried = now
            for session in stored:
                if session.recorder is not None and session.recorder.problem:
                    session.recorder.retry()
        here = {session.id: session for session in stored if session.runs_here}
        idle = now - self._looked >= IDLE_S
        if idle:
            self._looked = now
        if here or idle:
            self._serve(here, now)
        seen = [each for each in stored if each.id not in here and now - each.seen < SEEN_S]
        self._follow([each for each in seen if idle or each.running])
        followed = [each.id for each in seen if each.running]
        if followed and now - self._told >= WATCHED_S / 2:
            self._told = now
            self._history.turns.watch(followed)

    def refresh(self, session: Session) -> None:
        """Brings an open conversation up to date, before a page draws it."""
        if self._history.database.lasting and session.stored and not session.runs_here:
            try:
                self._follow([session])
            except HistoryError:
                log.warning("a conversation could not be brought up to date", exc_info=True)

    # -- for others ------------------------------------------------------------------------------

    def _serve(self, here: Mapping[str, Session], now: float) -> None:
        """Does what others want of the turns that run here."""
        requests_of = self._history.turns.requests_of()
        for id, asked in requests_of.items():
            if (session := here.get(id)) is None:
                continue
            for request in asked.requests:
                _grant(session, request)
            number, since = self._watched.get(id, (asked.watched, 0.0))
            if number != asked.watched:
                since = now
            self._watched[id] = asked.watched, since
            if session.recorder is not None:
                session.recorder.often = bool(since) and now - since < WATCHED_S
        self._watched = {id: each for id, each in self._watched.items() if id in requests_of}
        # A turn whose session was closed, or whose last message could not be written.
        self._orphans = {id: self._orphans.get(id, now) for id in requests_of if id not in here}
        for id, since in self._orphans.items():
            if now - since > ORPHAN_S:
                self._history.turns.release(id)

    # -- of others -------------------------------------------------------------------------------

    def _follow(self, sessions: Iterable[Session]) -> None:
        known = {session.id: session for session in sessions}
        if known:
            for id, state in self._history.turns.states(known).items():
                self._update(known[id], state)

    def _update(self, session: Session, state: TurnState) -> None:
        """Brings a session to where its conversation is."""
        recorder = session.recorder
        elsewhere = state.owner not in (None, self._history.processes.id)
        with session.turning:
            if recorder is None or session.runs_here:
                return
            conversation = None
            if state.head != recorder.head or (elsewhere and not state.alive):
                conversation = _reloaded(self._history, recorder, session.citations)
            if elsewhere and state.alive:
                if conversation or state.written != self._written.get(session.id):
                    self._written[session.id] = state.written
                    row = self._history.turns.look(session.id)
                    shown = conversation or session.conversation
                    session.follow(
                        live_turn.from_json(row.body if row else "", shown), conversation
                    )
            elif conversation is not None or session.running:
                self._written.pop(session.id, None)
                session.follow(None, conversation)


def _grant(session: Session, request: Mapping[str, Any]) -> None:
    if request.get("stop"):
        session.stop()
    elif request.get("decision") in ("run", "always", "refuse"):
        session.approvals.decide(int(request.get("number", 0)), request["decision"])


def _reloaded(
    history: History, recorder: Recorder, citations: CitationCache | None
) -> Conversation | None:
    stored = history.load(recorder.person, recorder.id)
    if stored is None:
        return None
    return recorder.open(recovered(history, recorder.person, stored), citations)
