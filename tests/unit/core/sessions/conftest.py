"""Processes over one history, each with sessions of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.agent.loop import TurnConfig
from app.core.history.history import History
from app.core.models.host import ModelHost
from app.core.modes import Mode
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session, View
from app.core.sessions.turn_slots import Visitor
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text
from tools import tool
from tools.registry import Registry

ALL = TurnConfig(tools=None)
ANNA = "anna"
HANG_S = 30.0
"""Against hanging; nothing is measured by it."""


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Replica:
    """What one process of the app has: sessions over the shared history."""

    def __init__(self, folder: Path, url: str, model: ModelHost) -> None:
        self.model = model
        self.history = History.open(folder / "history", url)
        root = folder / f"process-{secrets.token_hex(4)}"
        self.sessions = Sessions(root, self._make, 3600.0, 3, self.history)

    def _make(self, mode: str, folder: Path, visitor: Visitor) -> Session:
        return Session(folder, Registry((add,)), self.model, None, visitor)

    def open(self, id: str | None = None, mode: Mode = "chat", visitor: str = ANNA) -> Session:
        return self.sessions.open(visitor, mode, id)

    def close(self) -> None:
        self.sessions.close()
        self.history.close()


class World:
    """Replicas over one database and one folder, on one scripted model."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder, self.url = folder, url
        self.server = ScriptedServer(lambda body: Text("fine")).start()
        self.backend = OpenAIBackend(self.server.url, "scripted", None, retries=0)
        self.replicas: list[Replica] = []

    def replica(self) -> Replica:
        self.replicas.append(Replica(self.folder, self.url, ModelHost(lambda: self.backend)))
        return self.replicas[-1]

    def close(self) -> None:
        for each in self.replicas:
            each.close()
        self.backend.close()
        self.server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    world = World(tmp_path, url)
    yield world
    world.close()


def until(session: Session, wanted: Callable[[View], bool]) -> View:
    """Watches as a page does, until there is what is wanted."""
    give_up = time.monotonic() + HANG_S
    while not wanted(view := session.view()):
        assert time.monotonic() < give_up, f"waited in vain, and saw {view}"
        session.wait(view.version, 0.1)
    return view


def ended(session: Session) -> View:
    return until(session, lambda view: view.live is None)


def texts(view: View) -> list[str]:
    return [message.text for message in view.conversation.messages]
