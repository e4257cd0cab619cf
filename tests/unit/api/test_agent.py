"""The Python API as its users write it: a real server, real tools and files, processes of their
own where that matters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.api import (
    Agent,
    AgentError,
    Attachment,
    MessageFinished,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from app.core.service import Service
from app.core.settings import load
from tests.support import scripted_steps as say
from tests.support.office_files import make_pdf
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Script
from tools import tool
from tools.base import ToolContext
from tools.functions.decorator import FunctionTool
from tools.functions.parameters import ToolDefinitionError

ROOT = Path(__file__).resolve().parents[3]
HANG = 120  # seconds until what hangs is given up


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def write(name: str, context: ToolContext) -> Attachment:
    """Write a file for the user."""
    path = context.workspace / name
    path.write_text("made", "utf-8")
    return Attachment(name, "text/plain", path)


class ReadPage(FunctionTool[..., Any]):
    """A tool whose results were written by strangers."""

    taints = True  # type: ignore[assignment]


def page() -> str:
    """Read a page."""
    return "a stranger's text"


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GLM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GLM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GLM_RETRIES", "0")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model() -> Iterator[Callable[[Script], ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(script: Script) -> ScriptedServer:
        servers.append(ScriptedServer(script).start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def repeat(body: dict[str, Any]) -> list[Any]:
    """Says what the user said last."""
    return [say.Text(body["messages"][-1]["content"])]


def named(server: ScriptedServer) -> str:
    return f"{server.url}#scripted"


def calls(*made: say.ToolCall, text: str = "") -> list[Any]:
    return [*([say.Text(text)] if text else []), *made, say.Finish("tool_calls")]


def unanswered(agent: Agent) -> set[str]:
    """The ids of calls in the conversation without a result."""
    made = {call.id for message in agent.messages for call in message.calls}
    return made - {each.result.call_id for each in agent.messages if each.result is not None}


# -- what a turn brings ---------------------------------------------------------------------------


def test_an_answer_has_the_text_and_what_it_took(model):
    server = model([[say.Reasoning("hm"), say.Text("Hello"), say.Finish(), say.Usage(11, 7, 4)]])
    with Agent(model=named(server), api_key="key-1") as agent:
        answer = agent.run("hi")
        assert (answer.text, answer.reasoning) == ("Hello", "hm")
        assert (answer.reason, answer.error, answer.calls, answer.files) == ("stop", None, (), ())
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
        agent.run("and then?")
    assert [each["content"] for each in server.requests[1].body["messages"][1:]] == [
        "hi", "Hello", "and then?",
    ]  # fmt: skip
    assert server.requests[0].headers["authorization"] == "Bearer key-1"


def test_functions_are_called_and_their_results_and_files_are_in_the_answer(model):
    both = calls(
        say.ToolCall("add", {"a": 20, "b": 22}, "c1"),
        say.ToolCall("write", {"name": "note.txt"}, "c2", index=1),
        text="Let me see.",
    )
    server = model([both, [say.Text("It is 42.")]])
    with Agent("tools", model=named(server), tools=[add, write]) as agent:
        answer = agent.run("20 + 22?")
        assert answer.text == "Let me see.\n\nIt is 42."
        assert [(each.name, each.text, each.error) for each in answer.calls] == [
            ("add", "42", None), ("write", "Made for the user: note.txt.", None),
        ]  # fmt: skip
        assert answer.calls[0].call.arguments() == {"a": 20, "b": 22}
        (file,) = answer.files
        assert file.path.read_text() == "made" and file.path.parent == agent.folder.resolve()
    assert not file.path.exists() and not agent.folder.exists()


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_that_is_kept_outlives_the_agent_where_files_were_made(model, made):
    script = [calls(say.ToolCall("write", {"name": "note.txt"}))] * made + [[say.Text("Done.")]]
    with Agent("tools", model=named(model(script)), tools=[write], keep=True) as agent:
        agent.run("write it")
    folder = agent.close()
    assert folder == (agent.folder if made else None)
    assert (agent.folder / "note.txt").exists() is made


def test_files_are_copied_and_the_model_is_told_of_them(model, tmp_path):
    (tmp_path / "sales.csv").write_text("a,b\n1,2\n")
    (tmp_path / "more.csv").write_text("c\n")
    server = model(repeat)
    with Agent("tools", model=named(server), files=[tmp_path / "sales.csv"]) as agent:
        agent.run("What is in it?", files=[str(tmp_path / "more.csv")])
        assert (agent.folder / "sales.csv").read_text() == "a,b\n1,2\n"
        agent.run("And now?")
    first, second = (request.body["messages"] for request in server.requests)
    assert "sales.csv" in first[-1]["content"] and "more.csv" in first[-1]["content"]
    assert second[-1]["content"] == "And now?"


def test_documents_are_cited(model, tmp_path):
    (tmp_path / "report.txt").write_text("The bridge has seven arches.\n")
    server = model([[say.Text("It has seven 【1†seven arches】, or nine 【1†nine arches】.")]])
    with Agent("documents", model=named(server), files=[tmp_path / "report.txt"]) as agent:
        answer = agent.run("How many arches?")
    assert answer.text == "It has seven [1], or nine [1]."
    found = [(each.words, each.citation.found) for each in answer.citations]
    assert found == [("seven arches", True), ("nine arches", False)]
    source = answer.citations[0].source
    assert source is not None and "report.txt" in source.title


def test_a_stream_has_the_events_in_their_order(model):
    server = model([calls(say.ToolCall("add", {"a": 1, "b": 2})), [say.Text("Three", size=2)]])
    with Agent("tools", model=named(server), tools=[add]) as agent:
        events = list(agent.stream("1 + 2?"))
    kinds = (TextDelta, ToolStarted, ToolFinished, MessageFinished, TurnFinished)
    told = [type(each) for each in events if isinstance(each, kinds)]
    assert told == [
        MessageFinished, ToolStarted, ToolFinished, MessageFinished,
        TextDelta, TextDelta, TextDelta, MessageFinished, TurnFinished,
    ]  # fmt: skip


# -- how a turn ends ------------------------------------------------------------------------------


def test_a_turn_at_its_round_limit_is_resumed(model):
    steps = [calls(say.ToolCall("add", {"a": n, "b": n}, f"c{n}")) for n in (1, 2)]
    server = model([*steps, [say.Text("Both added.")]])
    with Agent("tools", model=named(server), tools=[add], max_rounds=1) as agent:
        answer = agent.run("add")
        assert (answer.reason, len(answer.calls), agent.unfinished) == ("tool_limit", 1, True)
        assert agent.resume().reason == "tool_limit"
        assert agent.resume().text == "Both added."
        with pytest.raises(ValueError, match="nothing to go on from"):
            agent.resume()


def test_an_answer_at_its_longest_length_is_resumed(model):
    server = model([[say.Text("One, two, "), say.Finish("length")], [say.Text("three.")]])
    with Agent(model=named(server)) as agent:
        assert agent.run("count").reason == "length"
        assert agent.unfinished and agent.resume().text == "three."


def test_a_failure_is_an_error_with_what_came_and_is_retried(model):
    server = model([[say.Text("It is"), say.Drop()], [say.Text("It is 4.")]])
    with Agent(model=named(server)) as agent:
        with pytest.raises(AgentError) as caught:
            agent.run("2 + 2?")
        assert caught.value.answer.text == "It is"
        assert str(caught.value) == caught.value.answer.error
        assert agent.retry().text == "It is 4."
        assert [message.text for message in agent.messages] == ["2 + 2?", "It is 4."]


def test_a_file_that_is_not_there_is_an_error_and_the_conversation_stays(model, tmp_path):
    with Agent("tools", model=named(model(repeat))) as agent:
        with pytest.raises(AgentError, match=r"gone\.csv can't be read"):
            agent.run("read", files=[tmp_path / "gone.csv"])
        assert agent.messages == ()
        with pytest.raises(ValueError, match="Nothing was said"):
            agent.retry()


def test_a_model_that_is_not_there_is_an_error():
    with Agent(model="/nowhere/model.gguf") as agent, pytest.raises(AgentError, match="model"):
        agent.run("hi")


def test_another_thread_cancels(model):
    server = model([[say.Endless("word ")]])
    cancel = threading.Event()
    with Agent(model=named(server)) as agent:
        events = agent.stream("go on", cancel=cancel)
        next(event for event in events if isinstance(event, TextDelta))
        threading.Thread(target=cancel.set).start()
        end = list(events)[-1]
        assert isinstance(end, TurnFinished) and end.reason == "cancelled"
        assert agent.messages[-1].finish == "cancelled"


def test_who_leaves_the_loop_stops_the_turn_and_every_call_has_its_result(model):
    begun = threading.Event()

    def wait(context: ToolContext) -> str:
        """Waits."""
        begun.set()
        context.cancel.wait(HANG)
        return "stopped"

    server = model([calls(say.ToolCall("wait", {})), [say.Text("Hello.")]])
    with Agent("tools", model=named(server), tools=[wait]) as agent:
        for event in agent.stream("wait"):
            if isinstance(event, ToolStarted):
                break
        # The generator of a loop that was left is closed by Python at once.
        assert begun.wait(HANG)
        assert unanswered(agent) == set() and agent.messages[-1].role == "tool"
        assert agent.run("hi").text == "Hello."


CTRL_C = """
import signal, sys
from app.api import Agent, TextDelta

# A shell has its background jobs ignore the signal, and what they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Agent(model=sys.argv[1]) as agent:
    try:
        {turn}
    except KeyboardInterrupt:
        last = agent.messages[-1]
        print("kept", last.role, last.finish, flush=True)
"""


@pytest.mark.parametrize(
    "turn",
    ["agent.run('go on')", "for event in agent.stream('go on'): pass"],
    ids=["run", "stream"],
)
def test_ctrl_c_ends_the_turn_and_keeps_what_was_said(model, turn, tmp_path):
    server = model([[say.Endless("word ", rate=50)]])
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C.format(turn=turn), named(server)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while process.poll() is None and not server.requests:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=HANG)
    finally:
        process.kill()
    assert (out, process.returncode) == ("kept assistant cancelled\n", 0)


def test_a_turn_that_is_torn_off_leaves_the_prompt_to_be_asked_again(model, tmp_path):
    make_pdf(tmp_path / "locked.pdf", password="open")

    def torn(name: str, wrong: bool) -> str | None:
        raise KeyboardInterrupt

    with Agent("documents", model=named(model([[say.Text("Hello.")]]))) as agent:
        with pytest.raises(KeyboardInterrupt):
            agent.run("What is in it?", files=[tmp_path / "locked.pdf"], password=torn)
        assert [message.role for message in agent.messages] == ["user"]
        with pytest.raises(KeyboardInterrupt):
            agent.retry()
        answer = agent.run("Never mind.", password=lambda name, wrong: None)
        assert answer.text == "Hello."


OTHER_ADD = """
from tools import tool

@tool
def add(a: int) -> str:
    "Another function of that name."
    return "other"
"""


# -- arguments and rules --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"mode": "draw"}, "There is no mode 'draw'"),
        ({"tools": [add]}, "The mode chat has no tools"),
        ({"files": ["a.txt"]}, "The mode chat takes no files"),
        ({"mode": "tools", "max_rounds": 0}, "max_rounds should be a number"),
        ({"protocol": "smoke"}, "protocol is 'smoke', but should be"),
        (
            {"mode": "tools", "tools": [write, tool(name="write")(add)]},
            "The name write is already taken",
        ),
    ],
)  # fmt: skip
def test_an_argument_that_can_not_be_used_is_refused(arguments, told):
    with pytest.raises(ValueError, match=told):
        Agent(**arguments)


def test_a_function_that_no_model_could_call_is_refused():
    def untyped(x):
        """No types."""

    with pytest.raises(ToolDefinitionError, match="has no type"):
        Agent("tools", tools=[untyped])


def test_one_path_is_no_list_of_paths():
    with pytest.raises(TypeError, match="a list of paths"):
        Agent("tools", files="a.txt")


def test_one_turn_at_a_time_and_none_after_the_end(model):
    with Agent(model=named(model([[say.Endless("word ")]]))) as agent:
        with pytest.raises(ValueError, match="empty"):
            agent.run("  ")
        events = agent.stream("go on")
        next(events)
        with pytest.raises(RuntimeError, match="in the middle of a turn"):
            agent.run("hi")
        events.close()
        assert agent.messages[-1].finish == "cancelled"
    with pytest.raises(RuntimeError, match="closed"):
        agent.run("hi")
    assert agent.close() is None


def test_a_tool_of_the_users_own_settings_gives_way_to_an_agents(model, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OTHER_ADD)
    monkeypatch.setenv("GLM_TOOLS_PATH", str(tmp_path / "mine.py"))
    server = model([calls(say.ToolCall("add", {"a": 1, "b": 2})), [say.Text("3")]])
    with Agent("tools", model=named(server), tools=[add]) as agent:
        assert agent.run("add").calls[0].text == "3"
        assert len(agent.refused) == 1


@pytest.mark.parametrize("word", [None, True, False])
def test_a_call_that_acts_waits_for_the_word_once_a_page_was_read(model, word):
    sent: list[str] = []
    asked: list[ToolCall] = []

    @tool(acts=True)
    def send(text: str) -> str:
        """Send a text."""
        sent.append(text)
        return "sent"

    def approve(call: ToolCall) -> bool:
        asked.append(call)
        return bool(word)

    script = [
        calls(say.ToolCall("page", {}, "c1")),
        calls(say.ToolCall("send", {"text": "hello"}, "c2")),
        [say.Text("Done.")],
    ]
    tools = [ReadPage(page), send]
    allowed = None if word is None else approve
    with Agent("tools", model=named(model(script)), tools=tools, approve=allowed) as agent:
        answer = agent.run("read, then send")
    assert sent == (["hello"] if word else [])
    assert (answer.calls[1].error is None) is bool(word)
    assert [call.name for call in asked] == ([] if word is None else ["send"])


def test_agents_on_several_threads_share_a_service(model):
    server = model(repeat)
    service = Service(load(overrides={"model": named(server)}))
    said: dict[int, str] = {}

    def talk(number: int) -> None:
        with Agent(service=service) as agent:
            said[number] = agent.run(f"number {number}").text

    try:
        with pytest.raises(ValueError, match="has its own model"):
            Agent(service=service, model="bundled")
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
    finally:
        service.close()
    assert all(f"number {number}" in said[number] for number in range(3))


def test_neither_streamlit_nor_torch_is_imported():
    code = (
        "import sys, app.api\n"
        "with app.api.Agent('tools', model='http://127.0.0.1:9/v1') as agent: pass\n"
        "print([each for each in ('streamlit', 'torch', 'transformers') if each in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    )
    assert ran.stdout == "[]\n"
