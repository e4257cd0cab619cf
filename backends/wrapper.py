"""The base class of backends that wrap another backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from backends.base import Backend, Capabilities, GenerationConfig, Reachable
from backends.events import ModelEvent
from backends.messages import Message
from tools.base import ToolSpec


class WrapperBackend:
    """A `Backend` that delegates every call to `backend`; a subclass overrides what it changes."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        return self._backend.name

    @property
    def capabilities(self) -> Capabilities:
        return self._backend.capabilities

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        return self._backend.generate(messages, tools, config, cancel)

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        return self._backend.count_tokens(messages, tools)

    def check(self) -> None:
        if isinstance(self._backend, Reachable):
            self._backend.check()

    def close(self) -> None:
        self._backend.close()
