"""Sessions with a history on disk, over a scripted model server."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.core.agent.loop import TurnConfig
from app.core.history.history import History
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session, View
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tools.base import Tool
from tools.registry import Registry

HANG = 30.0
"""Seconds after which a test gives up; nothing is measured by it."""
ASK = TurnConfig(tools=None)
ME = "a visitor"

MakeTools = Callable[[Path], tuple[Tool, ...]]


@dataclass
class StoredSessions:
    """A server process after another over one folder: `restart` begins the next, after `kill` in
    place of an orderly end, which stores nothing more."""

    folder: Path
    server: ScriptedServer
    tools: MakeTools = lambda folder: ()
    _open: list[contextlib.ExitStack] = field(default_factory=list)

    def start(self) -> Sessions:
        stack = contextlib.ExitStack()
        backend = OpenAIBackend(self.server.url, "scripted", None, retries=0)
        stack.callback(backend.close)
        model = ModelHost(lambda: backend)
        history = History.open(self.folder / "history")
        stack.callback(history.close)
        self.sessions = Sessions(
            self.folder / f"sessions-{len(self._open)}",
            lambda mode, folder, visitor: Session(
                folder, Registry(self.tools(folder)), model, visitor=visitor
            ),
            1000,
            history=history,
        )
        stack.callback(self.sessions.close)
        self._open.append(stack)
        return self.sessions

    def killed(self) -> Sessions:
        """The sessions of the next process; the one before writes nothing any more."""
        old = self.sessions
        for session in old._sessions.values():
            assert session.recorder is not None
            session.recorder.close()
        if old.history is not None:
            os.close(old.history.processes._file)  # its lock ends with a process
            old.history.processes._file = -1
        return self.start()

    def ended(self) -> Sessions:
        """The sessions of the next process, after an orderly end of the one before."""
        self.sessions.interrupt()
        self._open[-1].close()
        return self.start()

    def close(self) -> None:
        for stack in reversed(self._open):
            stack.close()


@contextlib.contextmanager
def stored_sessions(
    folder: Path, server: ScriptedServer, tools: MakeTools = lambda folder: ()
) -> Iterator[StoredSessions]:
    """The first process is started already."""
    world = StoredSessions(folder, server, tools)
    world.start()
    try:
        yield world
    finally:
        world.close()


def until(session: Session, wanted: Callable[[View], bool]) -> View:
    """Watches as a page does, until there is what is wanted."""
    give_up = threading.Event()
    timer = threading.Timer(HANG, give_up.set)
    timer.daemon = True
    timer.start()
    while not wanted(view := session.view()):
        assert not give_up.is_set(), f"waited in vain, and saw {view}"
        session.wait(view.version, 0.2)
    timer.cancel()
    return view


def at_rest(session: Session) -> View:
    return until(session, lambda view: view.live is None)


def ask(session: Session, text: str) -> View:
    session.start_turn(user(text), ASK)
    return at_rest(session)


def said(session: Session) -> list[str]:
    """The texts of the branch that is shown."""
    return [message.text for message in session.view().conversation.messages]
