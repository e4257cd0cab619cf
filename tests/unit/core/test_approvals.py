"""Calls that act, once strangers' words were read: they wait, and nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.approvals import NOBODY_ASKED, REFUSED, Approvals, Decision
from app.core.agent.loop import TurnConfig
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from tests.support.browser_parts import Lists, Pages, page
from tests.support.scripted_steps import Answer, Finish, ToolCall
from tests.support.scripted_steps import Text as Say
from tests.support.stored_sessions import at_rest, until
from tests.unit.core.test_session import ALL, World, reason, texts
from tools import tool
from tools.base import ToolCall as Call
from tools.browser import BrowserTool
from tools.registry import Registry


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


class Letters:
    """What was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

        @tool(acts=True)
        def send_letter(to: str) -> str:
            """Send a letter."""
            self.sent.append(to)
            return f"Sent to {to}."

        @tool
        def add(a: int, b: int) -> int:
            """Add two numbers."""
            return a + b

        self.tools = (send_letter, add)


def browser(text: str = "words") -> BrowserTool:
    return BrowserTool(Lists(), Pages(lambda url: page(url, text)))


def opening(place: int = 0) -> ToolCall:
    return ToolCall("open_url", {"url": "https://a.example/"}, id=f"open-{place}", index=place)


def letter(to: str, id: str = "send", place: int = 0) -> ToolCall:
    return ToolCall("send_letter", {"to": to}, id=id, index=place)


def reads_then_sends(body: dict[str, Any]) -> Answer:
    """Reads a page, sends a letter to whoever was named, and repeats the last result."""
    last = body["messages"][-1]
    asked = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
    if last["role"] == "user":
        return [opening(), Finish("tool_calls")]
    if "https://a.example/" in last["content"]:
        return [letter(asked), Finish("tool_calls")]
    return [Say(last["content"])]


def asking(session: Session) -> int:
    """Waits until a call asks; the number that it asks under."""

    def asks(view: Any) -> bool:
        return bool(view.live) and any(call.state == "asking" for call in view.live.calls)

    live = until(session, asks).live
    assert live is not None
    return next(call.asked for call in live.calls if call.state == "asking")


def say(session: Session, word: Decision) -> None:
    session.approvals.decide(asking(session), word)


def test_two_sessions_have_their_own_pages_and_their_own_word(world: World) -> None:
    post = Letters()
    model = world.serve(reads_then_sends)
    one = world.over(model, "one", browser("for one"), *post.tools)
    two = world.over(model, "two", browser("for two"), *post.tools)
    one.start_turn(user("Ann"), ALL)
    two.start_turn(user("Bob"), ALL)
    number = asking(one)
    assert asking(two) == number  # numbers are a session's own
    assert post.sent == []
    two.approvals.decide(number, "refuse")
    assert texts(at_rest(two))[-1] == REFUSED
    assert one.view().live is not None and post.sent == []
    one.approvals.decide(number, "run")
    assert texts(at_rest(one))[-1] == "Sent to Ann." and post.sent == ["Ann"]
    assert one.citations is not None and two.citations is not None
    assert one.citations(0, "for one").found and not two.citations(0, "for one").found


def test_always_holds_for_the_conversation_and_run_does_not(world: World) -> None:
    post = Letters()
    session = world.over(world.serve(reads_then_sends), "one", browser(), *post.tools)
    session.start_turn(user("Ann"), ALL)
    say(session, "run")
    at_rest(session)
    session.start_turn(user("Bob"), ALL)
    say(session, "always")
    at_rest(session)
    session.start_turn(user("Cy"), ALL)
    at_rest(session)
    assert post.sent == ["Ann", "Bob", "Cy"]


def test_nothing_waits_before_a_page_was_read(world: World) -> None:
    """A call beside the one that reads was written before anything was read."""
    post = Letters()
    script = [
        [letter("first"), Finish("tool_calls")],
        [opening(), letter("beside", place=1), Finish("tool_calls")],
        [ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")],
        [Say("done")],
    ]
    session = world.session(script, "one", browser(), *post.tools)
    session.start_turn(user("go"), ALL)
    assert texts(at_rest(session))[-1] == "done"
    assert post.sent == ["first", "beside"]


def test_what_failed_to_be_read_taints_nothing(world: World) -> None:
    post = Letters()
    script = [
        [ToolCall("mclick", {"ids": [5]}), Finish("tool_calls")],
        [letter("Ann"), Finish("tool_calls")],
        [Say("done")],
    ]
    session = world.session(script, "one", browser(), *post.tools)
    session.start_turn(user("go"), ALL)
    at_rest(session)
    assert post.sent == ["Ann"]


def test_stop_ends_the_waiting_and_the_call_is_not_run(world: World) -> None:
    post = Letters()
    session = world.over(world.serve(reads_then_sends), "one", browser(), *post.tools)
    session.start_turn(user("Ann"), ALL)
    number = asking(session)
    session.stop()
    assert reason(at_rest(session)) == "cancelled"
    session.approvals.decide(number, "run")  # too late, and nothing happens
    result = session.view().conversation.messages[-1].result
    assert result is not None and result.error and post.sent == []
    assert not session.approvals.waiting


def test_other_calls_go_on_while_one_waits(world: World) -> None:
    post = Letters()
    script = [
        [opening(), Finish("tool_calls")],
        [letter("Ann"), letter("Bob", "b", 1), ToolCall("add", {"a": 1, "b": 2}, id="c", index=2),
         Finish("tool_calls")],
        [Say("done")],
    ]  # fmt: skip
    session = world.session(script, "one", browser(), *post.tools)
    session.start_turn(user("go"), ALL)

    def added(view: Any) -> bool:
        calls = view.live.calls if view.live else ()
        return [call.state for call in calls] == ["asking", "asking", "done"]

    live = until(session, added).live
    assert live is not None
    session.approvals.decide(live.calls[0].asked, "always")  # for both, by their name
    at_rest(session)
    assert sorted(post.sent) == ["Ann", "Bob"]


def test_without_anybody_to_ask_it_is_refused(world: World, tmp_path: Path) -> None:
    from app.core.agent.approvals import allow
    from app.core.agent.loop import Turn, run
    from app.core.conversation import Conversation

    post = Letters()
    model = world.serve(reads_then_sends)
    for approve, said in ((None, NOBODY_ASKED), (allow, "Sent to Ann.")):
        config = (
            TurnConfig(tools=None) if approve is None else TurnConfig(tools=None, approve=approve)
        )
        registry = Registry((browser(), *post.tools))
        talk = Conversation((user("Ann"),))
        cancel = threading.Event()
        (tmp_path / "w").mkdir(exist_ok=True)
        events = list(run(Turn(talk, registry, config, cancel, tmp_path / "w"), model))
        messages = [event.message for event in events if hasattr(event, "message")]
        assert messages[-1].text == said
    assert post.sent == ["Ann"]


def test_a_session_that_nobody_comes_back_to_is_closed_though_a_call_waits(world: World) -> None:
    post = Letters()
    model = world.serve(reads_then_sends)

    def make(mode: str, folder: Path, _: Visitor) -> Session:
        return world.over(model, folder.name, browser(), *post.tools)

    sessions = Sessions(world.folder / "all", make, idle_seconds=1e6)
    session = sessions.open("ann", "tools")
    session.start_turn(user("Ann"), ALL)
    asking(session)
    sessions.sweep()
    assert len(sessions) == 1
    session.seen -= 2e6
    sessions.sweep()
    assert len(sessions) == 0
    sessions.close()


def test_a_number_that_nothing_waits_under_is_left_alone() -> None:
    approvals = Approvals()
    approvals.decide(7, "always")
    stopped = threading.Event()
    stopped.set()
    numbers: list[int] = []
    assert approvals.request(Call("a", "send_letter", "{}"), stopped, numbers.append) is not None
    assert numbers == [1]
