"""MIME types that tools produce and the page draws, and the check of pictures.

A picture is recognized by its header; its pixels are not decoded here.
"""

from __future__ import annotations

import io
import re

TABLE = "application/vnd.glm-table+json"
"""A format of this project: `{"rows": 9, "columns": 1, "index": [COLUMN, …], "values":
[COLUMN, …]}`, where a COLUMN is `{"name": "city", "cells": ["Rome", null, …]}`. `rows` and
`columns` also count those that are left out; `text` is what the model reads."""
PLOTLY = "application/vnd.plotly.v1+json"
VEGA_LITE = "application/vnd.vegalite+json"
"""Vega-Lite of any version: the specification itself names its version."""
BROWSER_STEP = "application/vnd.glm-browser-step+json"
"""A format of this project: the actions of one browser call, see `tools.browser.step_file`."""
LATEX = "text/latex"
SVG = "image/svg+xml"
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}
"""MIME types of the accepted pictures, with their file extensions."""

_VEGA_LITE = re.compile(r"application/vnd\.vegalite\.v\d+[.+]json")

MAX_PICTURE_PIXELS = 50_000_000  # width times height; browsers still draw pictures of this size
SHARP = "@2x"
"""Suffix of a picture's file name (before the extension) for two pixels per CSS pixel."""


def is_vega_lite(mime: str) -> bool:
    """Whether Jupyter means a Vega-Lite chart by this type, of any version."""
    return _VEGA_LITE.fullmatch(mime) is not None


class PictureRefused(Exception):
    """A picture that is invalid, too large, or could not be written; the message says which."""


def picture_size(data: bytes) -> tuple[str, int, int]:
    """The MIME type of a PNG or JPEG, its width and its height in pixels.

    Raises `PictureRefused` for other data, and above `MAX_PICTURE_PIXELS`.
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
