"""What may be shown as a picture, seen from its first bytes: nothing is decoded here."""

from __future__ import annotations

import io

from tools.mime import PICTURES

LARGEST = 50_000_000  # pixels; a browser can still draw it
SHARP = "@2x"
"""At the end of a picture's name: it has two pixels, either way, for each one on the page."""


class PictureRefused(Exception):
    """Not a picture, too large, or it could not be written. The text says which."""


def picture_size(data: bytes) -> tuple[str, int, int]:
    """The MIME type of a PNG or JPEG, its width and its height in pixels.

    Raises `PictureRefused`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        formats = [mime.removeprefix("image/").upper() for mime in PICTURES]
        with Image.open(io.BytesIO(data), formats=formats) as image:
            (width, height), mime = image.size, f"image/{str(image.format).lower()}"
    except Image.DecompressionBombError:
        raise PictureRefused("it is too large") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise PictureRefused("it is not a PNG or JPEG") from None
    if width * height > LARGEST:
        raise PictureRefused(f"{width}x{height} pixels are too many")
    return mime, width, height
