"""Messages of a conversation: text, images, files, calls and results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.base import ToolCall, ToolResult, file_size

Role = Literal["system", "user", "assistant", "tool"]
AppliedMode = Literal["whole", "passages", "parts"]
Finish = Literal["stop", "length", "cancelled", "error"]


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

    def plus(self, other: Usage) -> Usage:
        """The tokens of both together."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens over the time after the first one, or None when too few came."""
        if self.first_token is None or self.completion_tokens < 2:
            return None
        writing = self.seconds - self.first_token
        # An answer that came in one burst has no speed that anyone felt.
        return (self.completion_tokens - 1) / writing if writing > 0.1 else None


@dataclass(frozen=True)
class PageUsed:
    """A page of a document that stood before the model. `id` is the number by which it is cited,
    `unit` what a page of the document is called, `total` how many of them it has."""

    id: int
    document: str
    number: int
    unit: str = "page"
    total: int = 1


@dataclass(frozen=True)
class ContextUsed:
    """What an answer was given from beside the conversation, and what of that did not fit.

    `mode` is how documents were read, None where none stood before the model; `pages` are those of
    which it read something. `excess` is by how many tokens the whole of them would not have fitted;
    `refused` says that the whole was sent first, and the model found it too long.
    `results_shortened` and `images_left_out` count what was cut of the conversation.
    """

    mode: AppliedMode | None = None
    pages: tuple[PageUsed, ...] = ()
    excess: int = 0
    refused: bool = False
    results_shortened: int = 0
    images_left_out: int = 0


@dataclass(frozen=True)
class Message:
    """One message of a conversation. An assistant message may hold text, thinking and calls;
    `finish` says how it ended and `error` why, where it did not end well; `context` says what it
    was given from, None where that was the conversation as it is. A tool message holds the result
    of one call."""

    role: Role
    parts: tuple[Part, ...] = ()
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    result: ToolResult | None = None
    finish: Finish = "stop"
    error: str | None = None
    usage: Usage | None = None
    context: ContextUsed | None = None

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
