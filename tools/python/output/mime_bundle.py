"""Chooses which representation of a displayed value (a MIME bundle) is shown. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.media import LATEX, PICTURES, PLOTLY, SVG, TABLE, VEGA_LITE, is_vega_lite


@dataclass(frozen=True)
class Picture:
    """A displayed image, not yet checked. `shown`: width and height on the page in pixels, if the
    message has them."""

    data: bytes
    shown: tuple[int, int] | None = None


@dataclass(frozen=True)
class MimeBundle:
    """A displayed table, chart, formula, drawing or sound, not yet checked."""

    mime: str
    data: bytes

    @property
    def includes_text(self) -> bool:
        """Whether the value's text, with the same content, is part of the output too."""
        return self.mime in (TABLE, LATEX)

    @property
    def kind(self) -> str:
        """The word for it in messages."""
        return "chart" if self.mime in (PLOTLY, VEGA_LITE) else "file"


def shown_form(data: Mapping[str, Any], metadata: object) -> Picture | MimeBundle | None:
    """The richest representation; None where that is the text."""
    for mime in PICTURES:
        if picture := _decoded(data.get(mime)):
            return Picture(picture, _size(metadata, mime))
    for mime, value in data.items():
        if mime in (TABLE, PLOTLY) or is_vega_lite(mime):
            if isinstance(value, dict):
                named = VEGA_LITE if is_vega_lite(mime) else mime
                return MimeBundle(named, json.dumps(value).encode())
        elif mime.startswith("audio/"):
            if sound := _decoded(value):
                return MimeBundle(mime, sound)
        elif mime in (SVG, LATEX) and isinstance(value, str):
            return MimeBundle(mime, value.encode("utf-8", "replace"))
    return None


def _decoded(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value) or None
    except (binascii.Error, ValueError):
        return None


def _size(metadata: object, mime: str) -> tuple[int, int] | None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get(mime), dict):
        return None
    width, height = (metadata[mime].get(side) for side in ("width", "height"))
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None
