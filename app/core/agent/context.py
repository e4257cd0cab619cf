"""The context of a request: what of conversation, documents, images and window is sent.

Each round of a turn begins here. The system prompt, the documents before the messages, the images
that the model can see and the enabled tools become one `Request`, cut to the model's window; the
conversation itself is not changed. A `ContextUsed` event reports the documents in the request and
what was left out or shortened.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from app.core.agent.compaction import CompactionMode, Compactor, Request
from app.core.agent.window import fit_to_window
from app.core.attachments.images import figure
from app.core.conversation import Conversation
from backends.base import Backend, GenerationConfig
from backends.errors import BackendError, RequestRefused
from backends.events import ModelEvent
from backends.messages import ContextUsed, Message, Part, Picture, Text
from tools.base import Attachment, ToolSpec, for_user
from tools.media import PICTURES
from tools.registry import Registry

ADVICE = "Set GLM_VISION_MODEL to a model that does, or GLM_MODEL to one for all pages."
MAX_FIGURES = 4
"""Figures made by tools that are attached to a question, the newest ones."""


@dataclass(frozen=True)
class Question:
    """A question with the rest of its request, for which documents are chosen. `begun` are the
    messages after the question: an unfinished answer, calls and their results. `system` and
    `tools` are part of the same request and of its token count."""

    history: Sequence[Message]
    question: Message
    begun: Sequence[Message]
    system: str
    tools: Sequence[ToolSpec]
    backend: Backend
    generation: GenerationConfig


@dataclass(frozen=True)
class DocumentContext:
    """Documents as part of a request: `system` is added to its system message, and `messages`
    replace the conversation's messages up to the question."""

    system: str
    messages: tuple[Message, ...]
    used: ContextUsed


class DocumentSource(Protocol):
    """Documents that stand before the messages of a request."""

    def context(
        self, question: Question, cancel: threading.Event, narrow: bool
    ) -> Generator[ModelEvent, None, DocumentContext | None]:
        """The documents for a question, once all files are read; less text of them with `narrow`.

        Yields notices of progress, and the model's reasoning where it takes notes first. Returns
        None when the answer has already ended, with its last event. Raises `BackendError`.
        """

    def too_long(self, backend: Backend, error: BackendError) -> None:
        """Called when the model rejected a request with documents as too long."""


class TurnContext:
    """Builds the requests of one turn. The documents that are chosen for its question stay the
    same in all of them, unless the model rejects a request as too long."""

    def __init__(
        self,
        backend: Backend,
        registry: Registry,
        workspace: Path,
        system: str,
        tools: frozenset[str] | None,
        documents: DocumentSource | None,
        compaction: CompactionMode = "off",
    ) -> None:
        self._backend, self._registry, self._workspace = backend, registry, workspace
        self._system, self._tools, self._documents = system, tools, documents
        self._compactor = Compactor(backend, compaction)
        self._documents_used: DocumentContext | None = None
        self._narrow = False

    def request(
        self, conversation: Conversation, generation: GenerationConfig, cancel: threading.Event
    ) -> Generator[ModelEvent | ContextUsed, None, Request | None]:
        """The next request; None when the answer ended before it. Raises `BackendError`."""
        while True:
            built = yield from self._build(
                Conversation(self._compactor.shown(conversation)), generation, cancel
            )
            if built is None:
                return None
            request, used = built
            shorter = yield from self._compactor.shorten(conversation, request, cancel)
            if shorter == "ended":
                return None
            if shorter == "fits":
                break
            self._documents_used = None  # chosen anew beside the shorter conversation
        used = replace(used, compacted=self._compactor.news())
        if used != ContextUsed():
            yield used
        return request

    def _build(
        self, conversation: Conversation, generation: GenerationConfig, cancel: threading.Event
    ) -> Generator[ModelEvent | ContextUsed, None, tuple[Request, ContextUsed] | None]:
        """The request for a conversation, with what it holds of it."""
        native = self._backend.capabilities.native_tools
        specs: Sequence[ToolSpec] = self._registry.specs(native, self._tools)
        hint = _tool_choice_hint(self._backend, generation)
        generation, specs = self._apply_tool_choice(generation, specs)
        given = conversation.messages
        messages = with_visible_images(given, self._backend, self._workspace)
        used = ContextUsed(images_left_out=_left_out(given, messages))
        documents = ""
        index = conversation.last_user
        if self._documents is not None and index is not None:
            system = "\n\n".join(filter(None, (self._system, hint)))
            if self._documents_used is None:
                question = Question(
                    messages[:index],
                    messages[index],
                    messages[index + 1 :],
                    system,
                    specs,
                    self._backend,
                    generation,
                )
                self._documents_used = yield from self._documents.context(
                    question, cancel, self._narrow
                )
            if self._documents_used is None:
                return None
            documents, messages = (
                self._documents_used.system,
                (*self._documents_used.messages, *messages[index + 1 :]),
            )
            used = replace(self._documents_used.used, images_left_out=used.images_left_out)
        # The hint is for one answer: after the documents, it leaves their cached prefix valid.
        texts = (Text(self._system), Text(documents, "documents"), Text(hint))
        if any(each.text for each in texts):
            messages = (Message("system", tuple(_separated(texts))), *messages)
        fitted = fit_to_window(messages, specs, self._backend, generation.max_tokens)
        shortened = sum(one is not other for one, other in zip(messages, fitted, strict=True))
        used = replace(used, results_shortened=shortened)
        return Request(fitted, specs, generation), used

    def narrow(self, error: BackendError) -> bool:
        """Prepares a shorter request after the model rejected one as too long; returns whether
        there is one."""
        if self._documents is not None:
            self._documents.too_long(self._backend, error)
            used = self._documents_used.used if self._documents_used is not None else ContextUsed()
            if not self._narrow and used.mode == "whole" and used.pages:
                self._documents_used, self._narrow = None, True
                return True
        return self._compactor.refused()

    def _apply_tool_choice(
        self, generation: GenerationConfig, specs: Sequence[ToolSpec]
    ) -> tuple[GenerationConfig, Sequence[ToolSpec]]:
        """Maps the user's choice of a tool to functions: a tool with several functions can't be
        forced by its name, so that the request offers only its functions."""
        choice = generation.tool_choice
        if choice is None or any(spec.name == choice for spec in specs):
            return generation, specs
        own = self._registry.specs(self._backend.capabilities.native_tools, {choice})
        return (replace(generation, tool_choice=None), own) if own else (generation, specs)


def _separated(texts: Sequence[Text]) -> Iterator[Text]:
    """The texts that are not empty, with an empty line between them."""
    said = [each for each in texts if each.text]
    for index, each in enumerate(said):
        yield replace(each, text=f"\n\n{each.text}") if index else each


def _tool_choice_hint(backend: Backend, generation: GenerationConfig) -> str:
    """The user's choice of a tool as an instruction, for a backend that can't force a call."""
    if generation.tool_choice is None or backend.capabilities.forced_tool:
        return ""
    return f"Use the tool {generation.tool_choice} for the next answer."


# -- images ----------------------------------------------------------------------------------------


def no_vision_message(backend: Backend) -> str:
    """The message to a user whose model can't see images, with the settings to change."""
    return f"{backend.name} can't see pictures. {ADVICE}"


def with_visible_images(
    messages: Sequence[Message], backend: Backend, workspace: Path
) -> Sequence[Message]:
    """The messages with the images that the model can see: the user's, and before a question the
    figures that tools made since the previous one. Any other image is replaced by a note with the
    text that was recognised in it.

    Raises `RequestRefused` when the question has an image without recognised text and the model
    sees none.
    """
    images = backend.capabilities.images
    if images == "none":
        asked = next((each for each in reversed(messages) if each.role == "user"), None)
        if asked is not None and any(picture.words is None for picture in asked.pictures):
            raise RequestRefused(no_vision_message(backend))
        return [_noted(message) for message in messages]
    messages = _with_figures(messages, workspace)
    if images == "several":
        return messages
    last = max((index for index, message in enumerate(messages) if message.pictures), default=0)
    return [_noted(message, int(index == last)) for index, message in enumerate(messages)]


def _noted(message: Message, max_images: int = 0) -> Message:
    """The message with notes in place of all images but the last `max_images`."""
    too_many = len(message.pictures) - max_images
    if too_many <= 0:
        return message
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, Picture) and too_many > 0:
            too_many -= 1
            part = Text(part.line)
        parts.append(part)
    return replace(message, parts=tuple(parts))


def _with_figures(messages: Sequence[Message], workspace: Path) -> list[Message]:
    """Each question with the figures that tools made since the previous question."""
    shown: list[Message] = []
    made: list[Attachment] = []
    for message in messages:
        if message.result is not None:
            made += [each for each in for_user(message.result) if each.mime in PICTURES]
        elif message.role == "user" and made:
            parts: list[Part] = []
            for attachment in made[-MAX_FIGURES:]:
                if (picture := figure(attachment, workspace)) is not None:
                    parts += [Text(f"[{attachment.name}, made above]\n"), picture]
            message, made = replace(message, parts=(*parts, *message.parts)), []
        shown.append(message)
    return shown


def _left_out(given: Sequence[Message], sent: Sequence[Message]) -> int:
    """How many of the user's images are not sent."""
    seen = {picture for message in sent for picture in message.pictures}
    return sum(picture not in seen for message in given for picture in message.pictures)
