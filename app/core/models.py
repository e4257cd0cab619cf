"""Which model answers: one setting to one backend, loaded once, in the background."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from app.core.named import VISION, RenamedErrors, naming
from app.core.settings import Settings
from backends import bundled
from backends.base import Backend, Images, Profile
from backends.errors import BackendError, ModelUnavailable
from backends.load_progress import Progress, downloads, heard

log = logging.getLogger(__name__)

Kind = Literal["bundled", "gguf", "server", "weights"]
LoadState = Literal["idle", "loading", "ready", "failed"]
# The window of a GGUF model unless a setting says otherwise: what a laptop's memory holds.
GGUF_WINDOW = 8192
# Which file of a GGUF repository is taken, in this order.
GGUF_PREFERENCE = ("Q4_K_M", "Q4_K", "Q4_1", "Q4_0", "Q5_K_M", "Q8_0")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class ModelChoice:
    """What `GLM_MODEL` means. `where` is a path, hub name or address, `model` a server's model."""

    kind: Kind
    where: str = ""
    model: str | None = None

    @property
    def profile(self) -> Profile:
        """The profile that the model will have, told before it is loaded."""
        return bundled.PROFILE if self.kind == "bundled" else "standard"


def find_choice(text: str) -> ModelChoice | None:
    """Reads a value of `GLM_MODEL`; None for what names no model."""
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


def parse_choice(text: str) -> ModelChoice:
    """`find_choice`. Raises `ModelUnavailable` for what names no model."""
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
            # A server seldom says what its model sees: who names it for pictures does.
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
        attention=settings.attention,
        adapter=settings.adapter,
        remote_code=frozenset(name.strip() for name in settings.remote_code.split(",")),
        cache_mb=settings.cache_mb,
        compile=settings.compile == "on",
    )
    return Transformers(load(where, config), config)


def open_vision(settings: Settings) -> Backend:
    """`open_backend` for the model of the Vision page, which a setting of its own names."""
    with naming(VISION):
        return RenamedErrors(open_backend(settings), VISION)


def _gguf_file(where: str, sees: bool) -> Path:
    """The local file, or the hub's: `owner/name/file.gguf`, or the best of `owner/name-GGUF`.
    With `sees` the hub's file for pictures comes to lie beside it."""
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


class Model(Protocol):
    """A model that may have to be loaded first."""

    @property
    def state(self) -> LoadState: ...

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        """The model, loaded if need be; None when `cancel` was set. Raises `BackendError`."""


class ModelHost:
    """One model for the whole process: loaded once, on a thread of its own, tried again on
    demand when that failed."""

    def __init__(self, opener: Callable[[], Backend]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._state: LoadState = "idle"
        self._backend: Backend | None = None
        self._error: BackendError | None = None
        self._progress: Progress | None = None

    @property
    def state(self) -> LoadState:
        return self._state

    @property
    def progress(self) -> Progress | None:
        """How far loading has come, where the model tells."""
        return self._progress if self._state == "loading" else None

    @property
    def error(self) -> str | None:
        """Why loading failed, as a sentence."""
        return str(self._error) if self._error else None

    @property
    def backend(self) -> Backend | None:
        """The model, once it is ready."""
        return self._backend

    @property
    def images(self) -> Images:
        """What the model sees; nothing while it isn't loaded."""
        return "none" if self._backend is None else self._backend.capabilities.images

    def start(self) -> None:
        """Begins to load, unless that is under way or done."""
        with self._lock:
            if self._state in ("loading", "ready"):
                return
            self._state, self._error, self._progress = "loading", None, None
            self._done.clear()
        threading.Thread(target=self._load, name="model-load", daemon=True).start()

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        """The model, loaded if need be; None when `cancel` was set. Raises `BackendError`."""
        self.start()
        while True:
            with self._lock:  # another visitor may have begun to load anew
                if self._state == "failed" and self._error is not None:
                    raise self._error
                if self._state == "ready":
                    return self._backend
            if cancel is not None and cancel.is_set():
                return None
            self._done.wait(0.05)

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()

    def _hear(self, progress: Progress) -> None:
        self._progress = progress

    def _load(self) -> None:
        backend: Backend | None = None
        failure: BackendError | None = None
        try:
            with heard(self._hear):
                backend = self._opener()
        except BackendError as error:
            failure = error
        except Exception:
            log.exception("the model could not be loaded")
            failure = ModelUnavailable("The model could not be loaded; the log says why.")
        with self._lock:
            self._backend, self._error = backend, failure
            self._state = "failed" if failure else "ready"
            self._done.set()
