"""The model list of a server, `GET /v1/models`: requested when needed, and cached."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from backends.base import Images
from backends.errors import BackendError
from backends.openai_api.errors import IdleTimeout, RequestFailure
from backends.openai_api.transport import StreamedResponse, Transport

TIMEOUT_S: Final = 2.0
"""Seconds that the first `glance` waits for the list; a page is drawn without it then."""

RETRY_INTERVAL_S: Final = 30.0
"""Seconds between two requests to a server that gave no list."""


@dataclass(frozen=True)
class Offer:
    """A model that the server offers.

    `context` is its window in tokens, None when the server doesn't report it. `sees` is whether
    the server reports that the model takes pictures; most servers don't.
    """

    model: str | None = None
    context: int | None = None
    sees: bool = False


def offer_in(listing: object, wanted: str | None) -> Offer:
    """The model called `wanted` in a `/v1/models` answer, or the first one when that is None."""
    entries = listing.get("data") if isinstance(listing, Mapping) else listing
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, Mapping) or not isinstance(name := entry.get("id"), str):
            continue
        if wanted in (None, name):
            return Offer(name, _window(entry), _sees(entry))
    return Offer()


def images_of(model: str, sees: bool) -> Images:
    """The number of pictures that a model takes: by its name, else several if it `sees`."""
    name = model.lower()
    if _ONE_PICTURE.search(name):
        return "one"
    return "several" if sees or _SEEING.search(name) else "none"


class Catalog:
    """The model of one backend in the server's list. Safe from all threads."""

    def __init__(self, transport: Transport, wanted: str | None) -> None:
        self._transport, self._wanted = transport, wanted
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._response: StreamedResponse | None = None
        self._body = b""
        self._glanced = False
        self._failed = -RETRY_INTERVAL_S

    @property
    def known(self) -> Offer:
        """The cached offer, empty before the server has sent its list."""
        return self._offer or Offer()

    def glance(self) -> Offer:
        """The cached offer, for a page that is being drawn. Requests the list if need be; waits at
        most `TIMEOUT_S` the first time, and raises nothing."""
        if self._offer is None:
            with self._lock:
                self._poll()
        return self._offer or Offer()

    def ask(self, idle_timeout: float, cancel: threading.Event) -> Offer:
        """The offer, requested if need be. Raises as `StreamedResponse.read` does."""
        if self._offer is None:
            response = self._transport.models()
            try:
                body = response.read_all(idle_timeout, cancel)
            finally:
                response.close()
            self._store(body)
        return self._offer or Offer()

    def _poll(self) -> None:
        if self._offer or (
            self._response is None and time.monotonic() < self._failed + RETRY_INTERVAL_S
        ):
            return
        idle_timeout, self._glanced = 0.0 if self._glanced else TIMEOUT_S, True
        try:
            if self._response is None:
                self._response, self._body = self._transport.models(), b""
            while (piece := self._response.read(idle_timeout)) is not None:
                self._body += piece
            self._store(self._body)
        except IdleTimeout:
            return  # the response may still arrive
        except (RequestFailure, BackendError):
            pass
        self._response, self._failed = None, time.monotonic()

    def _store(self, body: bytes) -> None:
        offer = offer_in(_parsed(body), self._wanted)
        if offer.model or self._wanted:  # a server without a model may still be loading one
            self._offer = offer


def _parsed(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RequestFailure(200, text) from None


def _window(entry: Mapping[str, Any]) -> int | None:
    """The window in tokens, by the keys of vLLM, SGLang, OpenRouter, Groq, LM Studio, llama-server.

    llama-server's `n_ctx_train` is what the model was trained for, and so an upper bound.
    """
    meta = entry.get("meta")
    for place in (entry, meta if isinstance(meta, Mapping) else {}):
        for key in _WINDOWS:
            if isinstance(value := place.get(key), int) and value > 0:
                return value
    return None


def _sees(entry: Mapping[str, Any]) -> bool:
    """Whether the model takes pictures, by the keys of OpenRouter, Mistral and llama-server."""
    architecture = entry.get("architecture")
    kinds = architecture.get("input_modalities") if isinstance(architecture, Mapping) else None
    abilities = entry.get("capabilities")
    if isinstance(abilities, Mapping):
        abilities = [name for name, able in abilities.items() if able is True]
    features = [*(kinds if isinstance(kinds, list) else ()), *(abilities or ())]
    return any(name in ("image", "vision", "multimodal") for name in features)


_ONE_PICTURE: Final = re.compile(r"glm-4v-(?:9b|flash)|glm-edge-v")
_SEEING: Final = re.compile(
    r"glm-[\d.]+v|cogvlm|cogagent|gpt-4o|gpt-4\.1|gpt-5|claude|gemini|gemma-?3-(?:4|12|27)b|llava|minicpm-v"
    r"|pixtral|molmo|(?:^|[-_/.:\d])vl(?:[-_:.\d]|$)|vlm|vision"
)
"""Names of models with vision, as their makers publish them."""
_WINDOWS: Final = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "n_ctx",
    "n_ctx_train",
)
