"""A model that is loaded once, in the background, for the whole process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Literal, Protocol

from backends.base import Backend, Images
from backends.errors import BackendError, ModelUnavailable
from backends.load_progress import Progress, heard

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.05  # seconds between two checks of Stop

LoadState = Literal["idle", "loading", "ready", "failed"]


class Model(Protocol):
    """A model that may have to be loaded first."""

    @property
    def state(self) -> LoadState: ...

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        """The model, loaded if need be; None when `cancel` was set. Raises `BackendError`."""


class ModelHost:
    """One model for the whole process, loaded once, on its own thread. After a failure the next
    `start` or `wait` loads it again."""

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
        """The progress of loading, None where it is unknown or the model is not loading."""
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
        """The number of pictures that the model takes; "none" while it is not loaded."""
        return "none" if self._backend is None else self._backend.capabilities.images

    def start(self) -> None:
        """Begins to load, unless the model is loading or loaded."""
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
            with self._lock:  # another visitor may have started it again
                if self._state == "failed" and self._error is not None:
                    raise self._error
                if self._state == "ready":
                    return self._backend
            if cancel is not None and cancel.is_set():
                return None
            self._done.wait(POLL_INTERVAL_S)

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()

    def _set_progress(self, progress: Progress) -> None:
        self._progress = progress

    def _load(self) -> None:
        backend: Backend | None = None
        failure: BackendError | None = None
        try:
            with heard(self._set_progress):
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
