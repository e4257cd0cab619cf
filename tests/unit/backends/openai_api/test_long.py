"""A request with a long conversation: sent as it is, and looked into only where it may not fit."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.core.agent.context import with_visible_images
from backends.base import GenerationConfig
from backends.errors import ContextExceeded
from backends.messages import Message, Text, user
from backends.openai_api import backend as openai_api
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text as Say

TALK = [
    message
    for at in range(1000)
    for message in (user(f"question {at}"), Message("assistant", (Text(f"answer {at} " * 20),)))
]


def asked(context: int, server: ScriptedServer, config: GenerationConfig) -> list[Any]:
    backend = OpenAIBackend(server.url, "scripted", None, context=context, retries=0)
    try:
        return list(backend.generate([*TALK, user("and now?")], (), config, threading.Event()))
    finally:
        backend.close()


def test_every_message_is_sent_in_its_order_with_all_options() -> None:
    with ScriptedServer([[Say("So.")]]) as server:
        asked(1_000_000, server, GenerationConfig(seed=7, min_tokens=3))
        (request,) = server.requests
    said = [(each["role"], each["content"]) for each in request.body["messages"]]
    assert said == [(each.role, each.text) for each in [*TALK, user("and now?")]]
    assert request.body["min_tokens"] == 3 and request.body["seed"] == 7
    assert "extra_body" not in request.body


def test_texts_are_counted_only_where_they_may_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    least = openai_api.least_tokens

    def counting(messages: Sequence[Mapping[str, Any]]) -> int:
        counted.append(len(messages))
        return least(messages)

    monkeypatch.setattr(openai_api, "least_tokens", counting)
    with ScriptedServer([[Say("So.")]]) as server:
        asked(1_000_000, server, GenerationConfig())
        assert not counted
        with pytest.raises(ContextExceeded):
            asked(8192, server, GenerationConfig())
        assert counted == [len(TALK) + 1] and len(server.requests) == 1


def test_messages_without_pictures_are_not_made_anew(tmp_path: Any) -> None:
    backend = OpenAIBackend("http://127.0.0.1:9/v1", "scripted", None)
    shown = with_visible_images(TALK, backend, tmp_path)
    backend.close()
    assert all(one is other for one, other in zip(shown, TALK, strict=True))
