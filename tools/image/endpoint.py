"""A server with the OpenAI images endpoint: `POST …/images/generations`.

The reference is platform.openai.com/docs/api-reference/images. The request has only `model` and
`prompt`, since the other parameters differ between servers. The response holds the picture, or
its URL, which is fetched without the API key.
"""

from __future__ import annotations

import base64
import binascii
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from tools.base import ToolCancelled, ToolContext, ToolError
from tools.service_error import message_in, message_of, parsed, quoted

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

TIMEOUT_S = 180.0
"""Timeout of one picture in seconds; CogView needs 5 to 60."""
MAX_IMAGE_BYTES = 32_000_000
"""Largest accepted picture."""
_MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + 100_000  # the picture in base64, and its JSON


class Endpoint:
    """An image generator at a server.

    `url` is the base URL without `/images/generations`; it mostly ends in `/v1`. `model` is the
    model's name, None for the server's default. `key` is the API key, empty for none. `seconds`
    is the timeout of one picture.
    """

    def __init__(
        self, url: str, model: str | None = None, key: str = "", seconds: float = TIMEOUT_S
    ) -> None:
        self._url, self._model, self._key = url.rstrip("/"), model, key
        self._seconds = seconds

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """The bytes of the picture, not validated. Raises `ToolError` and `ToolCancelled`."""
        body = {"prompt": prompt, **({"model": self._model} if self._model else {})}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        url = f"{self._url}/images/generations"
        deadline = time.monotonic() + self._seconds
        answer = self._request(
            "POST", url, deadline, context, _MAX_RESPONSE_BYTES, headers=headers, json=body
        )
        text = _text(answer)
        value = parsed(text)
        return self._picture(text if value is None else value, url, deadline, context)

    def _picture(self, answer: Any, url: str, deadline: float, context: ToolContext) -> bytes:
        found = answer.get("data") if isinstance(answer, Mapping) else None
        first = found[0] if isinstance(found, list) and found else None
        if isinstance(first, Mapping):
            if isinstance(encoded := first.get("b64_json"), str) and encoded:
                try:
                    return base64.b64decode(encoded.partition("base64,")[2] or encoded)
                except (binascii.Error, ValueError):
                    raise ToolError("The picture service sent no picture.") from None
            if isinstance(address := first.get("url"), str) and address:
                return self._download(address, url, deadline, context)
        reason = self._plain(message_in(answer))
        raise ToolError(
            f"The picture service drew nothing: {reason}."
            if reason
            else "The picture service sent no picture."
        )

    def _download(self, address: str, url: str, deadline: float, context: ToolContext) -> bytes:
        if address.startswith("data:image/"):
            return self._picture({"data": [{"b64_json": address}]}, url, deadline, context)
        address = urljoin(url, address)
        if urlsplit(address).scheme not in ("http", "https"):
            raise ToolError("The picture service sent an address that is none.")
        return self._request("GET", address, deadline, context, MAX_IMAGE_BYTES)

    def _request(
        self,
        method: str,
        url: str,
        deadline: float,
        context: ToolContext,
        max_bytes: int,
        **fields: Any,
    ) -> bytes:
        """The body of a successful response, at most `max_bytes`. Raises `ToolError`."""
        import httpx

        limits = httpx.Timeout(max(0.1, deadline - time.monotonic()), connect=10.0)
        try:
            with (
                httpx.Client(timeout=limits, follow_redirects=True, trust_env=False) as client,
                client.stream(method, url, **fields) as response,
            ):
                body = _read(response, deadline, context, max_bytes)
        except httpx.TimeoutException:
            raise ToolError(self._late()) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            log.info("a picture service failed", exc_info=error)
            raise ToolError("The picture service can't be reached.") from None
        if response.is_success:
            return body
        reason = self._plain(message_of(_text(body)))
        reply = f" ({response.status_code}: {reason})" if reason else f" ({response.status_code})"
        if response.status_code in (401, 403) and not reason:
            reply += ", perhaps for its key"
        raise ToolError(f"The picture service refused{reply}.")

    def _late(self) -> str:
        return f"The picture service did not answer within {self._seconds:g} seconds."

    def _plain(self, text: str) -> str:
        """The service's message on one line, without markup and without the API key."""
        return quoted(text, self._key, 300)


def _read(response: httpx.Response, deadline: float, context: ToolContext, max_bytes: int) -> bytes:
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise ToolError("What the picture service sent is too large.")
        if context.cancel.is_set():
            raise ToolCancelled("Stopped by the user.")
        if time.monotonic() > deadline:
            raise ToolError("The picture service did not end its answer in time.")
    return b"".join(chunks)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
