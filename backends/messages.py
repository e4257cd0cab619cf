"""Messages of a conversation: text, images, files, calls and results."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tools.base import ToolCall, ToolResult, file_size

Role = Literal["system", "user", "assistant", "tool"]
TextSource = Literal["", "documents", "summary"]
AppliedMode = Literal["whole", "passages", "parts"]
Finish = Literal["stop", "length", "cancelled", "error", "interrupted"]


@dataclass(frozen=True)
class Text:
    """A part of a message: plain text, exactly as the user or the model gave it.

    In a request `source` says where text comes from that nobody said: documents, or a summary.
    """

    text: str
    source: TextSource = field(default="", compare=False)


@dataclass(frozen=True)
class Picture:
    """A part of a message: an image file that belongs to the session.

    `words` is the text that OCR found in it, for models without vision; None before OCR ran.
    """

    path: Path
    mime: str
    name: str = ""
    words: str | None = None

    @property
    def line(self) -> str:
        """The text that replaces the picture for a model that doesn't receive it."""
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
        """The line in the prompt for a file that only the model's tools can open."""
        name = self.name or self.path.name
        return f"[file {name}, {file_size(self.size)}, in the working directory]"


Part = Text | Picture | Document


@dataclass(frozen=True)
class Usage:
    """Token counts of one answer, and its times in seconds as the user experienced them.

    `first_token` is the time to the first token, None when none arrived; `seconds` the total.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first_token: float | None = None
    seconds: float = 0.0

    def plus(self, other: Usage) -> Usage:
        """The sum of the token counts, without times."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens per second after the first token, None for too few to measure."""
        if self.first_token is None or self.completion_tokens < 2:
            return None
        generating = self.seconds - self.first_token
        # An answer that arrived in one burst has no meaningful speed.
        return (self.completion_tokens - 1) / generating if generating > 0.1 else None


@dataclass(frozen=True)
class PageUsed:
    """A page of a document that was part of the prompt.

    `id` is the number that citations use, `unit` the word for a page of this document (page,
    slide, sheet, …), `total` the number of pages of the document.
    """

    id: int
    document: str
    number: int
    unit: str = "page"
    total: int = 1


@dataclass(frozen=True)
class Compacted:
    """The beginning of a conversation that the model no longer gets: up to and with the message
    whose id is `through`, `messages` in all. `summary` stands in their place, empty where they were
    left out."""

    through: str
    messages: int
    summary: str = ""


@dataclass(frozen=True)
class ContextUsed:
    """The context of an answer beyond the conversation, and what of it did not fit.

    `mode` is how documents were read, None without documents in the prompt; `pages` are the pages
    of which the prompt had a part. `excess` is the number of tokens by which the whole documents
    exceed the token budget; `refused` says that the server rejected the whole documents as too
    long. `results_shortened` and `images_left_out` count what was cut of the conversation, and
    `compacted` is its beginning that is no longer sent.
    """

    mode: AppliedMode | None = None
    pages: tuple[PageUsed, ...] = ()
    excess: int = 0
    refused: bool = False
    results_shortened: int = 0
    images_left_out: int = 0
    compacted: Compacted | None = None


@dataclass(frozen=True)
class Message:
    """One message of a conversation.

    An assistant message may hold text, reasoning and calls; `finish` says how it ended
    ("interrupted": with its process) and `error` why, None for a normal end; `context` describes
    the documents and cuts of its prompt, None where the prompt was the unchanged conversation. A
    tool message holds the result of one call. `id` is empty until the message becomes part of a
    conversation.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    result: ToolResult | None = None
    finish: Finish = "stop"
    error: str | None = None
    usage: Usage | None = None
    context: ContextUsed | None = None
    id: str = field(default="", compare=False, repr=False)

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to read in the message."""
        return not (
            self.text.strip() or self.reasoning or self.calls or self.result or self.attached
        )

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
        """The text of the prompt: a line for each file, then the message's text."""
        lines = [document.line for document in self.documents]
        return "\n".join([*lines, *([self.text] if self.text or not lines else ())])


def user(text: str) -> Message:
    """A user message of one text."""
    return Message("user", (Text(text),))


def identified(message: Message) -> Message:
    """The message with an id, a new one where it has none yet."""
    return message if message.id else replace(message, id=secrets.token_hex(16))
