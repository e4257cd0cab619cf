"""A model that is asked with documents before it: what the agent loop takes for any other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from app.core.models import LoadState, Model
from backends.base import Backend, GenerationConfig
from backends.events import ModelEvent
from backends.messages import Message
from backends.wrapper import WrapperBackend
from tools.base import ToolSpec

Answer = Callable[
    [Backend, Sequence[Message], GenerationConfig, threading.Event], Iterator[ModelEvent]
]
"""An answer to the last question of the messages, in the way of `Backend.generate`."""


class Informed:
    """A model that is asked with documents before it."""

    def __init__(self, model: Model, answer: Answer) -> None:
        self._model, self._answer = model, answer

    @property
    def state(self) -> LoadState:
        return self._model.state

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        backend = self._model.wait(cancel)
        return None if backend is None else _Backend(backend, self._answer)


class _Backend(WrapperBackend):
    """A backend whose prompts hold the documents."""

    def __init__(self, backend: Backend, answer: Answer) -> None:
        super().__init__(backend)
        self._answer = answer

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        return self._answer(self._backend, messages, config, cancel)

    def close(self) -> None:
        """The model is the host's to close."""
