"""OCR of the pictures in a question, for a model without vision."""

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
from backends.messages import Message, Picture, identified

log = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""The limit for one picture in seconds; a page of small print takes about ten."""


def unread(message: Message) -> bool:
    """Whether the message has pictures without OCR."""
    return any(picture.words is None for picture in message.pictures)


def read_pictures(
    conversation: Conversation, cancel: threading.Event
) -> Generator[Notice, None, Conversation]:
    """Returns the conversation with the OCR text of its last question's pictures (`Picture.words`).
    Yields notices of the progress.

    A process of its own reads each picture from the original file, since the resized one is too
    small for small print. When `cancel` is set, it ends at once with the pictures read so far.
    Raises `ModelUnavailable` for a picture that could not be read.
    """
    index = conversation.last_user
    if index is None:
        return conversation
    question = conversation.messages[index]
    parts = list(question.parts)
    count = len(question.pictures)
    for number, part in enumerate(parts):
        if isinstance(part, Picture) and part.words is None and not cancel.is_set():
            done = sum(isinstance(each, Picture) for each in parts[:number])
            which = f" {done + 1} of {count}" if count > 1 else ""
            yield Notice(f"Reading the text in the picture{which}")
            parts[number] = replace(part, words=_words(part, cancel))
    if tuple(parts) == question.parts:
        return conversation
    # A message of its own, another version of the question: what is stored stays as it is.
    read = identified(replace(question, parts=tuple(parts), id=""))
    before, after = conversation.messages[:index], conversation.messages[index + 1 :]
    return Conversation((*before, read, *after))


def _words(picture: Picture, cancel: threading.Event) -> str | None:
    """The text in reading order; None when `cancel` was set."""
    from tools.documents.base import DocumentError

    # An original that can't be opened (HEIC) is replaced by the converted file.
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
