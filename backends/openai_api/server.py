"""A model server: the requests to it, the raw bytes of its responses, and the models that it lists.

All requests to one server share one HTTP client on one event loop, in a thread of its own. So any
thread can cancel a request at any point - while it connects, before the first byte, between two
tokens - and its connection is closed at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import re
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from backends.base import Images
from backends.errors import BackendError, ModelUnavailable, RequestRefused
from backends.openai_api.errors import IdleTimeout, RequestFailure, retry_after

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds for a TCP and TLS handshake."""

POLL_INTERVAL_S: Final = 0.05
"""Seconds between two checks of the Stop flag while no data arrives."""

CLOSE_GRACE_S: Final = 1.0
"""Seconds that a completely read response may take to end, so that its connection is reused."""


class Cancelled(Exception):
    """The Stop flag was set while waiting."""


class StreamedResponse:
    """One request, and the bytes of its response as they arrive."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answer: AsyncGenerator[bytes]) -> None:
        self._loop = loop
        self._pieces: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self._running = asyncio.run_coroutine_threadsafe(self._run(answer), loop)

    def read(self, idle_timeout: float, cancel: threading.Event | None = None) -> bytes | None:
        """The next bytes, None at the end.

        Raises `RequestFailure` when the request failed, `IdleTimeout` after `idle_timeout` seconds
        without a byte, and `Cancelled` when `cancel` is set.
        """
        deadline = time.monotonic() + idle_timeout
        while cancel is None or not cancel.is_set():
            remaining = deadline - time.monotonic()
            try:
                piece = self._pieces.get(timeout=max(0.0, min(POLL_INTERVAL_S, remaining)))
            except queue.Empty:
                if remaining <= 0:
                    raise IdleTimeout from None
                continue
            if isinstance(piece, Exception):
                raise piece
            return piece
        raise Cancelled

    def read_all(self, idle_timeout: float, cancel: threading.Event | None = None) -> bytes:
        """The whole response; raises as `read` does."""
        return b"".join(iter(lambda: self.read(idle_timeout, cancel), None))

    def close(self, grace: float = 0.0) -> None:
        """Closes the connection unless the response ends within `grace` seconds."""
        if grace and not self._running.done():
            with contextlib.suppress(RuntimeError):  # the loop and its connections have ended
                self._loop.call_soon_threadsafe(self._loop.call_later, grace, self._running.cancel)
        else:
            self._running.cancel()

    async def _run(self, answer: AsyncGenerator[bytes]) -> None:
        try:
            async with contextlib.aclosing(answer):
                async for piece in answer:
                    self._pieces.put(piece)
            self._pieces.put(None)
        except asyncio.CancelledError:
            self._pieces.put(RequestFailure(None, "closed"))
            raise
        except Exception as error:  # noqa: BLE001 - `read` raises it
            self._pieces.put(error)


class Transport:
    """The requests of the API. `url` ends before `/chat/completions`."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url, self._key = url.rstrip("/"), key
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing: asyncio.Event | None = None
        self._closed = False
        self._http: httpx2.AsyncClient | None = None

    @property
    def shown_url(self) -> str:
        """Where completions are requested, without user name, password and query."""
        parts = urlsplit(self._url)
        where = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{where}{parts.path}/chat/completions"

    def chat(self, body: Mapping[str, Any]) -> StreamedResponse:
        """Requests a completion. Raises `ModelUnavailable` after `close`."""
        return StreamedResponse(self._running_loop(), self._sent("POST", "/chat/completions", body))

    def models(self) -> StreamedResponse:
        """Requests the list of models. Raises `ModelUnavailable` after `close`."""
        return StreamedResponse(self._running_loop(), self._sent("GET", "/models"))

    def close(self) -> None:
        """Ends all requests and the thread. May be called twice."""
        with self._lock:
            self._closed = True
            loop, thread, closing = self._loop, self._thread, self._closing
        if loop and thread and closing and thread.is_alive():
            loop.call_soon_threadsafe(closing.set)
            thread.join(timeout=5)

    async def _sent(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[bytes]:
        """Sends a request and yields the bytes of its response. Raises `RequestFailure`."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with self._client().stream(
                method, f"{self._url}{path}", json=body, headers=headers
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise _refused(response)
                async for piece in response.aiter_bytes():
                    yield piece
        except _transport_errors() as error:
            raise RequestFailure(None, _causes(error)) from None

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            import httpx2

            self._http = httpx2.AsyncClient(
                # `StreamedResponse.read` has the idle timeout, one for all phases of a request.
                timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
                follow_redirects=True,
            )
        return self._http

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise ModelUnavailable("The connection to the model server was closed. Retry.")
            if self._loop is None:
                ready = threading.Event()
                self._thread = threading.Thread(
                    target=asyncio.run,
                    args=(self._run_loop(ready),),
                    name="model-server",
                    daemon=True,
                )
                self._thread.start()
                ready.wait()
            assert self._loop is not None
            return self._loop

    async def _run_loop(self, ready: threading.Event) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await self._closing.wait()
        requests = asyncio.all_tasks() - {asyncio.current_task()}
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()


def host_of(url: str) -> str:
    """Host and port of a URL, without its path, user name and password.

    Raises `ModelUnavailable` for a URL that is not valid."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        pass
    raise ModelUnavailable(
        "The model server's address is not valid. Check GLM_MODEL: it looks like "
        "http://host:8000/v1, with #model-name where the server has several."
    )


def header_of(key: str | None) -> str | None:
    """The key as a header value, None for an empty one. Raises `RequestRefused` for other text."""
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise RequestRefused("The key holds characters that no key has. Check GLM_API_KEY.")
    return key or None


def _refused(response: httpx2.Response) -> RequestFailure:
    return RequestFailure(response.status_code, response.text, retry_after(response.headers))


def _transport_errors() -> tuple[type[Exception], ...]:
    import anyio
    import httpx2

    # TLS streams do not wrap the last two: https://github.com/pydantic/httpx2/issues/854
    return (httpx2.RequestError, httpx2.InvalidURL, OSError, ssl.SSLError, anyio.EndOfStream)


def _causes(error: BaseException | None) -> str:
    """The messages of an error and its causes: a certificate error is deep in that chain."""
    return " / ".join(str(cause) for cause in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


# -- the list of models: requested when needed, and cached -----------------------------------------

GLANCE_TIMEOUT_S: Final = 2.0
"""Seconds that the first `glance` waits for the list; a page is drawn without it then."""

LIST_RETRY_INTERVAL_S: Final = 30.0
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
    """The model of one backend in the server's list, `GET /v1/models`. Safe from all threads."""

    def __init__(self, transport: Transport, wanted: str | None) -> None:
        self._transport, self._wanted = transport, wanted
        self._lock = threading.Lock()
        self._offer: Offer | None = None
        self._response: StreamedResponse | None = None
        self._body = b""
        self._glanced = False
        self._failed = -LIST_RETRY_INTERVAL_S

    @property
    def known(self) -> Offer:
        """The cached offer, empty before the server has sent its list."""
        return self._offer or Offer()

    def glance(self) -> Offer:
        """The cached offer, for a page that is being drawn. Requests the list if need be; waits at
        most `GLANCE_TIMEOUT_S` the first time, and raises nothing."""
        if self._offer is None:
            with self._lock:
                self._poll()
        return self._offer or Offer()

    def ask(self, idle_timeout: float, cancel: threading.Event, anew: bool = False) -> Offer:
        """The offer, requested if need be, or `anew`. Raises as `StreamedResponse.read` does."""
        if anew or self._offer is None:
            response = self._transport.models()
            try:
                body = response.read_all(idle_timeout, cancel)
            finally:
                response.close()
            self._store(body)
        return self._offer or Offer()

    def _poll(self) -> None:
        if self._offer or (
            self._response is None and time.monotonic() < self._failed + LIST_RETRY_INTERVAL_S
        ):
            return
        idle_timeout, self._glanced = 0.0 if self._glanced else GLANCE_TIMEOUT_S, True
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
