"""Documents before the messages and tools on offer: both in one turn, and in all its requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.loop import TurnConfig
from app.core.attachments import Upload
from app.core.attachments.uploads import attach_files, user_message
from app.core.service import Service
from app.core.sessions.session import Session
from app.core.settings import Loaded, Settings
from backends.base import GenerationConfig
from backends.messages import ContextUsed, Message, user
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Status, Text, ToolCall
from tools import tool
from tools.registry import Registry

TIMEOUT_S = 60.0  # only against hanging
TOO_LONG = Status(
    400, {"error": {"message": "too long", "code": "context_length_exceeded", "type": "x"}}
)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def tell(words: int) -> str:
    """Tell a long story."""
    return "story " * words


def call(name: str, **arguments: int) -> list[Any]:
    return [ToolCall(name, arguments), Finish("tool_calls")]


class Talk:
    """A session with documents before its messages, and two tools."""

    def __init__(self, server: ScriptedServer, folder: Path, context: int = 0) -> None:
        self.server = server
        settings = Settings(model=f"{server.url}#scripted", data=str(folder), context=context)
        self.service = Service(Loaded(settings, {}))
        self.documents = self.service.open_documents("documents")
        assert self.documents is not None
        registry = Registry((add, tell))
        self.session = Session(folder / "s", registry, self.service.model, self.documents)

    def give(self, name: str, text: str) -> None:
        given = [Upload(name, text.encode())]
        assert self.documents is not None
        self.documents.add(
            attach_files("documents", given, self.session.workspace, Settings(), "none")
        )

    def ask(self, message: Message, **generation: Any) -> tuple[Message, ...]:
        """The messages that a question was answered with."""
        config = TurnConfig(GenerationConfig(**generation), "Be brief.", tools=None)
        before = len(self.session.view().conversation.messages)
        self.session.start_turn(message, config)
        view = self.session.view()
        while view.live is not None:
            assert self.session.wait(view.version, TIMEOUT_S)
            view = self.session.view()
        return view.conversation.messages[before + 1 :]

    @property
    def sent(self) -> list[list[dict[str, Any]]]:
        return [request.body["messages"] for request in self.server.requests]

    def close(self) -> None:
        self.session.close()
        self.service.close()


@pytest.fixture
def server() -> Any:
    with ScriptedServer([Text("Yes.")]) as running:
        yield running


@pytest.fixture
def talk(server: ScriptedServer, tmp_path: Path) -> Any:
    made = Talk(server, tmp_path)
    made.give("note.txt", "Ada has 19 apples.")
    yield made
    made.close()


def test_documents_and_tools_are_sent_with_every_request_of_a_turn(talk: Talk) -> None:
    talk.server.script = [call("add", a=19, b=23), [Text("It is 42.")]]
    called, result, answer = talk.ask(user_message("How many, and 23 more?", ()))
    assert called.calls[0].name == "add" and answer.text == "It is 42."
    assert result.result is not None and result.result.text == "42"
    first, second = talk.sent
    page = "[1] note.txt, page 1\nAda has 19 apples."
    for request, messages in zip(talk.server.requests, talk.sent, strict=True):
        assert {each["function"]["name"] for each in request.body["tools"]} == {"add", "tell"}
        assert messages[0]["role"] == "system" and page in messages[0]["content"]
        assert messages[0]["content"].startswith("Be brief.\n\nYou answer questions about doc")
    assert second[: len(first)] == first and len(second) == len(first) + 2
    assert second[-1]["role"] == "tool" and second[-1]["content"] == "42"
    for message in (called, answer):
        assert message.context is not None and message.context.mode == "whole"
        assert [each.document for each in message.context.pages] == ["note.txt"]


def test_what_tools_found_is_there_for_the_next_question(talk: Talk) -> None:
    talk.server.script = [call("add", a=19, b=23), [Text("It is 42.")], [Text("By adding.")]]
    talk.ask(user("How many, and 23 more?"))
    talk.ask(user("How?"))
    *_, second, third = talk.sent
    assert third[: len(second)] == second
    assert [each["role"] for each in third[1:]] == [
        *("user", "assistant", "tool", "assistant"),
        "user",
    ]


def test_a_tool_that_was_asked_for_is_forced_once_beside_documents(talk: Talk) -> None:
    talk.server.script = [call("add", a=1, b=2), [Text("3")]]
    talk.ask(user("Add."), tool_choice="add")
    one, two = (request.body for request in talk.server.requests)
    assert one["tool_choice"]["function"]["name"] == "add" and two.get("tool_choice") in (
        None,
        "auto",
    )
    assert "Ada has 19 apples." in json.dumps(one) and "Ada has 19 apples." in json.dumps(two)


def test_notes_on_parts_are_taken_once_a_turn(talk: Talk) -> None:
    assert talk.documents is not None
    talk.documents.mode = "parts"
    talk.give("long.md", "\n\n".join(["The river runs past the old mill. " * 400] * 60))
    notes = [[Text("A note【2†river】.")], [Text("Another note.")]]

    def script(body: Any) -> Any:
        if "tools" not in body:
            return notes.pop(0) if len(notes) > 1 else notes[0]
        return [Text("Done.")] if body["messages"][-1]["role"] == "tool" else calling

    calling = call("add", a=1, b=2)
    talk.server.script = script
    called, _, answer = talk.ask(user("Summarise it."))
    asked = [request.body for request in talk.server.requests]
    *taken, first, second = asked
    assert len(taken) > 1 and all("tools" not in each for each in taken)
    assert "A note【2†river】." in first["messages"][-1]["content"]
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert "A note" in called.reasoning and answer.reasoning == ""
    assert answer.context is not None and answer.context.mode == "parts"


def test_what_a_tool_brought_makes_room_for_itself_where_the_server_finds_it_too_long(
    talk: Talk,
) -> None:
    talk.give("long.md", "\n\n".join([f"Mill {at} stands at the river. " * 40 for at in range(60)]))
    talk.server.script = [call("tell", words=9_000), TOO_LONG, [Text("So it is.")]]
    called, _, answer = talk.ask(user("What does Ada have?"))
    whole, refused, passages = talk.sent
    assert refused[: len(whole)] == whole
    assert len(json.dumps(passages)) < len(json.dumps(refused))
    assert "Ada has 19 apples." in json.dumps(passages[1]) and passages[-1] == refused[-1]
    assert called.context is not None and called.context.mode == "whole"
    assert answer.context is not None and answer.context.mode == "passages"
    assert answer.context.refused and not called.context.refused


def test_a_long_result_is_shortened_beside_documents_and_the_answer_says_so(
    server: ScriptedServer, tmp_path: Path
) -> None:
    talk = Talk(server, tmp_path, context=4096)
    try:
        talk.give("note.txt", "Ada has 19 apples.")
        server.script = [call("tell", words=9_000), [Text("A story.")]]
        _, result, answer = talk.ask(user("Tell me."), max_tokens=300)
        assert result.result is not None and len(result.result.text) > 16_000
        assert len(talk.sent[-1][-1]["content"]) < 10_000
        assert "Ada has 19 apples." in talk.sent[-1][0]["content"]
        assert answer.context is not None and answer.context.results_shortened == 1
    finally:
        talk.close()


def test_nothing_is_said_of_a_context_that_is_the_conversation_as_it_is(talk: Talk) -> None:
    (answer,) = talk.ask(user("Hello"))
    assert answer.context is not None and answer.context != ContextUsed()
    session = talk.service.sessions.open("bob", "chat")
    session.start_turn(user("Hello"), TurnConfig())
    view = session.view()
    while view.live is not None:
        assert session.wait(view.version, TIMEOUT_S)
        view = session.view()
    assert view.conversation.messages[-1].context is None
