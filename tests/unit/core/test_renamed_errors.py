"""What the Vision page's model says of settings, while it opens and in mid-answer."""

from __future__ import annotations

import threading

import pytest

from app.core.models.selection import open_vision
from app.core.settings import Settings
from backends.base import GenerationConfig
from backends.errors import ModelUnavailable, RequestRefused
from backends.messages import user
from tests.support.loopback_web import Answer, Site


def ask(model: str, key: str = "") -> None:
    backend = open_vision(Settings(model=model, api_key=key, retries=0))
    for _ in backend.generate([user("Hi")], (), GenerationConfig(), threading.Event()):
        pass


def test_a_server_that_is_not_there_is_named_by_its_setting() -> None:
    with pytest.raises(ModelUnavailable, match="Check GLM_VISION_MODEL, and that the server"):
        ask("http://127.0.0.1:1/v1#m")
    with pytest.raises(ModelUnavailable, match="GLM_VISION_MODEL names no model"):
        ask("nonsense")


def test_a_key_that_is_refused_is_named_by_its_setting() -> None:
    with Site() as site:
        site.pages["/v1/chat/completions"] = Answer(b'{"error": {"message": "No"}}', status=401)
        with pytest.raises(RequestRefused, match="Check GLM_VISION_KEY") as caught:
            ask(f"{site.url}/v1#m", "wrong")
    assert "GLM_API_KEY" not in str(caught.value)
