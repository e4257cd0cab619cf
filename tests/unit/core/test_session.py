"""Sessions: turns that nobody watches, and visitors that never meet."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.events import TurnFinished
from app.core.agent.loop import INTERNAL_ERROR, TurnConfig
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Busy, Session, View
from app.core.sessions.turn_slots import WAITING, Visitor
from app.core.settings import Loaded, Settings
from backends.base import Backend, GenerationConfig
from backends.errors import ModelUnavailable
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Drop, Endless, Finish, Script, ToolCall, Wait
from tests.support.scripted_steps import Text as Say
from tests.support.stored_sessions import HANG, at_rest, until
from tools import tool
from tools.python import PythonTool
from tools.registry import Registry

ALL = TurnConfig(tools=None)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class World:
    """A scripted server behind one model host, and sessions over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._close: list[Callable[[], None]] = []

    def serve(self, script: Script) -> ModelHost:
        self.server = ScriptedServer(script).start()
        backend = OpenAIBackend(self.server.url, "scripted", None, retries=0)
        self._close += [self.server.stop, backend.close]
        return ModelHost(lambda: backend)

    def session(self, script: Script, name: str = "one", *tools: Any) -> Session:
        return self.over(self.serve(script), name, *tools)

    def over(self, model: ModelHost, name: str, *tools: Any) -> Session:
        session = Session(self.folder / name, Registry(tools or (add,)), model)
        self._close.append(session.close)
        return session

    def close(self) -> None:
        for close in reversed(self._close):
            close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def texts(view: View) -> list[str]:
    return [message.text for message in view.conversation.messages]


def drawn_length(view: View) -> int:
    """Characters that the page shows; they never become fewer while a turn runs."""
    return sum(map(len, texts(view))) + (len(view.live.text) if view.live else 0)


def reason(view: View) -> str | None:
    return view.ended.reason if view.ended else None


# -- one turn ------------------------------------------------------------------------------------


def test_a_turn_goes_on_while_nobody_watches(world: World) -> None:
    calls = [ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")]
    session = world.session([[Say("Adding."), *calls], [Say("It is 3.", size=1, rate=100)]])
    session.start_turn(user("add"), ALL)
    assert session.running and texts(session.view())[0] == "add"
    while session.running:  # no view and no wait meanwhile
        threading.Event().wait(0.02)
    view = session.view()
    assert texts(view) == ["add", "Adding.", "", "It is 3."]
    assert reason(view) == "stop" and view.live is None


def test_whoever_comes_back_sees_what_happened_so_far(world: World) -> None:
    session = world.session([[Say("first half, "), Wait(0.3), Say("second half")]])
    session.start_turn(user("go"), ALL)
    live = until(session, lambda view: bool(view.live and view.live.text)).live
    assert live is not None and live.text == "first half, "
    assert texts(at_rest(session)) == ["go", "first half, second half"]


def test_every_look_is_whole_and_newer_looks_show_no_less(world: World) -> None:
    """Several pages watch one turn of two rounds; none sees text vanish or twice."""
    long = "word " * 100
    calls = [ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")]
    session = world.session([[Say(long, size=3, rate=800), *calls], [Say(long, size=3, rate=800)]])
    failures: list[str] = []

    def watch() -> None:
        before = session.view()
        while before.live is not None:
            session.wait(before.version, 1)
            now = session.view()
            if now.version < before.version or drawn_length(now) < drawn_length(before):
                failures.append(f"{before} then {now}")
            before = now
        if texts(before) != ["go", long, "", long]:
            failures.append(repr(texts(before)))

    session.start_turn(user("go"), ALL)
    watchers = [threading.Thread(target=watch) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(HANG)
    assert failures == []


def test_waiting_ends_at_once_when_there_is_something_new_already(world: World) -> None:
    session = world.session([[Say("hello")]])
    assert not session.wait(session.view().version, 0)
    old = session.view().version
    session.start_turn(user("go"), ALL)
    assert session.wait(old, HANG)


def test_one_turn_at_a_time(world: World) -> None:
    session = world.session([[Say("so far"), Wait(60)]])
    session.start_turn(user("first"), ALL)
    for action in (
        lambda: session.start_turn(user("second"), ALL),
        lambda: session.retry(ALL),
        lambda: session.ask_from("", ALL, user("other")),
    ):
        with pytest.raises(Busy):
            action()
    session.stop()
    assert texts(at_rest(session))[0] == "first"
    assert len(world.server.requests) <= 1


def test_stop_keeps_what_was_said_and_the_next_turn_is_not_stopped(world: World) -> None:
    session = world.session([[Say("Once "), Endless("more ")], [Say("Fresh.")]])
    session.stop()  # nothing runs: no harm
    session.start_turn(user("go"), ALL)
    until(session, lambda view: bool(view.live and view.live.text))
    session.stop()
    view = at_rest(session)
    assert reason(view) == "cancelled"
    last = view.conversation.messages[-1]
    assert last.finish == "cancelled" and last.text.startswith("Once ")
    session.start_turn(user("again"), ALL)
    assert reason(at_rest(session)) == "stop"


# -- retry, edit, go on -------------------------------------------------------------------------


def test_retry_after_a_drop_keeps_the_tools_that_ran(world: World) -> None:
    calls = [ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")]
    session = world.session([calls, [Say("so f"), Drop()], [Say("3")]])
    session.start_turn(user("add"), ALL)
    view = at_rest(session)
    assert (reason(view), texts(view)) == ("error", ["add", "", "", "so f"])
    session.retry(ALL)
    assert texts(at_rest(session)) == ["add", "", "", "3"]
    assert len(world.server.requests) == 3


def test_retry_of_a_good_answer_makes_all_of_it_anew(world: World) -> None:
    calls = [ToolCall("add", {"a": 1, "b": 2}), Finish("tool_calls")]
    session = world.session([calls, [Say("3")], [Say("Three.")]])
    session.start_turn(user("add"), ALL)
    at_rest(session)
    session.retry(ALL)
    assert texts(at_rest(session)) == ["add", "Three."]
    assert [m["role"] for m in world.server.requests[-1].body["messages"]] == ["user"]


def test_an_edit_puts_a_message_in_place_of_the_last_one(world: World) -> None:
    session = world.session([[Say("A")], [Say("B")], [Say("C")]])
    for text in ("one", "two"):
        session.start_turn(user(text), ALL)
        at_rest(session)
    session.ask_from(session.view().conversation.messages[-2].id, ALL, user("zwei"))
    assert texts(at_rest(session)) == ["one", "A", "zwei", "C"]


def test_going_on_after_the_round_limit(world: World) -> None:
    count = iter(range(100))

    def script(_: Any) -> Any:
        number = next(count)
        if number == 3:
            return [Say("Done.")]
        return [ToolCall("add", {"a": number, "b": 0}), Finish("tool_calls")]

    session = world.session(script)
    session.start_turn(user("go"), TurnConfig(tools=None, max_rounds=2))
    view = at_rest(session)
    assert reason(view) == "tool_limit" and view.conversation.awaits_answer
    session.start_turn(None, TurnConfig(tools=None, max_rounds=2))
    view = at_rest(session)
    assert reason(view) == "stop" and texts(view)[-1] == "Done."
    assert sum(message.result is not None for message in view.conversation.messages) == 3


# -- the model -----------------------------------------------------------------------------------


def test_a_model_that_fails_to_load_is_told_in_the_conversation_and_retry_loads_again(
    world: World,
) -> None:
    backend = world.serve([[Say("Hello.")]]).wait()
    outcomes: list[Any] = [ModelUnavailable("There is no model file. Check GLM_MODEL."), backend]

    def load() -> Backend:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    session = world.over(ModelHost(load), "one")
    session.start_turn(user("hi"), ALL)
    view = at_rest(session)
    last = view.conversation.messages[-1]
    assert (last.role, last.finish) == ("assistant", "error")
    assert last.error == "There is no model file. Check GLM_MODEL."
    assert view.ended is not None and view.ended.error == last.error
    session.retry(ALL)
    assert texts(at_rest(session)) == ["hi", "Hello."]


def test_stop_while_the_model_loads(world: World) -> None:
    go = threading.Event()

    def load() -> Backend:
        assert go.wait(HANG)
        raise ModelUnavailable("never")

    session = world.over(ModelHost(load), "one")
    session.start_turn(user("hi"), ALL)
    until(session, lambda view: bool(view.live and view.live.notice == "Loading the model"))
    session.stop()
    view = at_rest(session)
    assert reason(view) == "cancelled" and view.conversation.messages[-1].finish == "cancelled"
    go.set()


def test_a_fault_outside_the_agent_is_said_as_such(world: World) -> None:
    class Odd(OpenAIBackend):
        @property
        def capabilities(self) -> Any:
            raise RuntimeError("/secret/path")

        def check(self) -> None:
            pass

    backend = Odd("http://127.0.0.1:1/v1", "m", None)
    session = world.over(ModelHost(lambda: backend), "one")
    session.start_turn(user("hi"), ALL)
    view = at_rest(session)
    assert view.conversation.messages[-1].error == INTERNAL_ERROR and reason(view) == "error"
    assert "secret" not in repr(view)


# -- the end of a session ------------------------------------------------------------------------


def test_closing_while_a_turn_runs_stops_it_and_deletes_the_files(world: World) -> None:
    session = world.session([[Say("so far"), Endless()]])
    (session.workspace / "file.txt").write_text("x")
    session.start_turn(user("go"), ALL)
    until(session, lambda view: bool(view.live and view.live.text))
    session.close()
    session.close()
    assert world.server.requests[0].gone.wait(HANG), "the model was not stopped"
    assert not session.workspace.exists()
    assert session.view().conversation.messages == () and not session.running
    with pytest.raises(Busy):
        session.start_turn(user("more"), ALL)


def test_two_sessions_at_once_never_mix(world: World) -> None:
    """Own text, own files, own variables, with real kernels; both write before either reads."""
    write = "mine = {who!r}\nopen('mine.txt', 'w').write(mine)"
    read = "import os\nprint(mine, open('mine.txt').read(), sorted(os.listdir('.')))"

    def script(body: dict[str, Any]) -> Any:
        who, *more = (m["content"] for m in body["messages"] if m["role"] == "user")
        last = body["messages"][-1]
        if last["role"] == "tool":
            return [Say(f"For {who}: {last['content']}", size=2)]
        code = read if more else write.format(who=who)
        return [ToolCall("python", {"code": code}), Finish("tool_calls")]

    model = world.serve(script)
    names = ("Ada", "Bob")
    sessions = {who: world.over(model, who, PythonTool(world.folder / who)) for who in names}
    for text in (None, "and now?"):
        for who, session in sessions.items():
            session.start_turn(user(text or who), ALL)
        views = {who: at_rest(session) for who, session in sessions.items()}
    for who, other in (names, names[::-1]):
        assert reason(views[who]) == "stop"
        assert texts(views[who])[-1].strip() == f"For {who}: {who} {who} ['mine.txt']"
        assert other not in repr(views[who].conversation)
        assert (sessions[who].workspace / "mine.txt").read_text() == who


def registry_of(model: ModelHost) -> Callable[[str, Path, Visitor], Session]:
    return lambda mode, workspace, visitor: Session(
        workspace, Registry((add,)), model, visitor=visitor
    )


@pytest.fixture
def sessions(world: World) -> Iterator[Sessions]:
    model = world.serve([[Say("so far"), Wait(60)]])
    sessions = Sessions(world.folder / "root", registry_of(model), 1000)
    yield sessions
    sessions.close()


def test_a_visitor_has_one_session_a_mode(sessions: Sessions) -> None:
    mine = sessions.open("me", "chat")
    assert sessions.open("me", "chat") is mine
    others = [sessions.open("me", "tools"), sessions.open("you", "chat")]
    assert len({id(session) for session in [mine, *others]}) == len(sessions) == 3
    assert len({session.workspace for session in [mine, *others]}) == 3
    assert all(part != "me" for part in mine.workspace.parts)


def test_pages_that_open_at_once_get_the_same_session(sessions: Sessions) -> None:
    got: list[Session] = []
    start = threading.Barrier(8)

    def visit() -> None:
        start.wait(HANG)
        got.append(sessions.open("me", "chat"))

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert len({id(session) for session in got}) == 1 and len(got) == 8


def test_a_renewed_session_is_empty_but_for_what_was_set(sessions: Sessions) -> None:
    old = sessions.open("me", "tools")
    (old.workspace / "file.txt").write_text("x")
    old.start_turn(user("go"), ALL)
    old.choices["temperature"] = 0.5
    old.registry.switch("add", False)
    new = sessions.renew("me", "tools")
    assert new is not old and sessions.open("me", "tools") is new
    assert new.view().conversation.messages == () and not new.running
    assert new.workspace.is_dir() and list(new.workspace.iterdir()) == []
    assert not old.workspace.exists() and not old.running
    assert new.choices == {"temperature": 0.5} and not new.registry.enabled("add")
    assert sessions.renew("you", "chat").view().conversation.messages == ()


def test_closing_the_old_session_late_does_not_touch_the_new_one(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another page of the visitor opens the session while the old one is still closing."""
    old = sessions.open("me", "chat")
    (old.workspace / "given").touch()
    opened: list[Session] = []
    close = old.close

    def slowly() -> None:
        opened.append(sessions.open("me", "chat"))
        close()

    monkeypatch.setattr(old, "close", slowly)
    new = sessions.renew("me", "chat")
    assert opened == [new]
    assert new.workspace.is_dir() and not old.workspace.exists()


def test_sessions_nobody_looks_at_are_swept_and_running_ones_kept(world: World) -> None:
    model = world.serve([[Say("so far"), Wait(60)]])
    sessions = Sessions(world.folder / "root", registry_of(model), 0.2)
    idle, running, watched = (sessions.open(who, "chat") for who in ("idle", "running", "watched"))
    running.start_turn(user("go"), ALL)
    give_up = threading.Event()
    timer = threading.Timer(HANG, give_up.set)
    timer.start()
    while idle.workspace.exists():  # by the sweeper's own thread
        watched.view()
        assert not give_up.wait(0.02)
    timer.cancel()
    watched.view()
    assert running.workspace.exists() and running.running
    assert sessions.open("running", "chat") is running
    assert sessions.open("idle", "chat") is not idle
    sessions.close()


def test_sessions_that_nobody_used_are_closed_sooner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.sessions.registry.UNTOUCHED_SECONDS", 0.0)
    sessions = Sessions(world.folder / "root", registry_of(world.serve([[Say("yes")]])), 3600)
    names = ("nobody", "asked", "set", "given", "switched")
    nobody, asked, chosen, given, switched = opened = [sessions.open(n, "chat") for n in names]
    asked.start_turn(user("go"), ALL)
    while asked.running:
        asked.wait(asked.view().version, HANG)
    chosen.choices["temperature"] = 0.1
    (given.workspace / "table.csv").write_text("1,2")
    [tool, *_] = switched.registry.tools
    switched.registry.switch(tool.name, False)
    sessions.sweep()
    assert not nobody.workspace.exists()
    assert [sessions.open(name, "chat") for name in names[1:]] == opened[1:]
    sessions.close()


def test_closing_all_leaves_nothing(world: World) -> None:
    model = world.serve([[Say("so far"), Wait(60)]])
    sessions = Sessions(world.folder / "root", registry_of(model), 1000)
    one = sessions.open("me", "chat")
    one.start_turn(user("go"), ALL)
    sessions.open("you", "tools")
    sessions.close()
    sessions.close()
    assert len(sessions) == 0 and not (world.folder / "root").exists() and not one.running


def test_the_service_puts_settings_model_tools_and_sessions_together(tmp_path: Path) -> None:
    from app.core.service import Service

    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module_at_all\n")
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from tools import tool\n\n@tool\ndef twice(n: int) -> int:\n"
        '    """Doubles."""\n    return 2 * n\n'
    )
    with ScriptedServer([[ToolCall("twice", {"n": 4}), Finish("tool_calls")], Say("8")]) as server:
        settings = Settings(model=server.url, tools_path=str(broken), data=str(tmp_path / "data"))
        service = Service(Loaded(settings, {}, ("A bad setting.",)), [mine])
        with contextlib.closing(service):
            assert service.problems[0] == "A bad setting."
            assert any("broken.py" in problem for problem in service.problems[1:])
            assert str(tmp_path) not in "".join(service.problems)
            chat, tools = (service.sessions.open("me", mode) for mode in ("chat", "tools"))
            assert chat.registry.tools == ()
            assert {"python", "twice"} <= {tool.name for tool in tools.registry.tools}
            config = TurnConfig(GenerationConfig(), tools=frozenset({"twice"}))
            tools.start_turn(user("double 4"), config)
            view = at_rest(tools)
            assert isinstance(view.ended, TurnFinished) and view.ended.reason == "stop"
            assert [m.result.text for m in view.conversation.messages if m.result] == ["8"]
            offered = server.requests[0].body["tools"]
            assert [item["function"]["name"] for item in offered] == ["twice"]
        assert not any(path.is_file() for path in service.sessions.root.rglob("*"))


def test_a_visitors_turns_beyond_the_limit_wait_and_say_so(world: World) -> None:
    """In all modes together; another visitor's begin at once, and Stop ends the wait."""
    hold = threading.Event()
    model = world.serve(lambda request: [Say("so far"), Wait(0.05 if hold.is_set() else 60)])
    sessions = Sessions(world.folder / "root", registry_of(model), 1000, turns=1)
    first, second, other = (
        sessions.open(*of) for of in (("me", "chat"), ("me", "tools"), ("you", "chat"))
    )
    first.start_turn(user("one"), ALL)
    until(first, lambda view: bool(view.live and view.live.text))
    second.start_turn(user("two"), ALL)
    waits = until(second, lambda view: bool(view.live and view.live.notice)).live
    assert waits is not None and waits.notice.startswith(WAITING)
    other.start_turn(user("three"), ALL)
    until(other, lambda view: bool(view.live and view.live.text))
    assert len(world.server.requests) == 2, "the waiting turn asked the model"
    second.stop()
    assert reason(at_rest(second)) == "cancelled"
    second.start_turn(user("four"), ALL)
    until(second, lambda view: bool(view.live and view.live.notice))
    hold.set()
    first.stop()
    assert reason(at_rest(second)) == "stop" and texts(second.view())[-1] == "so far"
    sessions.close()
