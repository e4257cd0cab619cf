"""The contract between the agent loop and a model.

A backend is one generator method: messages and tools in, events out. It raises `BackendError`
(`backends.errors`) for what the user must be told, in one sentence with what to do, and nothing
else on purpose.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from backends.events import ModelEvent
from backends.messages import Message
from tools.base import ToolSpec

Images = Literal["none", "one", "several"]
Profile = Literal["standard", "small"]


@dataclass(frozen=True)
class GenerationConfig:
    """How an answer is generated. `tool_choice` names the one function that must be called.
    Before `min_tokens` the model may not stop, where the backend can see to it: weights in
    process do, and servers that know it. Where requests wait, the owners, opaque keys, take turns.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 1024
    repetition_penalty: float = 1.0
    seed: int | None = None
    tool_choice: str | None = None
    min_tokens: int = 0
    owner: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do. `context` is its window in tokens, None when it doesn't say; `memory`
    what its weights take here, in bytes. A "small" model needs greedy sampling and few words."""

    context: int | None = None
    tools: bool = True
    native_tools: bool = False
    forced_tool: bool = True
    images: Images = "none"
    reasoning: bool = False
    memory: int = 0
    profile: Profile = "standard"


class Backend(Protocol):
    """A model, shared by all sessions; `generate` is called from many threads at once."""

    @property
    def name(self) -> str:
        """What the page calls it. No path, no key."""

    @property
    def capabilities(self) -> Capabilities: ...

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        """One answer. Ends with `AnswerFinished`, or raises `BackendError`.

        When `cancel` is set it ends within a fraction of a second with finish "cancelled".
        Closing the generator frees everything it holds.
        """

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        """The prompt's length in tokens, or None when the backend can't tell."""

    def close(self) -> None: ...
