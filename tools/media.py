"""MIME types of what a tool shows beyond images and files, and what may be shown as an image.

An image is known by its first bytes: nothing is decoded here.
"""

from __future__ import annotations

import io
import re

TABLE = "application/vnd.glm-table+json"
"""Our own: `{"rows": 9, "columns": 1, "index": [COLUMN, …], "values": [COLUMN, …]}`, where a
COLUMN is `{"name": "city", "cells": ["Rome", null, …]}`; `rows` and `columns` count those left
out too, and `text` is what the model reads."""
PLOTLY = "application/vnd.plotly.v1+json"
VEGA_LITE = "application/vnd.vegalite+json"
"""Of whichever version: it stands in the specification itself."""
BROWSER_STEP = "application/vnd.glm-browser-step+json"
"""Our own: what the browser did in one call, see `tools.browser.step_file`."""
LATEX = "text/latex"
SVG = "image/svg+xml"
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}
"""With the endings of their files."""

_VEGA_LITE = re.compile(r"application/vnd\.vegalite\.v\d+[.+]json")

MAX_PICTURE_PIXELS = 50_000_000  # pixels; a browser can still draw it
SHARP = "@2x"
"""At the end of a picture's name: it has two pixels, either way, for each one on the page."""


def is_vega_lite(mime: str) -> bool:
    """Whether Jupyter means a Vega-Lite chart by this type, of any version."""
    return _VEGA_LITE.fullmatch(mime) is not None


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
    if width * height > MAX_PICTURE_PIXELS:
        raise PictureRefused(f"{width}x{height} pixels are too many")
    return mime, width, height
