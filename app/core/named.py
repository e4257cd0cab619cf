"""A model that a setting of its own names: what it says of settings names that one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from backends.base import Backend, GenerationConfig
from backends.errors import BackendError
from backends.events import ModelEvent
from backends.messages import Message
from backends.wrapper import WrapperBackend
from tools.base import ToolSpec

VISION = {"GLM_MODEL": "GLM_VISION_MODEL", "GLM_API_KEY": "GLM_VISION_KEY"}
"""What the settings of the Vision page's model are called, by those of the model of all pages."""


@contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Within the block, errors name other settings."""
    try:
        yield
    except BackendError as error:
        told = str(error)
        for usual, own in names.items():
            told = told.replace(usual, own)
        error.args = (told,)
        raise


class RenamedErrors(WrapperBackend):
    """A `Backend` whose errors name other settings, by `names`."""

    def __init__(self, backend: Backend, names: Mapping[str, str]) -> None:
        super().__init__(backend)
        self._names = names

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        with naming(self._names):
            yield from super().generate(messages, tools, config, cancel)

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        with naming(self._names):
            return super().count_tokens(messages, tools)
