"""What a server's models can do is found out by asking them."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from app.core.models.endpoints import Abilities, Preset, endpoint
from app.core.models.trial import list_models, local_servers, try_model
from backends.errors import BackendError
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import (
    Answer,
    Endless,
    Finish,
    Raw,
    Reasoning,
    Status,
    Text,
    ToolCall,
)

KEY = "sk-4711-secret"


def able(body: dict[str, Any]) -> Answer:
    if body.get("tools"):
        return [ToolCall("lookup_code", {"box": "A7"}), Finish("tool_calls")]
    if isinstance(body["messages"][-1]["content"], list):
        return [Reasoning("I see a square."), Text("Red."), Finish()]
    return Text("ready")


def unable(body: dict[str, Any]) -> Answer:
    if isinstance(body["messages"][-1]["content"], list):
        return Status(400, {"error": {"message": "image input is not supported"}})
    return Text("A7 is probably 12.")


def switched(body: dict[str, Any]) -> Answer:
    """A model that thinks where the template's switch says so."""
    if body.get("chat_template_kwargs") == {"enable_thinking": True}:
        return [Reasoning("One word."), Text("ready"), Finish()]
    return Text("Red.") if isinstance(body["messages"][-1]["content"], list) else able(body)


def without_switch(body: dict[str, Any]) -> Answer:
    """A server that rejects the switch, as an unknown field."""
    if "chat_template_kwargs" in body:
        return Status(400, {"error": {"message": "unknown field chat_template_kwargs"}})
    return switched(body)


def faulty(body: dict[str, Any]) -> Answer:
    if isinstance(body["messages"][-1]["content"], list):
        return Status(500, {"error": {"message": "out of memory"}})
    return able(body)


@pytest.mark.parametrize(
    ("model", "found", "problems"),
    [
        (able, Abilities(True, True, True, True, False), 0),
        (unable, Abilities(True, False, False, False, False), 1),
        (faulty, Abilities(True, True, None, False, False), 1),
        (switched, Abilities(True, True, True, True, True), 0),
        (without_switch, Abilities(True, True, True, False, False), 0),
        (lambda _: Status(500, {"error": {"message": "no memory"}}), Abilities(answers=False), 1),
        (lambda _: Raw(b"<html>"), Abilities(answers=False), 1),
    ],
)
def test_a_model_is_tried(model: Any, found: Abilities, problems: int) -> None:
    with ScriptedServer(model) as server:
        told: list[str] = []
        finding = try_model(endpoint("Box", server.url, KEY), "scripted", told.append)
    assert finding.abilities == found
    assert len(finding.problems) == problems
    assert KEY not in repr(finding)
    assert told[0] == "a word"


def test_a_trial_can_be_stopped() -> None:
    cancel = threading.Event()
    with ScriptedServer(lambda _: [Text("so far"), Endless()]) as server:
        threading.Timer(0.5, cancel.set).start()
        finding = try_model(endpoint("Box", server.url, ""), "scripted", cancel=cancel)
    assert finding.abilities == Abilities()


def test_a_server_lists_its_models() -> None:
    models = [{"id": "b"}, {"id": "a"}, {"id": "b"}, {"id": 1}, {}, {"id": "line\nend"}, {"id": ""}]
    with ScriptedServer(models=models) as server:
        assert list_models(server.url, KEY) == ("b", "a")
        assert server.others[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([], "lists no model"),
        (Status(401, {"error": {"message": f"no such key {KEY}"}}), "refused the key"),
        (Status(404, {}), "does not know this address"),
        (Status(503, {}), "failed"),
        (Status(200, "<!doctype html><title>Log in</title>"), "web page"),
        (Status(200, {"object": "list"}), "lists no model"),
    ],
)
def test_a_server_without_a_list_is_told_in_a_sentence(models: Any, said: str) -> None:
    with ScriptedServer(models=models) as server, pytest.raises(BackendError) as caught:
        list_models(server.url, KEY)
    sentence = str(caught.value)
    assert said in sentence and KEY not in sentence and "GLM_" not in sentence


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(BackendError, match=f"127.0.0.1:{port} was silent for 0.3 seconds"):
            list_models(f"http://127.0.0.1:{port}/v1", KEY, 0.3)


def test_a_server_that_refuses_is_told_in_a_sentence() -> None:
    with pytest.raises(BackendError, match=r"does not answer at 127\.0\.0\.1:1\."):
        list_models("http://127.0.0.1:1/v1", KEY)


def test_servers_of_this_machine_are_found() -> None:
    with ScriptedServer(models=[{"id": "glm-4"}]) as here, ScriptedServer(models=[]) as empty:
        presets = (
            Preset("Here", here.url),
            Preset("Empty", empty.url),
            Preset("Nobody", "http://127.0.0.1:1/v1"),
            Preset("Elsewhere", "https://example.org/v1", needs_key=True),
        )
        (found,) = local_servers(presets, seconds=30.0)  # a busy machine may take longer
    assert (found.preset.name, found.models) == ("Here", ("glm-4",))
    assert local_servers(presets[3:]) == ()
