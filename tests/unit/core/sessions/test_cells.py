"""The Python of a conversation, run once more in a real kernel after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.sessions.cells import VARIABLES_LOST, Cell, cells_of
from app.core.sessions.cut_off import BROKEN
from app.core.sessions.session import Busy, Session
from backends.messages import Message, user
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text
from tests.support.scripted_steps import ToolCall as Call
from tests.support.stored_sessions import (
    ME,
    StoredSessions,
    ask,
    at_rest,
    said,
    stored_sessions,
    until,
)
from tools.base import ToolCall, ToolResult
from tools.python import PythonTool


def puppet(body: dict[str, Any]) -> Answer:
    """Runs what it is told, and repeats what comes of it."""
    last = body["messages"][-1]
    if last["role"] == "user":
        return [Call("python", {"code": last["content"]}), Finish("tool_calls")]
    return Text(last["content"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoredSessions]:
    def tools(folder: Path) -> tuple[PythonTool]:
        return (PythonTool(folder),)

    with ScriptedServer(puppet) as server, stored_sessions(tmp_path, server, tools) as world:
        yield world


def reopened(world: StoredSessions, *code: str) -> Session:
    """A conversation with that code, after a restart."""
    session = world.sessions.open(ME, "tools")
    assert not session.has_lost_variables
    for each in code:
        ask(session, each)
    again = world.ended().open(ME, "tools", session.id)
    assert again.has_lost_variables
    return again


def test_the_cells_run_again_and_the_conversation_stays_as_it_is(world: StoredSessions) -> None:
    session = reopened(world, "x = 20", "1 / 0", "y = x + 1\nprint(y)")
    before = session.view().conversation
    session.run_cells()
    with pytest.raises(Busy):
        session.run_cells()
    live = until(session, lambda view: view.live is None or len(view.live.calls) == 2).live
    assert live is None or [each.call.name for each in live.calls] == ["python"] * 2
    view = at_rest(session)
    assert view.conversation == before
    assert (session.has_lost_variables, session.cells_problem) == (False, "")
    ask(session, "print(x * y)")
    assert said(session)[-1].strip() == "420"
    system = world.server.requests[-1].body["messages"][0]
    assert VARIABLES_LOST not in str(system)


def test_the_model_is_told_until_python_ran(world: StoredSessions) -> None:
    session = reopened(world, "x = 20")
    ask(session, "print(5)")
    first, second = (each.body["messages"][0] for each in world.server.requests[-2:])
    assert VARIABLES_LOST in first["content"] and VARIABLES_LOST in second["content"]
    assert not session.has_lost_variables
    ask(session, "print(6)")
    assert VARIABLES_LOST not in str(world.server.requests[-1].body["messages"][0])


def test_a_cell_that_fails_now_ends_it(world: StoredSessions) -> None:
    code = "import pathlib\nseen = pathlib.Path('once')\nassert not seen.exists()\nseen.touch()"
    session = reopened(world, "x = 1", code, "pathlib.Path('third').touch()")
    (session.workspace / "third").unlink()
    session.run_cells()
    at_rest(session)
    assert session.cells_problem.startswith("Cell 2 of 3 failed when it was run again: ")
    assert "AssertionError" in session.cells_problem
    assert session.has_lost_variables
    assert not (session.workspace / "third").exists()


def test_stop_ends_it(world: StoredSessions) -> None:
    session = reopened(world, "import time, pathlib\nif pathlib.Path('a').exists(): time.sleep(60)"
                              "\npathlib.Path('a').touch()", "x = 1")  # fmt: skip
    session.run_cells()
    until(session, lambda view: bool(view.live and any(
        each.state == "running" and "kernel" not in each.progress for each in view.live.calls
    )))  # fmt: skip
    session.stop()
    at_rest(session)
    assert session.cells_problem == "Stopped at cell 1 of 2."
    assert session.has_lost_variables


def test_only_calls_that_ran_to_their_end_are_cells() -> None:
    calls = tuple(ToolCall("same id", name, f'{{"code": "{n}"}}') for n, name in enumerate(
        ["python", "python", "search", "python", "python", "python"]
    ))  # fmt: skip
    errors = [None, "NameError: x", None, BROKEN, "Stopped by the user.",
              "The same call again; not run"]  # fmt: skip
    results = [
        Message("tool", result=ToolResult("same id", call.name, "", error=error))
        for call, error in zip(calls, errors, strict=True)
    ]
    messages = [user("go"), Message("assistant", calls=calls), *results]
    assert cells_of(messages) == [Cell(calls[0], False), Cell(calls[1], True)]
    assert cells_of(messages[:2]) == []
