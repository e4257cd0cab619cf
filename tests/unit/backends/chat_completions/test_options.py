"""Options of a request that not every server knows, over real HTTP."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from backends.base import SAMPLING, GenerationConfig
from backends.chat_completions.options import thinking_fields
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support import scripted_server as say
from tests.support.scripted_server import ScriptedServer, Status

ALL = GenerationConfig(
    top_k=20, min_p=0.05, repetition_penalty=1.1, seed=7, thinking="off", effort="low"
)
SENT = {
    "top_k": 20,
    "min_p": 0.05,
    "repetition_penalty": 1.1,
    "repeat_penalty": 1.1,
    "seed": 7,
    "chat_template_kwargs": {"enable_thinking": False},
    "reasoning_effort": "low",
}


def ask(backend: OpenAIBackend, config: GenerationConfig) -> None:
    list(backend.generate([user("hello")], (), config, threading.Event()))


def test_what_is_set_is_sent_and_nothing_else() -> None:
    with ScriptedServer([[say.Text("Here.")], [say.Text("Here.")]]) as server:
        backend = OpenAIBackend(server.url, say.MODEL, None)
        ask(backend, GenerationConfig())
        ask(backend, ALL)
        plain, full = (request.body for request in server.requests)
        assert full == plain | SENT and not plain.keys() & SENT.keys()
        assert backend.capabilities.options == SAMPLING | {"thinking", "effort"}
        backend.close()


def test_a_server_that_knows_none_is_asked_without_and_the_page_is_told() -> None:
    def strict(body: dict[str, Any]) -> say.Answer:
        for name in SENT:
            if name in body:
                return Status(400, {"error": {"message": f"Unknown parameter: '{name}'."}})
        return say.Text("Here.")

    with ScriptedServer(strict) as server:
        backend = OpenAIBackend(server.url, say.MODEL, None, retries=0)
        ask(backend, ALL)
        assert not server.requests[-1].body.keys() & SENT.keys()
        assert backend.capabilities.options == frozenset()
        backend.close()


@pytest.mark.parametrize(
    ("host", "thinking", "fields"),
    [
        ("open.bigmodel.cn", "on", {"thinking": {"type": "enabled"}}),
        ("api.z.ai:443", "off", {"thinking": {"type": "disabled"}}),
        ("xyz.ai", "on", {"chat_template_kwargs": {"enable_thinking": True}}),
        ("127.0.0.1:8000", "off", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("127.0.0.1:8000", "auto", {}),
    ],
)
def test_thinking_is_switched_as_the_server_has_it(
    host: str, thinking: Any, fields: dict[str, Any]
) -> None:
    assert thinking_fields(GenerationConfig(thinking=thinking), host) == fields
