"""Uploaded files of a conversation: stored in its workspace and attached to the message, by the
rules of its mode."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.attachments import Upload, UploadRejected
from app.core.attachments.images import MAX_IMAGES as MAX_PICTURES
from app.core.attachments.images import keep_pictures, pictures_folder
from app.core.modes import Mode
from app.core.settings import Settings
from backends.base import Images
from backends.messages import Document, Message, Picture, Text
from tools.safe_files import free_name, listing, no_room, safe_name, write_into
from tools.text import one_line

Attached = Picture | Document

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
MAX_FILES = 20  # with one message
MAX_DOCUMENTS = 100  # with one message, where nothing but documents is read
# A write fails while a starting kernel replaces the workspace's folder; so it is repeated.
MAX_ATTEMPTS = 3


def read_upload(path: Path, settings: Settings) -> Upload:
    """A file of this machine, for the command line. Raises `UploadRejected`."""
    name = one_line(path.name, 80)
    try:
        with path.open("rb") as stream:
            data = stream.read(settings.upload_mb * MEGABYTE + 1)
    except OSError as error:
        why = error.strerror or "no reason given"
        raise UploadRejected(f"The file {name} can't be read: {why}.") from None
    return Upload(path.name, data)


def store_uploads(
    files: Sequence[Upload], workspace: Path, settings: Settings, max_files: int = MAX_FILES
) -> tuple[Document, ...]:
    """Write files into the workspace, under safe names that are not used there yet.

    Raises `UploadRejected`, also for more than `max_files` files.
    """
    if files and settings.kernel_gateway_url:
        raise UploadRejected(
            "Python runs on another machine here, where files can't be given to it."
        )
    if len(files) > max_files:
        raise UploadRejected(
            f"At most {max_files} files go with one message; these are {len(files)}."
        )
    for file in files:
        if len(file.data) > settings.upload_mb * MEGABYTE:
            raise UploadRejected(
                f"The file {one_line(file.name, 80)} is larger than {settings.upload_mb:,} MB."
            )
    room = settings.python_workspace_mb * MEGABYTE - listing(workspace).size
    if sum(len(file.data) for file in files) > room:
        raise UploadRejected(
            f"With these files the conversation would hold more than "
            f"{settings.python_workspace_mb:,} MB. Begin a new one, or give smaller files."
        )
    return tuple(_store_one(file, workspace.resolve()) for file in files)


def user_message(text: str, attached: Sequence[Picture | Document] = ()) -> Message:
    """A user message with its attached files and pictures."""
    content = (Text(text),) if text.strip() or not attached else ()
    return Message("user", (*attached, *content))


def _store_one(file: Upload, workspace: Path) -> Document:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        name = free_name(workspace, safe_name(file.name))
        try:
            path = write_into(workspace, name, file.data)
        except OSError as error:
            if no_room(error):
                raise UploadRejected(
                    f"The file {one_line(file.name, 80)} could not be kept: the disk of this "
                    "server is full."
                ) from None
            if attempt < MAX_ATTEMPTS:
                continue
            log.exception("a file could not be kept")
            break
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Document(path, mime, name, len(file.data))
    raise UploadRejected(f"The file {one_line(file.name, 80)} could not be kept. Try once more.")


def attach_files(
    mode: Mode,
    files: Sequence[Upload],
    workspace: Path,
    settings: Settings,
    images: Images,
    waiting: Sequence[Attached] = (),
) -> tuple[Attached, ...]:
    """The parts of a message for its `files`, after the parts `waiting` that are already attached.
    `images` is the number of pictures that the model takes.

    Raises `UploadRejected`, and has stored nothing then.
    """
    if mode == "documents":
        # The app reads them itself, so a kernel gateway does not matter.
        local_settings = replace(settings, kernel_gateway_url="")
        return store_uploads(files, workspace, local_settings, MAX_DOCUMENTS)
    attached = sum(isinstance(part, Picture) for part in waiting)
    room = (1 if images == "one" else MAX_PICTURES) - attached
    if mode == "vision":
        if len(files) > room:
            raise UploadRejected(_too_many(len(files) + attached, images))
        _check_room(files, workspace, settings)
        return (*waiting, *keep_pictures(files, workspace))
    documents = store_uploads(files, workspace, settings)
    if images == "none":
        return (*waiting, *documents)
    return (*waiting, *documents, *_pictures_among(files, documents, workspace, room))


def _too_many(count: int, images: Images) -> str:
    if images == "one":
        return f"This model sees one picture in a message; these are {count}."
    return f"At most {MAX_PICTURES} pictures go with one message; these are {count}."


def _check_room(files: Sequence[Upload], workspace: Path, settings: Settings) -> None:
    """Raises `UploadRejected` where the conversation would exceed its disk quota."""
    taken = listing(pictures_folder(workspace)).size + sum(len(file.data) for file in files)
    if taken > settings.python_workspace_mb * MEGABYTE:
        raise UploadRejected(
            f"With these pictures the conversation would hold more than "
            f"{settings.python_workspace_mb:,} MB. Begin a new one, or give fewer."
        )


def _pictures_among(
    files: Sequence[Upload], documents: Sequence[Document], workspace: Path, max_pictures: int
) -> list[Picture]:
    """The first `max_pictures` images among the files, for a model with vision.

    They have the names of the files in the workspace, which its tools can use too.
    """
    pictures: list[Picture] = []
    for file, document in zip(files, documents, strict=True):
        if document.mime.startswith("image/") and len(pictures) < max_pictures:
            try:
                upload = Upload(document.name, file.data)
                pictures += keep_pictures([upload], workspace, whole=False)
            except UploadRejected:
                continue
    return pictures
