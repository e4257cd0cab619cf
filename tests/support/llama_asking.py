"""Asking the bundled model in process, with or without tools, for the tests of that backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from backends import bundled
from backends.base import GenerationConfig
from backends.events import AnswerFinished, ModelEvent, Notice, TextDelta, ToolCallReady
from backends.llama_cpp.backend import LlamaCpp
from backends.llama_cpp.engine import EngineConfig
from backends.messages import Message, user
from tools.base import ToolCall, ToolSpec

WINDOW = 2048
LAMP = ToolSpec(
    "lamp",
    "Switches a lamp.",
    {
        "type": "object",
        "properties": {
            "on": {"type": "boolean"},
            "room": {"type": "string", "enum": ["kitchen", "hall"]},
        },
        "required": ["on", "room"],
        "additionalProperties": False,
    },
)
PYTHON = ToolSpec(
    "python", "Runs code.", {"type": "object", "properties": {"code": {"type": "string"}}}, "code"
)


def load(**config: Any) -> LlamaCpp:
    # One thread: the threads of a step wait for the slowest, and a test machine is busy.
    engine = EngineConfig(window=WINDOW, slots=2, threads=1, **config)
    return bundled.open_model(engine)


def stream(
    model: LlamaCpp,
    messages: Sequence[Message] | str = "Tell me about the sea.",
    tools: Sequence[ToolSpec] = (),
    cancel: threading.Event | None = None,
    **config: Any,
) -> Iterator[ModelEvent]:
    config = {"max_tokens": 12, "temperature": 0.0} | config
    asked = [user(messages)] if isinstance(messages, str) else messages
    return model.generate(asked, tools, GenerationConfig(**config), cancel or threading.Event())


def ask(model: LlamaCpp, *args: Any, **config: Any) -> list[ModelEvent]:
    events = list(stream(model, *args, **config))
    assert isinstance(events[-1], AnswerFinished)
    assert sum(isinstance(event, AnswerFinished) for event in events) == 1
    return events


def end(events: Sequence[ModelEvent]) -> AnswerFinished:
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    return last


def text(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def ready(events: Sequence[ModelEvent]) -> list[ToolCall]:
    return [event.call for event in events if isinstance(event, ToolCallReady)]


def nobody_waits(model: LlamaCpp) -> None:
    """Assert that both slots are free."""
    both = [stream(model, max_tokens=2), stream(model, max_tokens=2)]
    for answer in both:
        event = next(answer)
        assert not (isinstance(event, Notice) and "queue" in event.text)
    for answer in both:
        answer.close()  # type: ignore[attr-defined]
