"""Files that a user gives to a conversation: into its workspace, and into the message."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from backends.messages import Document, Message, Picture, Text
from tools.safe_files import free_name, listing, no_room, safe_name, write_into
from tools.text import one_line

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
MOST = 20  # files with one message
# A kernel that takes the workspace over swaps its folder meanwhile.
ATTEMPTS = 3


class FileRefused(Exception):
    """A file that is not taken; its text is one sentence for the user."""


@dataclass(frozen=True)
class Given:
    """A file as it came: its name is a stranger's."""

    name: str
    data: bytes | memoryview


def read_given(path: Path, settings: Settings) -> Given:
    """A file of the user's own machine, for the back door. Raises `FileRefused`."""
    name = one_line(path.name, 80)
    try:
        with path.open("rb") as stream:
            data = stream.read(settings.upload_mb * MEGABYTE + 1)
    except OSError as error:
        why = error.strerror or "no reason given"
        raise FileRefused(f"The file {name} can't be read: {why}.") from None
    return Given(path.name, data)


def keep_files(
    files: Sequence[Given], workspace: Path, settings: Settings, most: int = MOST
) -> tuple[Document, ...]:
    """Writes the files into the workspace, under names that are safe and free there; at most
    `most` at once.

    Raises `FileRefused`.
    """
    if files and settings.kernel_gateway_url:
        raise FileRefused("Python runs on another machine here, where files can't be given to it.")
    if len(files) > most:
        raise FileRefused(f"At most {most} files go with one message; these are {len(files)}.")
    for file in files:
        if len(file.data) > settings.upload_mb * MEGABYTE:
            raise FileRefused(
                f"The file {one_line(file.name, 80)} is larger than {settings.upload_mb:,} MB."
            )
    room = settings.python_workspace_mb * MEGABYTE - listing(workspace).size
    if sum(len(file.data) for file in files) > room:
        raise FileRefused(
            f"With these files the conversation would hold more than "
            f"{settings.python_workspace_mb:,} MB. Begin a new one, or give smaller files."
        )
    return tuple(_keep(file, workspace.resolve()) for file in files)


def user_message(text: str, attached: Sequence[Picture | Document] = ()) -> Message:
    """A user's message with the files and pictures that go with it."""
    said = (Text(text),) if text.strip() or not attached else ()
    return Message("user", (*attached, *said))


def _keep(file: Given, workspace: Path) -> Document:
    for attempt in range(1, ATTEMPTS + 1):
        name = free_name(workspace, safe_name(file.name))
        try:
            path = write_into(workspace, name, file.data)
        except OSError as error:
            if no_room(error):
                raise FileRefused(
                    f"The file {one_line(file.name, 80)} could not be kept: the disk of this "
                    "server is full."
                ) from None
            if attempt < ATTEMPTS:
                continue
            log.exception("a file could not be kept")
            break
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Document(path, mime, name, len(file.data))
    raise FileRefused(f"The file {one_line(file.name, 80)} could not be kept. Try once more.")
