"""Files that a user gives to a conversation: what a mode makes of them, into its workspace, and
into the message."""

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
# A kernel that takes the workspace over swaps its folder meanwhile.
MAX_ATTEMPTS = 3


def read_upload(path: Path, settings: Settings) -> Upload:
    """A file of the user's own machine, for the back door. Raises `UploadRejected`."""
    name = one_line(path.name, 80)
    try:
        with path.open("rb") as stream:
            data = stream.read(settings.upload_mb * MEGABYTE + 1)
    except OSError as error:
        why = error.strerror or "no reason given"
        raise UploadRejected(f"The file {name} can't be read: {why}.") from None
    return Upload(path.name, data)


def store_uploads(
    files: Sequence[Upload], workspace: Path, settings: Settings, most: int = MAX_FILES
) -> tuple[Document, ...]:
    """Writes the files into the workspace, under names that are safe and free there; at most
    `most` at once.

    Raises `UploadRejected`.
    """
    if files and settings.kernel_gateway_url:
        raise UploadRejected(
            "Python runs on another machine here, where files can't be given to it."
        )
    if len(files) > most:
        raise UploadRejected(f"At most {most} files go with one message; these are {len(files)}.")
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
    return tuple(_keep(file, workspace.resolve()) for file in files)


def user_message(text: str, attached: Sequence[Picture | Document] = ()) -> Message:
    """A user's message with the files and pictures that go with it."""
    said = (Text(text),) if text.strip() or not attached else ()
    return Message("user", (*attached, *said))


def _keep(file: Upload, workspace: Path) -> Document:
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
    """The parts of a message for the files that come with it, after those that wait for it.
    `images` is what the model sees.

    Raises `UploadRejected`, and has kept nothing then.
    """
    if mode == "documents":
        # They are read here, wherever Python runs.
        here = replace(settings, kernel_gateway_url="")
        return store_uploads(files, workspace, here, MAX_DOCUMENTS)
    seen = sum(isinstance(part, Picture) for part in waiting)
    room = (1 if images == "one" else MAX_PICTURES) - seen
    if mode == "vision":
        if len(files) > room:
            raise UploadRejected(_too_many(len(files) + seen, images))
        _check_room(files, workspace, settings)
        return (*waiting, *keep_pictures(files, workspace))
    documents = store_uploads(files, workspace, settings)
    if images == "none":
        return (*waiting, *documents)
    return (*waiting, *documents, *_seen(files, documents, workspace, room))


def _too_many(count: int, images: Images) -> str:
    if images == "one":
        return f"This model sees one picture in a message; these are {count}."
    return f"At most {MAX_PICTURES} pictures go with one message; these are {count}."


def _check_room(files: Sequence[Upload], workspace: Path, settings: Settings) -> None:
    """Raises `UploadRejected` where the conversation would take more of the disk than it may."""
    taken = listing(pictures_folder(workspace)).size + sum(len(file.data) for file in files)
    if taken > settings.python_workspace_mb * MEGABYTE:
        raise UploadRejected(
            f"With these pictures the conversation would hold more than "
            f"{settings.python_workspace_mb:,} MB. Begin a new one, or give fewer."
        )


def _seen(
    files: Sequence[Upload], documents: Sequence[Document], workspace: Path, most: int
) -> list[Picture]:
    """Those of the files that a model with eyes can see too, under the names that they have in
    the workspace; to its tools they are files like any other."""
    seen: list[Picture] = []
    for file, document in zip(files, documents, strict=True):
        if document.mime.startswith("image/") and len(seen) < most:
            try:
                given = Upload(document.name, file.data)
                seen += keep_pictures([given], workspace, whole=False)
            except UploadRejected:
                continue
    return seen
