"""What a mode makes of the files that a user gives: pictures to look at, files to work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.attachments.images import MOST, keep_pictures, pictures_folder
from app.core.attachments.uploads import MEGABYTE, FileRefused, Given, keep_files
from app.core.modes import Mode
from app.core.settings import Settings
from backends.base import Images
from backends.messages import Document, Picture
from tools.safe_files import listing

Attached = Picture | Document
MOST_DOCUMENTS = 100  # at once


def take(
    mode: Mode,
    files: Sequence[Given],
    workspace: Path,
    settings: Settings,
    images: Images,
    waiting: Sequence[Attached] = (),
) -> tuple[Attached, ...]:
    """The parts of a message for the files that come with it, after those that wait for it.
    `images` is what the model sees.

    Raises `FileRefused`, and has kept nothing then.
    """
    if mode == "documents":
        # They are read here, wherever Python runs.
        here = replace(settings, kernel_gateway_url="")
        return keep_files(files, workspace, here, MOST_DOCUMENTS)
    seen = sum(isinstance(part, Picture) for part in waiting)
    room = (1 if images == "one" else MOST) - seen
    if mode == "vision":
        if len(files) > room:
            raise FileRefused(_too_many(len(files) + seen, images))
        _check_room(files, workspace, settings)
        return (*waiting, *keep_pictures(files, workspace))
    documents = keep_files(files, workspace, settings)
    if images == "none":
        return (*waiting, *documents)
    return (*waiting, *documents, *_seen(files, documents, workspace, room))


def _too_many(count: int, images: Images) -> str:
    if images == "one":
        return f"This model sees one picture in a message; these are {count}."
    return f"At most {MOST} pictures go with one message; these are {count}."


def _check_room(files: Sequence[Given], workspace: Path, settings: Settings) -> None:
    """Raises `FileRefused` where the conversation would take more of the disk than it may."""
    taken = listing(pictures_folder(workspace)).size + sum(len(file.data) for file in files)
    if taken > settings.python_workspace_mb * MEGABYTE:
        raise FileRefused(
            f"With these pictures the conversation would hold more than "
            f"{settings.python_workspace_mb:,} MB. Begin a new one, or give fewer."
        )


def _seen(
    files: Sequence[Given], documents: Sequence[Document], workspace: Path, most: int
) -> list[Picture]:
    """Those of the files that a model with eyes can see too, under the names that they have in
    the workspace; to its tools they are files like any other."""
    seen: list[Picture] = []
    for file, document in zip(files, documents, strict=True):
        if document.mime.startswith("image/") and len(seen) < most:
            try:
                given = Given(document.name, file.data)
                seen += keep_pictures([given], workspace, whole=False)
            except FileRefused:
                continue
    return seen
