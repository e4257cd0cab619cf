"""What a model server says about its models: `GET /v1/models`, asked when needed, and once."""

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
"""Seconds that a page may wait for the first answer; it draws without it then."""

AGAIN: Final = 30.0
"""Seconds before a server that did not tell is asked once more."""


@dataclass(frozen=True)
class Offer:
    """A model on offer; `context` is its window in tokens, None when the server doesn't say.
    `sees` is whether the server says that it takes pictures; most say nothing of it."""

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
    """What a model sees: by its name, else several pictures where it is known that it `sees`."""
    name = model.lower()
    if _ONE_PICTURE.search(name):
        return "one"
    return "several" if sees or _SEEING.search(name) else "none"


class Catalog:
    """The offer that one backend uses, from any thread."""

    def __init__(self, wire: Transport, wanted: str | None) -> None:
        self._wire, self._wanted = wire, wanted
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._asking: StreamedResponse | None = None
        self._body = b""
        self._glanced = False
        self._failed = -AGAIN

    @property
    def known(self) -> Offer:
        """What the server has said by now."""
        return self._offer or Offer()

    def glance(self) -> Offer:
        """What is known by now, for a page that is being drawn: no error, hardly a wait."""
        if self._offer is None:
            with self._lock:
                self._go_on()
        return self._offer or Offer()

    def ask(self, patience: float, cancel: threading.Event) -> Offer:
        """The offer, waited for. Raises as `StreamedResponse.read` does."""
        if self._offer is None:
            exchange = self._wire.models()
            try:
                body = exchange.read_all(patience, cancel)
            finally:
                exchange.close()
            self._keep(body)
        return self._offer or Offer()

    def _go_on(self) -> None:
        if self._offer or (self._asking is None and time.monotonic() < self._failed + AGAIN):
            return
        patience, self._glanced = 0.0 if self._glanced else TIMEOUT_S, True
        try:
            if self._asking is None:
                self._asking, self._body = self._wire.models(), b""
            while (piece := self._asking.read(patience)) is not None:
                self._body += piece
            self._keep(self._body)
        except IdleTimeout:
            return  # it may still come
        except (RequestFailure, BackendError):
            pass
        self._asking, self._failed = None, time.monotonic()

    def _keep(self, body: bytes) -> None:
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
    """The window of an entry as vLLM, SGLang, OpenRouter, Groq, LM Studio or llama-server has it.

    llama-server's `n_ctx_train` is what the model was trained for, and so an upper bound.
    """
    meta = entry.get("meta")
    for place in (entry, meta if isinstance(meta, Mapping) else {}):
        for key in _WINDOWS:
            if isinstance(value := place.get(key), int) and value > 0:
                return value
    return None


def _sees(entry: Mapping[str, Any]) -> bool:
    """Whether an entry says so as OpenRouter, Mistral or llama-server has it."""
    architecture = entry.get("architecture")
    kinds = architecture.get("input_modalities") if isinstance(architecture, Mapping) else None
    abilities = entry.get("capabilities")
    if isinstance(abilities, Mapping):
        abilities = [name for name, able in abilities.items() if able is True]
    named = [*(kinds if isinstance(kinds, list) else ()), *(abilities or ())]
    return any(name in ("image", "vision", "multimodal") for name in named)


_ONE_PICTURE: Final = re.compile(r"glm-4v-(?:9b|flash)|glm-edge-v")
_SEEING: Final = re.compile(
    r"glm-[\d.]+v|cogvlm|cogagent|gpt-4o|gpt-4\.1|gpt-5|claude|gemini|gemma-?3-(?:4|12|27)b|llava|minicpm-v"
    r"|pixtral|molmo|(?:^|[-_/.:\d])vl(?:[-_:.\d]|$)|vlm|vision"
)
"""Names of models that see, as their makers give them."""
_WINDOWS: Final = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "n_ctx",
    "n_ctx_train",
)
