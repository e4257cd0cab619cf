"""A backend that is wrapped: all goes on to the one inside, but for what a wrapper changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from backends.base import GenerationConfig
from backends.errors import ModelUnavailable
from backends.events import ModelEvent, TextDelta
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from backends.wrapper import WrapperBackend
from tests.support import scripted_server as say
from tests.support.scripted_server import ScriptedServer


class Shouting(WrapperBackend):
    """Changes the answer alone."""

    def generate(self, *request: object) -> Iterator[ModelEvent]:
        for event in super().generate(*request):  # type: ignore[arg-type]
            yield TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


def said(backend: WrapperBackend) -> str:
    events = backend.generate([user("Hi")], (), GenerationConfig(), threading.Event())
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_all_goes_to_the_backend_inside_but_what_is_overridden() -> None:
    with ScriptedServer([[say.Text("Hello")]]) as server:
        inside = OpenAIBackend(server.url, "m", None, context=4096)
        plain, loud = WrapperBackend(inside), Shouting(inside)
        assert plain.name == loud.name == inside.name
        assert plain.capabilities == loud.capabilities == inside.capabilities
        assert plain.capabilities.context == 4096
        assert plain.count_tokens([user("Hi")], ()) is None
        assert said(plain) == "Hello" and said(loud) == "HELLO"
        loud.close()
        with pytest.raises(ModelUnavailable, match="was closed"):
            said(plain)
