"""What a browser had becomes the account's at the first login: once, all or none, open ones too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.agent.loop import TurnConfig
from app.core.history.history import History, person_key
from app.core.models.host import ModelHost
from app.core.modes import Mode
from app.core.people.accounts import of_header
from app.core.people.linking import AccountLinking
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text, Wait
from tools.registry import Registry

ANN, BOB = of_header("ann"), of_header("bob")
TOKEN = "the-token-of-a-cookie"
CONFIG = TurnConfig(tools=None)


class World:
    """Sessions over a scripted model, with a history."""

    def __init__(self, folder: Path, server: ScriptedServer) -> None:
        backend = OpenAIBackend(server.url, "scripted", None, retries=0)
        self.model = ModelHost(lambda: backend)
        self.history = History.open(folder / "history")
        self.sessions = Sessions(folder / "sessions", self.make, 600.0, history=self.history)
        self.server = server

    def make(self, mode: Mode, folder: Path, visitor: Visitor) -> Session:
        return Session(folder, Registry(()), self.model, visitor=visitor)

    def linking(self) -> AccountLinking:
        return AccountLinking(self.history, self.sessions.hand_over)

    def titles(self, id: str) -> list[str]:
        return [entry.title for entry in self.history.catalog.listed(person_key(id))]

    def say(self, session: Session, text: str) -> None:
        session.start_turn(user(text), CONFIG)
        settle(session)


def settle(session: Session) -> None:
    """Waits until no turn runs."""
    while (view := session.view()).live is not None:
        session.wait(view.version, 20.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ScriptedServer(lambda body: [Text("Here it is."), Finish()]) as server:
        world = World(tmp_path, server)
        yield world
        world.sessions.close()
        world.history.close()


def test_what_a_browser_had_goes_to_its_first_account_once(world: World) -> None:
    world.say(world.sessions.open(TOKEN, "chat"), "before")
    linking = world.linking()
    linking.meet(ANN, TOKEN)
    linking.meet(ANN, TOKEN)
    assert world.titles(ANN.id) == ["before"] and world.titles(TOKEN) == []
    world.say(world.sessions.open(TOKEN, "chat"), "after")
    for each in (linking, world.linking()):
        each.meet(BOB, TOKEN)
        each.meet(ANN, TOKEN)
    assert world.titles(TOKEN) == ["after"] and world.titles(BOB.id) == []
    assert world.titles(ANN.id) == ["before"]


def test_two_browsers_of_one_account_bring_what_they_have(world: World) -> None:
    linking = world.linking()
    for token in ("phone", "desk"):
        world.say(world.sessions.open(token, "chat"), f"on the {token}")
        linking.meet(ANN, token)
    assert sorted(world.titles(ANN.id)) == ["on the desk", "on the phone"]


def test_an_open_conversation_goes_along_while_its_answer_is_written(world: World) -> None:
    world.server.script = lambda body: [Text("Half"), Wait(2.0), Text(" and half."), Finish()]
    session = world.sessions.open(TOKEN, "chat")
    session.start_turn(user("a long one"), CONFIG)
    while not (live := session.view().live) or not live.text:
        session.wait(session.view().version, 0.05)
    world.linking().meet(ANN, TOKEN)
    assert world.sessions.open(ANN.id, "chat") is session
    assert world.sessions.named(TOKEN, session.workspace.name) is None
    assert world.sessions.named(ANN.id, session.workspace.name) is session
    settle(session)
    stored = world.history.load(person_key(ANN.id), session.id)
    assert stored is not None and stored.rows[-1].text == "Half and half."
    assert session.recorder is not None and session.recorder.problem == ""


def test_a_move_that_fails_changes_nothing_and_is_tried_again(world: World) -> None:
    session = world.sessions.open(TOKEN, "chat")
    world.say(session, "before")
    with world.history.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER fails BEFORE UPDATE OF person ON conversations "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    linking = world.linking()
    linking.meet(ANN, TOKEN)
    assert world.titles(TOKEN) == ["before"] and world.titles(ANN.id) == []
    assert world.sessions.open(TOKEN, "chat") is session
    with world.history.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER fails")
    linking.meet(ANN, TOKEN)
    assert world.titles(ANN.id) == ["before"]
    assert world.sessions.open(ANN.id, "chat") is session


def test_all_that_somebody_has_is_forgotten_and_a_running_turn_writes_nothing_more(
    world: World,
) -> None:
    world.server.script = lambda body: [Text("Half"), Wait(2.0), Text(" and half."), Finish()]
    session = world.sessions.open(TOKEN, "chat")
    session.start_turn(user("a long one"), CONFIG)
    while not (live := session.view().live) or not live.text:
        session.wait(session.view().version, 0.05)
    world.sessions.delete_all(TOKEN)
    assert world.titles(TOKEN) == [] and not session.workspace.exists()
    assert session.recorder is not None
    session.recorder.save(session.view().conversation)
    assert world.titles(TOKEN) == []
