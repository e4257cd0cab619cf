"""What of a conversation's pictures goes into a prompt.

A model is sent the pictures that it can see: those of the user, and with a question the figures
that tools made before it. In place of any other stands a note, with the words that were read in
it. The conversation keeps them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.attachments.images import figure
from backends.base import Backend
from backends.errors import RequestRefused
from backends.messages import Message, Part, Picture, Text
from tools.base import Attachment, for_user
from tools.media import PICTURES

ADVICE = "Set GLM_VISION_MODEL to a model that does, or GLM_MODEL to one for all pages."
FIGURES = 4
"""How many figures go with a question, the newest."""


def blind(backend: Backend) -> str:
    """What a user is told of a model that sees nothing: a sentence, and the settings to change."""
    return f"{backend.name} can't see pictures. {ADVICE}"


def visible(messages: Sequence[Message], backend: Backend, workspace: Path) -> Sequence[Message]:
    """The messages with the pictures that the model sees, and notes for the others.

    Raises `RequestRefused` when the question is about a picture, and the model sees none.
    """
    images = backend.capabilities.images
    if images == "none":
        asked = next((each for each in reversed(messages) if each.role == "user"), None)
        if asked is not None and any(picture.words is None for picture in asked.pictures):
            raise RequestRefused(blind(backend))
        return [_noted(message) for message in messages]
    messages = _with_figures(messages, workspace)
    if images == "several":
        return messages
    last = max((at for at, message in enumerate(messages) if message.pictures), default=0)
    return [_noted(message, int(at == last)) for at, message in enumerate(messages)]


def _noted(message: Message, most: int = 0) -> Message:
    """The message with notes in place of all pictures but the last `most`."""
    too_many = len(message.pictures) - most
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
    """Each question with the figures that were made between the one before and this one."""
    shown: list[Message] = []
    made: list[Attachment] = []
    for message in messages:
        if message.result is not None:
            made += [each for each in for_user(message.result) if each.mime in PICTURES]
        elif message.role == "user" and made:
            parts: list[Part] = []
            for attachment in made[-FIGURES:]:
                if (picture := figure(attachment, workspace)) is not None:
                    parts += [Text(f"[{attachment.name}, made above]\n"), picture]
            message, made = replace(message, parts=(*parts, *message.parts)), []
        shown.append(message)
    return shown
