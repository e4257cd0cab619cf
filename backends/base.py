"""The contract between the agent loop and a model.

A backend is one generator method: messages and tools in, events out. It raises `BackendError`
for what the user must be told, in one sentence with what to do, and nothing else on purpose.

    BackendError            shown to the user; the conversation stays, Retry is ready
     ├ ModelUnavailable     no such model, file, package or server
     ├ RequestRefused       the server understood and said no (401, 400, ...)
     ├ ContextExceeded      the prompt does not fit; said before the model is asked
     └ AnswerBroken         the answer broke off: connection lost, idle too long, no finish
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tools.base import ToolCall, ToolResult, ToolSpec, file_size

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "cancelled", "error"]
Images = Literal["none", "one", "several"]
Profile = Literal["standard", "small"]
TurnReason = Literal["stop", "length", "tool_limit", "cancelled", "error"]


class BackendError(Exception):
    """Base of all; its text is one sentence for the user, without paths, keys or tracebacks."""


class ModelUnavailable(BackendError):
    """The model can't be reached or loaded."""


class RequestRefused(BackendError):
    """The server refused the request, and would refuse it again."""


class ContextExceeded(BackendError):
    """The prompt is `excess` tokens longer than the context window allows."""

    def __init__(self, excess: int, window: int) -> None:
        self.excess, self.window = excess, window
        super().__init__(
            f"This conversation is {excess:,} tokens too long for the model's window of "
            f"{window:,} tokens. Shorten the message, or clear the conversation."
        )


class AnswerBroken(BackendError):
    """The answer began and did not end. What was said so far is kept."""


@dataclass(frozen=True)
class Text:
    """A part of a message: plain text, exactly as the user or the model gave it."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A part of a message: an image file that belongs to the session.

    `words` is the text that was read in it, for models that can't see; None when nobody looked.
    """

    path: Path
    mime: str
    name: str = ""
    words: str | None = None

    @property
    def line(self) -> str:
        """What a model that is not shown the picture reads in its place."""
        unseen = f"[picture {self.name or self.path.name}: not shown to you"
        if self.words is None:
            return f"{unseen}]\n"
        if not self.words.strip():
            return f"{unseen}; no text was found in it]\n"
        quoted = "\n".join(f"> {line}" for line in self.words.splitlines())
        return f"{unseen}. The text in it:]\n{quoted}\n\n"


@dataclass(frozen=True)
class Document:
    """A part of a message: a document file in the session's workspace, `size` bytes long."""

    path: Path
    mime: str
    name: str = ""
    size: int = 0

    @property
    def line(self) -> str:
        """What a model is told of a file that only its tools can open."""
        name = self.name or self.path.name
        return f"[file {name}, {file_size(self.size)}, in the working directory]"


Part = Text | Picture | Document


@dataclass(frozen=True)
class Usage:
    """Tokens, and seconds as the user felt them. `first_token` is None when nothing came."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first_token: float | None = None
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens over the time after the first one, or None when too few came."""
        if self.first_token is None or self.completion_tokens < 2:
            return None
        writing = self.seconds - self.first_token
        # An answer that came in one burst has no speed that anyone felt.
        return (self.completion_tokens - 1) / writing if writing > 0.1 else None


@dataclass(frozen=True)
class Message:
    """One message of a conversation. An assistant message may hold text, thinking and calls;
    `finish` says how it ended and `error` why, where it did not end well. A tool message holds the
    result of one call."""

    role: Role
    parts: tuple[Part, ...] = ()
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    result: ToolResult | None = None
    finish: Finish = "stop"
    error: str | None = None
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def documents(self) -> tuple[Document, ...]:
        """The files that came with the message."""
        return tuple(part for part in self.parts if isinstance(part, Document))

    @property
    def attached(self) -> tuple[Picture | Document, ...]:
        """The pictures and files that came with the message, in their order."""
        return tuple(part for part in self.parts if not isinstance(part, Text))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that came with the message."""
        return tuple(part for part in self.parts if isinstance(part, Picture))

    @property
    def prompt(self) -> str:
        """What the model reads: a line for each file, then the text."""
        lines = [document.line for document in self.documents]
        return "\n".join([*lines, *([self.text] if self.text or not lines else ())])


def user(text: str) -> Message:
    """A user message of one text."""
    return Message("user", (Text(text),))


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True)
class ToolCallDelta:
    """A piece of a call's input while it is being written. `index` counts the answer's calls."""

    index: int
    name: str
    text: str


@dataclass(frozen=True)
class ToolCallReady:
    """A call that arrived whole."""

    call: ToolCall


@dataclass(frozen=True)
class Notice:
    """What the user should know while waiting: a place in the queue, a retry. Empty clears it."""

    text: str


@dataclass(frozen=True)
class AnswerFinished:
    """The last event of every `generate` that did not raise."""

    finish: Finish
    usage: Usage


@dataclass(frozen=True)
class ToolProgress:
    call_id: str
    text: str


@dataclass(frozen=True)
class ToolStarted:
    """A call began to run."""

    call: ToolCall


@dataclass(frozen=True)
class ToolAsked:
    """A call waits for the user's word, which is given under `number`."""

    call: ToolCall
    number: int


@dataclass(frozen=True)
class ToolFinished:
    result: ToolResult


@dataclass(frozen=True)
class MessageFinished:
    """A message is complete and belongs to the conversation from here on."""

    message: Message


@dataclass(frozen=True)
class TurnFinished:
    """The last event of a turn."""

    reason: TurnReason
    usage: Usage
    error: str | None = None


ModelEvent = TextDelta | ReasoningDelta | ToolCallDelta | ToolCallReady | Notice | AnswerFinished
ToolEvent = ToolAsked | ToolStarted | ToolProgress | ToolFinished
Event = ModelEvent | ToolEvent | MessageFinished | TurnFinished


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
