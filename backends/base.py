"""The contract between the agent loop and a model.

A backend is one generator method: messages and tools in, events out. The only exception that it
raises on purpose is `BackendError` (`backends.errors`), whose text is one sentence for the user
that also says what to do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from backends.events import ModelEvent
from backends.messages import Message
from backends.sent_request import Observer
from tools.base import ToolSpec

Images = Literal["none", "one", "several"]
Profile = Literal["standard", "small"]
Thinking = Literal["auto", "on", "off"]
Effort = Literal["", "low", "medium", "high"]
Option = Literal["top_k", "min_p", "repetition_penalty", "seed", "thinking", "effort"]
SAMPLING: frozenset[Option] = frozenset(("top_k", "min_p", "repetition_penalty", "seed"))
"""The options of weights in process, whatever the model."""


@dataclass(frozen=True)
class GenerationConfig:
    """How an answer is generated.

    `temperature` 0 is greedy sampling. `max_tokens` and `min_tokens` bound the answer's length in
    tokens; only weights in process and servers that have the option honour `min_tokens`.
    `top_k` and `min_p` are the engine's own where they are None; 0 leaves all tokens in.
    `thinking` "auto" leaves it to the model whether it thinks before it answers, an empty `effort`
    how much. `tool_choice` names the one function that must be called. `owner` is an opaque key:
    waiting requests of different owners take turns for a slot. `observer` is told of each request
    that is sent.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 1024
    repetition_penalty: float = 1.0
    seed: int | None = None
    tool_choice: str | None = None
    min_tokens: int = 0
    owner: str = ""
    observer: Observer | None = field(default=None, compare=False, repr=False)
    top_k: int | None = None
    min_p: float | None = None
    thinking: Thinking = "auto"
    effort: Effort = ""


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do.

    `context` is the context window in tokens, None when unknown; `memory` the size of the weights
    on this machine in bytes. `native_tools` says that the model was trained with the built-in
    tools' own input formats, such as raw code for `python`; `forced_tool` that `tool_choice` is
    honoured, and `options` which of those fields of `GenerationConfig` are that not every model
    takes. A model of the profile "small" needs greedy sampling and short prompts.
    """

    context: int | None = None
    tools: bool = True
    native_tools: bool = False
    forced_tool: bool = True
    images: Images = "none"
    reasoning: bool = False
    memory: int = 0
    profile: Profile = "standard"
    options: frozenset[Option] = frozenset()


@runtime_checkable
class Reachable(Protocol):
    """A backend whose model is elsewhere."""

    def check(self) -> None:
        """Asks whether the model is there. Raises `BackendError` with a sentence for the user."""


class Backend(Protocol):
    """A model, shared by all sessions; `generate` is called from many threads at once."""

    @property
    def name(self) -> str:
        """The model's name as the page shows it, without paths and keys."""

    @property
    def capabilities(self) -> Capabilities: ...

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        """Generates one answer. The last event is `AnswerFinished`; raises `BackendError`.

        When `cancel` is set, the generator ends within a fraction of a second with the finish
        "cancelled". Closing the generator frees all resources of the request.
        """

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        """The prompt's length in tokens, or None when the backend can't count them."""

    def close(self) -> None: ...
