"""Memory after 500 conversations were opened and closed, over that after 50.

In a process of its own without pages: each conversation is made, has a turn of 200 tokens on a
scripted endpoint, and is closed; then it is opened from the history and closed again. Memory is
what the process holds for itself alone (its unique set), after a collection.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from app.core.agent.loop import TurnConfig
from app.core.history.history import History
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.bench.figures import Figure, at_most
from tests.support.running_app import ROOT
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text
from tools.registry import Registry

FIRST, LAST = 50, 500
SHARE = 1.05
TEXT = "word " * 200


def measure() -> list[Figure]:
    with ScriptedServer(lambda _: [Text(TEXT, 20)]) as server:
        command = [sys.executable, "-m", "tests.bench.history_memory", server.url]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    first, last = map(int, done.stdout.split())
    return [
        at_most("after 500 conversations, over after 50", last / first, SHARE, "", 3),
        Figure("  after 50", f"{first / 2**20:.1f} MiB"),
        Figure("  after 500", f"{last / 2**20:.1f} MiB"),
    ]


def main() -> None:
    backend = OpenAIBackend(sys.argv[1], "scripted", None, retries=0)

    def make(mode: str, workspace: Path, visitor: Visitor) -> Session:
        return Session(workspace, Registry(()), ModelHost(lambda: backend), None, visitor)

    with tempfile.TemporaryDirectory() as name:
        history = History.open(Path(name) / "history")
        sessions = Sessions(Path(name) / "sessions", make, 3600.0, 3, history)
        for number in range(1, LAST + 1):
            session = sessions.renew("visitor", "chat")
            session.start_turn(user(f"question {number}"), TurnConfig(tools=None))
            while (view := session.view()).live is not None:
                session.wait(view.version, 1.0)
            sessions.forget("visitor", session.id)
            sessions.open("visitor", "chat", session.id)
            sessions.forget("visitor", session.id)
            if number in (FIRST, LAST):
                gc.collect()
                print(psutil.Process().memory_full_info().uss, flush=True)
        sessions.close()
        history.close()


if __name__ == "__main__":
    main()
