"""From the setting of a model to its backend.

The Vision page's model has its own settings; the errors of its backend name these
(`RenamedErrors`).
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.core.settings import Settings
from backends import bundled
from backends.base import Backend, GenerationConfig, Profile
from backends.errors import BackendError, ModelUnavailable
from backends.events import ModelEvent
from backends.load_progress import downloads
from backends.messages import Message
from backends.wrapper import WrapperBackend
from tools.base import ToolSpec

log = logging.getLogger(__name__)

Kind = Literal["bundled", "gguf", "server", "weights"]
# The default context window of a GGUF model in tokens: it fits into a laptop's memory.
GGUF_WINDOW = 8192
# Quantizations to choose from in a GGUF repository, in the order of preference.
GGUF_PREFERENCE = ("Q4_K_M", "Q4_K", "Q4_1", "Q4_0", "Q5_K_M", "Q8_0")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")

CONNECTED = {"GLM_MODEL": "its address on the page Models", "GLM_API_KEY": "its key there"}
"""What stands in the place of the settings for a server that was connected in the page."""

VISION = {"GLM_MODEL": "GLM_VISION_MODEL", "GLM_API_KEY": "GLM_VISION_KEY"}
"""The settings of the Vision page's model, by the corresponding settings of the main model."""


@dataclass(frozen=True)
class ModelChoice:
    """The parsed `GLM_MODEL`. `where` is a path, hub name or URL, `model` the name on a server."""

    kind: Kind
    where: str = ""
    model: str | None = None

    @property
    def profile(self) -> Profile:
        """The profile of the model, known before it is loaded."""
        return bundled.PROFILE if self.kind == "bundled" else "standard"


def find_choice(text: str) -> ModelChoice | None:
    """Parses a value of `GLM_MODEL`; None if it names no model."""
    text = text.strip()
    if text in ("", "bundled"):
        return ModelChoice("bundled")
    if re.match(r"https?://", text, re.IGNORECASE):
        where, _, model = text.partition("#")
        return ModelChoice("server", where.rstrip("/"), model or None)
    if text.lower().endswith((".gguf", "-gguf")):
        return ModelChoice("gguf", text)
    if os.path.isdir(os.path.expanduser(text)) or _HUB_NAME.fullmatch(text):
        return ModelChoice("weights", text)
    return None


def is_bundled(text: str) -> bool:
    """Whether a value of `GLM_MODEL` names the bundled model."""
    choice = find_choice(text)
    return choice is not None and choice.kind == "bundled"


def parse_choice(text: str) -> ModelChoice:
    """Parses a value of `GLM_MODEL`. Raises `ModelUnavailable` if it names no model."""
    choice = find_choice(text)
    if choice is not None:
        return choice
    raise ModelUnavailable(
        "GLM_MODEL names no model. Use bundled, a .gguf file, a folder of safetensors, a hub name "
        "(owner/name), or http(s)://host/v1#model-name."
    )


def open_backend(settings: Settings) -> Backend:
    """Loads or connects the model that the settings name. Raises `ModelUnavailable`."""
    choice = parse_choice(settings.model)
    if choice.kind == "server":
        from backends.openai_api.backend import OpenAIBackend

        return OpenAIBackend(
            choice.where,
            choice.model,
            settings.api_key or None,
            protocol=settings.protocol,
            idle_timeout=settings.idle_seconds,
            retries=settings.retries,
            context=settings.context or None,
            # Servers seldom report vision; as the setting of the Vision page the model has it.
            sees=settings.model == settings.vision_model,
        )
    if choice.kind == "weights":
        return _open_weights(choice.where, settings)
    from backends.llama_cpp.engine import EngineConfig

    engine = EngineConfig(
        window=settings.context or GGUF_WINDOW,
        slots=settings.slots,
        threads=settings.threads or None,
    )
    if choice.kind == "bundled":
        return bundled.open_model(replace(engine, adapter=bundled.adapter_file()))
    from backends.llama_cpp.backend import LlamaCpp
    from backends.llama_cpp.mmproj import beside

    path = _gguf_file(choice.where, sees=settings.model == settings.vision_model)
    return LlamaCpp(path, path.name, replace(engine, mmproj=beside(path)))


def _open_weights(where: str, settings: Settings) -> Backend:
    from backends.transformers.backend import Transformers
    from backends.transformers.config import WeightsConfig
    from backends.transformers.loading import load

    config = WeightsConfig(
        window=settings.context,
        slots=settings.slots,
        dtype=settings.dtype,
        device_map=settings.device_map,
        quantise=settings.quantise,
        yarn=settings.yarn,
        attention=settings.attention,
        adapter=settings.adapter,
        remote_code=frozenset(name.strip() for name in settings.remote_code.split(",")),
        cache_mb=settings.cache_mb,
        compile=settings.compile == "on",
    )
    return Transformers(load(where, config), config)


def open_connected(settings: Settings) -> Backend:
    """`open_backend` for a server that was connected in the page, whose errors name the page."""
    with naming(CONNECTED):
        return RenamedErrors(open_backend(settings), CONNECTED)


def open_vision(settings: Settings) -> Backend:
    """`open_backend` for the Vision page's model, whose errors name the settings in `VISION`."""
    with naming(VISION):
        return RenamedErrors(open_backend(settings), VISION)


def _gguf_file(where: str, sees: bool) -> Path:
    """The local file, or the hub's: `owner/name/file.gguf`, or the best of `owner/name-GGUF`.
    With `sees` the mmproj file is downloaded into the same folder."""
    path = Path(os.path.expanduser(where))
    if os.path.exists(path) or where.startswith(("/", ".", "~")) or where.count("/") not in (1, 2):
        return path
    owner, name, *rest = where.split("/")
    try:
        from huggingface_hub import HfApi, hf_hub_download

        from backends.llama_cpp.mmproj import matching

        repository = f"{owner}/{name}"
        files = HfApi().list_repo_files(repository) if sees or not rest else []
        file = rest[0] if rest else _best_file(files)
        if sees and (projector := matching(file, files)) is not None:
            hf_hub_download(repository, projector, tqdm_class=downloads())
        return Path(hf_hub_download(repository, file, tqdm_class=downloads()))
    except Exception:
        log.exception("a GGUF model could not be taken from the hub")
        raise ModelUnavailable(
            f"{where} is no file here, and could not be taken from the hub. "
            "Check GLM_MODEL and the network."
        ) from None


def _best_file(files: list[str]) -> str:
    ggufs = sorted(
        name
        for name in files
        if name.lower().endswith(".gguf")
        and not re.search(r"mmproj|-of-\d{5}", name, re.IGNORECASE)
    )
    for wanted in GGUF_PREFERENCE:
        for name in ggufs:
            if wanted.lower() in name.lower():
                return name
    if not ggufs:
        raise FileNotFoundError("the repository has no GGUF file")
    return ggufs[0]


@contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Within the block, texts of `BackendError`s have the settings' names replaced by `names`."""
    try:
        yield
    except BackendError as error:
        message = str(error)
        for usual, own in names.items():
            message = message.replace(usual, own)
        error.args = (message,)
        raise


class RenamedErrors(WrapperBackend):
    """A `Backend` whose errors have the settings' names replaced by `names`."""

    def __init__(self, backend: Backend, names: Mapping[str, str]) -> None:
        super().__init__(backend)
        self._names = names

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        with naming(self._names):
            yield from super().generate(messages, tools, config, cancel)

    def check(self) -> None:
        with naming(self._names):
            super().check()

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        with naming(self._names):
            return super().count_tokens(messages, tools)
