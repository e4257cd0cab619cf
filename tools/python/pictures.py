"""Pictures that code has displayed, written into the session's workspace."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tools.base import Attachment
from tools.python.files import write_into

FOLDER = ".outputs"
LARGEST = 50_000_000  # pixels; a browser can still draw it

_MIMES = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg")}


class PictureRefused(Exception):
    """Not a picture, too large, or it could not be written. The text says which."""


@dataclass(frozen=True)
class SavedPicture:
    """A picture in the workspace, with its size in pixels."""

    attachment: Attachment
    width: int
    height: int


def save_picture(data: bytes, workspace: Path, number: int) -> SavedPicture:
    """Write a PNG or JPEG as `figure-<number>` into the workspace. Raises `PictureRefused`."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_MIMES)) as image:
            (width, height), (mime, ending) = image.size, _MIMES[str(image.format)]
    except Image.DecompressionBombError:
        raise PictureRefused("it is too large") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise PictureRefused("it is not a PNG or JPEG") from None
    if width * height > LARGEST:
        raise PictureRefused(f"{width}x{height} pixels are too many")
    name = f"figure-{number}.{ending}"
    try:
        path = write_into(workspace / FOLDER, name, data)
    except OSError:
        raise PictureRefused("it could not be written") from None
    return SavedPicture(Attachment(name, mime, path), width, height)
