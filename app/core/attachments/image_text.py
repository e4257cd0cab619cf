"""The words in a question's pictures, read for a model that can't see them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from app.core.attachments.images import original
from app.core.conversation import Conversation
from backends.errors import ModelUnavailable
from backends.events import Notice
from backends.messages import Message, Picture

log = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""How long one picture may take; a page of small print takes about ten."""


def unread(message: Message) -> bool:
    """Whether there are pictures in it that nobody has read."""
    return any(picture.words is None for picture in message.pictures)


def read_pictures(
    conversation: Conversation, cancel: threading.Event
) -> Generator[Notice, None, Conversation]:
    """The conversation with the words in the pictures of its last question, kept beside them; says
    how far it is.

    Each is read in a process of its own, from the file as it was given: what a model would see of
    it is too small for small print. When `cancel` is set it ends at once, with what was read so
    far. Raises `ModelUnavailable` where one could not be read.
    """
    at = conversation.last_user
    if at is None:
        return conversation
    question = conversation.messages[at]
    parts = list(question.parts)
    count = len(question.pictures)
    for number, part in enumerate(parts):
        if isinstance(part, Picture) and part.words is None and not cancel.is_set():
            done = sum(isinstance(each, Picture) for each in parts[:number])
            which = f" {done + 1} of {count}" if count > 1 else ""
            yield Notice(f"Reading the text in the picture{which}")
            parts[number] = replace(part, words=_words(part, cancel))
    messages = list(conversation.messages)
    messages[at] = replace(question, parts=tuple(parts))
    return Conversation(tuple(messages))


def _words(picture: Picture, cancel: threading.Event) -> str | None:
    """The text, in reading order; None when `cancel` was set."""
    from tools.documents.base import DocumentError

    # What can't be opened as it was given (HEIC) is read as the model would see it.
    for path in (original(picture), picture.path):
        try:
            return _read(path, picture, cancel)
        except DocumentError:
            if cancel.is_set():
                return None
            log.info("a picture could not be read", exc_info=True)
    raise ModelUnavailable(f"The text in {picture.name} could not be read.")


def _read(path: Path, picture: Picture, cancel: threading.Event) -> str:
    from tools.documents.worker.reading import Limits, read

    reading = read(path, picture.name, Limits(seconds=TIMEOUT_S), cancel=cancel)
    return "\n\n".join(page.text for page in reading.pages).strip()
