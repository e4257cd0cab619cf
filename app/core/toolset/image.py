"""What draws pictures in Tools mode, as `GLM_IMAGE_MODEL` says."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from tools.image import Endpoint, Painter, Pipeline

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_WRONG = (
    "GLM_IMAGE_MODEL names nothing that draws. Use http(s)://host/v1#model, or a folder or hub "
    "name for diffusers."
)
_MISSING = (
    "GLM_IMAGE_MODEL needs the package diffusers: pip install diffusers accelerate. Or name an "
    "images endpoint, http(s)://host/v1#model."
)


@dataclass(frozen=True)
class Drawing:
    """What draws, shared by all sessions, and a sentence where the setting does not work out;
    both None where it is not set."""

    painter: Painter | None = None
    problem: str | None = None


def choose_painter(settings: Settings) -> Drawing:
    """Reads the setting; nothing is loaded and nobody asked yet."""
    where = settings.image_model
    if not where:
        return Drawing()
    if re.match(r"https?://[^/]", where, re.IGNORECASE):
        url, _, model = where.partition("#")
        return Drawing(Endpoint(url, model or None, settings.image_key or settings.api_key))
    if not (Path(where).expanduser().is_dir() or _HUB_NAME.fullmatch(where)):
        return Drawing(problem=_WRONG)
    if importlib.util.find_spec("diffusers") is None:
        return Drawing(problem=_MISSING)
    return Drawing(Pipeline(where))
