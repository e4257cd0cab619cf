"""The image generator of Tools mode, by `GLM_IMAGE_MODEL`."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from tools.image import Endpoint, ImageGenerator, Pipeline

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
class ImageSetup:
    """The image generator of all sessions, or a sentence on what is wrong with the setting; both
    None where it is not set."""

    painter: ImageGenerator | None = None
    problem: str | None = None


def choose_painter(settings: Settings) -> ImageSetup:
    """The generator by the setting. Nothing is loaded and no server contacted yet."""
    where = settings.image_model
    if not where:
        return ImageSetup()
    if re.match(r"https?://[^/]", where, re.IGNORECASE):
        url, _, model = where.partition("#")
        return ImageSetup(Endpoint(url, model or None, settings.image_key or settings.api_key))
    if not (Path(where).expanduser().is_dir() or _HUB_NAME.fullmatch(where)):
        return ImageSetup(problem=_WRONG)
    if importlib.util.find_spec("diffusers") is None:
        return ImageSetup(problem=_MISSING)
    return ImageSetup(Pipeline(where))
