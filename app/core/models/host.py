"""A model that is loaded once, in the background, for the whole process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

from backends.base import Backend, GenerationConfig, Images, Reachable
from backends.errors import BackendError, ModelUnavailable, ServerUnreachable
from backends.events import ModelEvent
from backends.load_progress import Progress, heard
from backends.messages import Message
from backends.wrapper import WrapperBackend
from tools.base import ToolSpec

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.05  # seconds between two checks of Stop
ASK_INTERVAL_S = 10.0
"""Seconds between two questions whether a server is still there, while somebody looks."""
MISSES = 2
"""Questions in a row that a server leaves unanswered before it counts as gone: a busy one may be
late with one answer."""

LoadState = Literal["idle", "loading", "ready", "failed"]


class Model(Protocol):
    """A model that may have to be loaded first."""

    @property
    def state(self) -> LoadState: ...

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        """The model, loaded if need be; None when `cancel` was set. Raises `BackendError`."""


class ModelHost:
    """One model for the whole process, loaded once, on its own thread; one on a server is ready
    when that has answered. After a failure the next `start` or `wait` tries again."""

    def __init__(self, opener: Callable[[], Backend]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._state: LoadState = "idle"
        self._backend: Backend | None = None
        self._error: BackendError | None = None
        self._progress: Progress | None = None
        self._closed = False
        self._asked = 0.0
        self._misses = 0

    @property
    def state(self) -> LoadState:
        return self._state

    @property
    def remote(self) -> bool:
        """Whether the model is elsewhere, and may go and come back."""
        return isinstance(self._backend, Reachable)

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
        """The model while it is ready."""
        return self._backend if self._state == "ready" else None

    @property
    def images(self) -> Images:
        """The number of pictures that the model takes; "none" while it is not loaded."""
        backend = self.backend
        return "none" if backend is None else backend.capabilities.images

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

    def ask_again(self, interval: float = ASK_INTERVAL_S) -> None:
        """Asks in the background whether the model's server is there, unless that was asked in the
        last `interval` seconds; a page that shows the state calls this while it is open."""
        with self._lock:
            backend = self._backend
            due = time.monotonic() - self._asked >= interval
            at_rest = self._state in ("ready", "failed") and not self._closed
            if not (due and at_rest and isinstance(backend, Reachable)):
                return
            self._asked = time.monotonic()
        threading.Thread(target=self._ask, args=(backend,), name="model-ask", daemon=True).start()

    def _ask(self, backend: Reachable) -> None:
        failure: BackendError | None = None
        try:
            backend.check()
        except BackendError as error:
            failure = error
        except Exception:
            log.exception("the model's server could not be asked")
            return
        with self._lock:
            if self._state not in ("ready", "failed"):
                return
            self._misses = self._misses + 1 if failure else 0
            if failure is None or self._misses >= MISSES or self._state == "failed":
                self._state, self._error = "failed" if failure else "ready", failure

    def _lost(self, error: BackendError) -> None:
        """Notes that the model is no longer reached. It is kept, for other answers may still be
        written; who uses it next asks whether it is there again."""
        with self._lock:
            if self._state == "ready":
                self._state, self._error = "failed", error

    def close(self) -> None:
        with self._lock:
            self._closed, backend = True, self._backend
        if backend is not None:
            backend.close()

    def _set_progress(self, progress: Progress) -> None:
        self._progress = progress

    def _load(self) -> None:
        backend = self._backend
        failure: BackendError | None = None
        try:
            with heard(self._set_progress):
                if backend is None:
                    backend = self._opener()
                    if isinstance(backend, Reachable):
                        backend = _Watched(backend, self._lost)
            if isinstance(backend, Reachable):
                backend.check()
        except BackendError as error:
            failure = error
        except Exception:
            log.exception("the model could not be loaded")
            failure = ModelUnavailable("The model could not be loaded; the log says why.")
        with self._lock:
            self._backend, self._error = backend, failure
            self._state = "failed" if failure else "ready"
            self._asked, self._misses = time.monotonic(), 0
            self._done.set()
            closed = self._closed
        if closed and backend is not None:  # nobody wants it any more
            backend.close()


class _Watched(WrapperBackend):
    """A `Backend` that reports when its server is no longer reached."""

    def __init__(self, backend: Backend, lost: Callable[[BackendError], None]) -> None:
        super().__init__(backend)
        self._report = lost

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        try:
            yield from super().generate(messages, tools, config, cancel)
        except ServerUnreachable as error:
            self._report(error)
            raise
