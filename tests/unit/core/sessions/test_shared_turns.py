"""One conversation in two processes: each draws the other's turns, and one at a time runs them."""

from __future__ import annotations

import json
import threading

import pytest

from app.core.conversation import Conversation
from app.core.sessions import live_turn
from app.core.sessions.session import Busy, Session
from backends.messages import Message, user
from tests.support.scripted_steps import Endless, Finish, Text, ToolCall, Wait
from tests.support.stored_messages import said
from tests.unit.core.sessions.conftest import ALL, World, ended, texts, until
from tools.base import ToolResult


def asked(world: World, *answers: object) -> tuple[Session, Session]:
    """A conversation of one exchange, open in two processes."""
    world.server.script = [Text("first answer"), *answers]  # type: ignore[list-item]
    one = world.replica().open()
    one.start_turn(user("first"), ALL)
    ended(one)
    other = world.replica().open(one.id)
    assert other.id == one.id and texts(other.view()) == ["first", "first answer"]
    return one, other


def test_a_turn_is_drawn_elsewhere_as_it_goes(world: World) -> None:
    one, other = asked(world, [Text("half"), Wait(1.5), Text(" and whole")])
    one.start_turn(user("second"), ALL)
    view = until(other, lambda view: view.live is not None and view.live.text == "half")
    assert texts(view) == ["first", "first answer", "second"] and other.running
    assert texts(ended(other)) == texts(ended(one)) == [
        "first", "first answer", "second", "half and whole",
    ]  # fmt: skip
    assert not other.running


def test_stop_works_from_elsewhere(world: World) -> None:
    one, other = asked(world, [Endless("more ")])
    one.start_turn(user("second"), ALL)
    until(other, lambda view: bool(view.live and view.live.text))
    other.stop()
    here, there = ended(one), ended(other)
    assert here.ended is not None and here.ended.reason == "cancelled"
    assert texts(here) == texts(there) and texts(there)[-1].startswith("more ")
    assert there.conversation.messages[-1].finish == "cancelled"


def test_one_turn_at_a_time_in_all_processes(world: World) -> None:
    one, other = asked(world, [Text("so far"), Wait(60)])
    one.start_turn(user("second"), ALL)
    for action in (
        lambda: other.start_turn(user("third"), ALL),
        lambda: other.retry(ALL),
        lambda: other.show_branch(other.view().conversation.messages[0].id),
    ):
        until(other, lambda view: view.live is not None)
        with pytest.raises(Busy):
            action()
    one.stop()
    ended(one)
    ended(other)
    assert len(world.server.requests) == 2


def test_of_two_turns_at_the_same_moment_one_runs(world: World) -> None:
    one, other = asked(world, [Wait(0.5), Text("done")])
    ready = threading.Barrier(2)
    refused: list[str] = []

    def go(session: Session, text: str) -> None:
        ready.wait()
        try:
            session.start_turn(user(text), ALL)
        except Busy:
            refused.append(text)

    threads = [threading.Thread(target=go, args=each) for each in ((one, "one"), (other, "other"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refused) == 1
    kept = "other" if refused == ["one"] else "one"
    for session in (one, other):
        assert texts(until(session, lambda view: len(view.conversation.messages) == 4))[2] == kept


def test_a_turn_goes_on_from_what_was_said_elsewhere(world: World) -> None:
    one, other = asked(world, Text("second answer"), Text("third answer"))
    one.start_turn(user("second"), ALL)
    ended(one)
    other.start_turn(user("third"), ALL)  # before it was looked at again
    assert texts(ended(other)) == [
        "first", "first answer", "second", "second answer", "third", "third answer",
    ]  # fmt: skip
    sent = world.server.requests[-1].body["messages"]
    assert [m["content"] for m in sent if m["role"] == "user"] == ["first", "second", "third"]


def test_an_edit_of_an_older_message_leaves_what_was_said_elsewhere(world: World) -> None:
    one, other = asked(world, Text("second answer"), Text("edited answer"))
    older = other.view().conversation.messages[0].id
    one.start_turn(user("second"), ALL)
    ended(one)
    other.ask_from(older, ALL, user("edited"))
    assert texts(ended(other)) == ["edited", "edited answer"]
    until(one, lambda view: texts(view) == ["edited", "edited answer"])
    assert one.recorder is not None
    assert {m.text for m in one.recorder.messages().values()} == {
        "first", "first answer", "second", "second answer", "edited", "edited answer",
    }  # fmt: skip


def test_calls_are_drawn_elsewhere(world: World) -> None:
    calls = [Text("Adding."), ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")]
    one, other = asked(world, calls, [Wait(1.0), Text("It is 3.")])
    one.start_turn(user("add"), ALL)
    view = until(other, lambda view: len(view.conversation.messages) >= 5)
    assert view.conversation.messages[3].calls[0].name == "add"
    assert texts(ended(other)) == texts(ended(one))
    assert (
        other.view().conversation.messages[4].result == one.view().conversation.messages[4].result
    )


def test_a_page_that_comes_in_mid_turn_sees_it(world: World) -> None:
    world.server.script = [[Text("half"), Wait(1.5), Text(" and whole")]]
    one = world.replica().open()
    one.start_turn(user("first"), ALL)
    until(one, lambda view: bool(view.live and view.live.text))
    other = world.replica().open(one.id)
    assert other.id == one.id and other.running
    assert texts(ended(other)) == ["first", "half and whole"]


def test_files_go_along(world: World) -> None:
    one, other = asked(world, Text("second answer"), Text("third answer"))
    (one.workspace / "a.txt").write_text("of one")
    one.start_turn(user("second"), ALL)
    ended(one)
    until(other, lambda view: (other.workspace / "a.txt").exists())
    (other.workspace / "a.txt").write_text("of the other")
    (other.workspace / "b.txt").write_text("new")
    other.start_turn(user("third"), ALL)
    ended(other)
    until(one, lambda view: (one.workspace / "b.txt").exists())
    until(one, lambda view: (one.workspace / "a.txt").read_text() == "of the other")


def test_what_a_closed_session_left_running_is_free_again(world: World) -> None:
    one, other = asked(world, [Text("so far"), Wait(60)], Text("third answer"))
    one.start_turn(user("second"), ALL)
    until(other, lambda view: view.live is not None)
    one.close()
    ended(other)
    other.start_turn(user("third"), ALL)
    assert texts(ended(other))[-1] == "third answer"


def test_hostile_snapshots_are_drawn_as_nothing() -> None:
    empty = live_turn.from_json("", view := view_of())
    for body in ("[]", "3", "{", '{"calls": 3}', '{"calls": [{}]}', '{"calls": [[]]}', "null"):
        assert live_turn.from_json(body, view) == empty


def view_of(*messages: Message) -> Conversation:
    return Conversation(messages)


def test_a_call_whose_result_is_there_is_drawn_once() -> None:
    call = {"id": "1", "name": "add", "input": "{}", "state": "done", "progress": ""}
    body = json.dumps({"text": "", "reasoning": "", "calls": [call], "notice": ""})
    (drawn,) = live_turn.from_json(body, view_of(said("Adding."))).calls
    assert drawn.state == "running"
    result = Message("tool", result=ToolResult("1", "add", "3"))
    assert live_turn.from_json(body, view_of(said("Adding."), result)).calls == ()
