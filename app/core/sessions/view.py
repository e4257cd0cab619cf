"""What pages see of a session, and how they wait for something new."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from app.core.agent.events import TurnFinished
from app.core.conversation import Conversation
from app.core.sessions.live_turn import LiveTurn, TurnSnapshot
from backends.queue_notices import is_place


class Busy(Exception):
    """A turn is running; a session has one at a time."""


@dataclass(frozen=True)
class View:
    """A snapshot of a session for a page. `live` is None when no turn runs; `ended` is how the last
    turn ended; `began` is the monotonic time at which the running turn began, in seconds."""

    version: int
    conversation: Conversation
    live: TurnSnapshot | None = None
    ended: TurnFinished | None = None
    began: float = 0.0


class Watched:
    """A conversation with a running turn, of this process or of another one."""

    def __init__(self) -> None:
        self.seen = time.monotonic()
        self.variables_lost = False
        """Whether the conversation ran code whose variables are gone with its server or kernel."""
        self._changed = threading.Condition()
        self._version = 0
        self._conversation = Conversation()
        self._live: LiveTurn | None = None
        self._followed: TurnSnapshot | None = None
        self._followed_since = 0.0
        self._ended: TurnFinished | None = None
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether a turn runs, here or in another process."""
        return self._live is not None or self._followed is not None

    @property
    def runs_here(self) -> bool:
        return self._live is not None

    @property
    def waiting(self) -> bool:
        """Whether a turn runs that has not come to its turn yet."""
        live = self._live
        return live is not None and is_place(live.snapshot().notice)

    @property
    def version(self) -> int:
        """The number of the newest `View`."""
        return self._version

    @property
    def conversation(self) -> Conversation:
        """The branch that is shown."""
        return self._conversation

    def view(self) -> View:
        with self._changed:
            self.seen = time.monotonic()
            live = self._live.snapshot() if self._live else None
            began = self._live.began if self._live else 0.0
            if self._live is None and self._followed is not None:
                live, began = self._followed, self._followed_since
            return View(self._version, self._conversation, live, self._ended, began)

    def wait(self, version: int, timeout: float) -> bool:
        """Waits for a version other than `version`, at most `timeout` seconds; returns whether
        there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._version != version, timeout)

    def follow(self, live: TurnSnapshot | None, conversation: Conversation | None = None) -> None:
        """Shows a turn of another process, None after its end, and the conversation where that has
        changed."""
        with self._changed:
            if self.runs_here or self._closed:
                return
            if live is not None and self._followed is None:
                self._followed_since = time.monotonic()
            self._followed = live
            if conversation is not None:
                new = conversation.messages[len(self._conversation.messages) :]
                self.variables_lost |= any(c.name == "python" for m in new for c in m.calls)
                self._conversation, self._ended = conversation, None
            self._notify()

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()
