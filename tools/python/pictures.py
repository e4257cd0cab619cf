"""Pictures that code has displayed, written into the session's workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.base import Attachment
from tools.files import why_not_written, write_into
from tools.mime import PICTURES
from tools.pictures import SHARP, PictureRefused, picture_size
from tools.python.rich import Picture

FOLDER = ".outputs"


@dataclass(frozen=True)
class SavedPicture:
    """A picture in the workspace, with its size on the page in pixels."""

    attachment: Attachment
    width: int
    height: int


def save_picture(picture: Picture, workspace: Path, number: int) -> SavedPicture:
    """Write a PNG or JPEG as `figure-<number>` into the workspace. Raises `PictureRefused`."""
    mime, width, height = picture_size(picture.data)
    sharp = picture.shown is not None and picture.shown == (width // 2, height // 2)
    name = f"figure-{number}{SHARP if sharp else ''}.{PICTURES[mime]}"
    try:
        path = write_into(workspace / FOLDER, name, picture.data)
    except OSError as error:
        raise PictureRefused(why_not_written(error)) from None
    shrink = 2 if sharp else 1
    return SavedPicture(Attachment(name, mime, path), width // shrink, height // shrink)
