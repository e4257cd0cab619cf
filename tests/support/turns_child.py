"""A process that has one turn after another in one conversation until it is killed; see
`tests.support.killed_turns`.

It says on standard output, a JSON line each, which messages stand in the conversation and how long
the running text is, as a page would draw them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from app.core.agent.loop import TurnConfig
from app.core.history.history import History
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tools import tool
from tools.base import Tool
from tools.registry import Registry

VISITOR = "kim"
STEP_S = 0.02


def note_tool(folder: Path, workspace: Path) -> Tool:
    """A call of it takes a moment, writes a file, and is entered into a list outside."""

    @tool
    def note(n: int) -> str:
        """Note a number."""
        with (folder / "ran").open("a") as ran:
            ran.write(f"{n}\n")
        time.sleep(0.1)
        (workspace / f"{n}.txt").write_text(str(n) * 1000)
        return f"noted {n}"

    return note


def open_sessions(folder: Path, url: str, model: str) -> Sessions:
    """Sessions over the history in `folder`, or at the database `url`."""
    backend = OpenAIBackend(model, "scripted", None, retries=0)

    def make(mode: str, workspace: Path, visitor: Visitor) -> Session:
        registry = Registry((note_tool(folder, workspace),))
        return Session(workspace, registry, ModelHost(lambda: backend), None, visitor)

    history = History.open(folder / "history", url)
    assert history.database.lasting, history.problem
    return Sessions(folder / "sessions" / str(time.monotonic_ns()), make, 3600.0, 3, history)


def main() -> None:
    folder, url, model = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    session = open_sessions(folder, url, model).open(VISITOR, "tools")
    for turn in range(1000):
        session.start_turn(user(f"turn {turn}"), TurnConfig(tools=None))
        while True:
            view = session.view()
            text = view.live.text if view.live else ""
            ids = [message.id for message in view.conversation.messages]
            state = {"id": session.id, "ids": ids, "length": len(text), "at": time.monotonic()}
            print(json.dumps(state), flush=True)
            if view.live is None:
                break
            session.wait(view.version, STEP_S)
            time.sleep(STEP_S)


if __name__ == "__main__":
    main()
