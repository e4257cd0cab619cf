"""A server with the OpenAI images endpoint: `POST …/images/generations`.

The reference is platform.openai.com/docs/api-reference/images. Only `model` and `prompt` are sent:
what else there is differs from server to server. The picture comes in the answer, or as an
address, which is fetched without the key.
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
"""How long a picture may take; CogView needs 5 to 60 seconds."""
MAX_IMAGE_BYTES = 32_000_000
"""Bytes of a picture; a page shows no larger one."""
_LARGEST_ANSWER = (
    MAX_IMAGE_BYTES * 4 // 3 + 100_000
)  # the picture in base64, and what stands around it


class Endpoint:
    """Draws with the model `model`, None for the server's own choice, at `url`, which ends before
    `/images/generations`, mostly in `/v1`."""

    def __init__(
        self, url: str, model: str | None = None, key: str = "", seconds: float = TIMEOUT_S
    ) -> None:
        self._url, self._model, self._key = url.rstrip("/"), model, key
        self._seconds = seconds

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """The picture's bytes, whatever they are. Raises `ToolError`."""
        body = {"prompt": prompt, **({"model": self._model} if self._model else {})}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        url = f"{self._url}/images/generations"
        ends = time.monotonic() + self._seconds
        answer = self._sent("POST", url, ends, context, _LARGEST_ANSWER, headers=headers, json=body)
        value = parsed(said := _text(answer))
        return self._picture(said if value is None else value, url, ends, context)

    def _picture(self, answer: Any, url: str, ends: float, context: ToolContext) -> bytes:
        found = answer.get("data") if isinstance(answer, Mapping) else None
        first = found[0] if isinstance(found, list) and found else None
        if isinstance(first, Mapping):
            if isinstance(encoded := first.get("b64_json"), str) and encoded:
                try:
                    return base64.b64decode(encoded.partition("base64,")[2] or encoded)
                except (binascii.Error, ValueError):
                    raise ToolError("The picture service sent no picture.") from None
            if isinstance(address := first.get("url"), str) and address:
                return self._fetched(address, url, ends, context)
        said = self._plain(message_in(answer))
        raise ToolError(
            f"The picture service drew nothing: {said}."
            if said
            else "The picture service sent no picture."
        )

    def _fetched(self, address: str, url: str, ends: float, context: ToolContext) -> bytes:
        if address.startswith("data:image/"):
            return self._picture({"data": [{"b64_json": address}]}, url, ends, context)
        address = urljoin(url, address)
        if urlsplit(address).scheme not in ("http", "https"):
            raise ToolError("The picture service sent an address that is none.")
        return self._sent("GET", address, ends, context, MAX_IMAGE_BYTES)

    def _sent(
        self,
        method: str,
        url: str,
        ends: float,
        context: ToolContext,
        most: int,
        **fields: Any,
    ) -> bytes:
        """The body of an answer with a status of 200. Raises `ToolError`."""
        import httpx

        limits = httpx.Timeout(max(0.1, ends - time.monotonic()), connect=10.0)
        try:
            with (
                httpx.Client(timeout=limits, follow_redirects=True, trust_env=False) as client,
                client.stream(method, url, **fields) as response,
            ):
                body = _read(response, ends, context, most)
        except httpx.TimeoutException:
            raise ToolError(self._late()) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            log.info("a picture service failed", exc_info=error)
            raise ToolError("The picture service can't be reached.") from None
        if response.is_success:
            return body
        said = self._plain(message_of(_text(body)))
        reply = f" ({response.status_code}: {said})" if said else f" ({response.status_code})"
        if response.status_code in (401, 403) and not said:
            reply += ", perhaps for its key"
        raise ToolError(f"The picture service refused{reply}.")

    def _late(self) -> str:
        return f"The picture service did not answer within {self._seconds:g} seconds."

    def _plain(self, text: str) -> str:
        """The service's own words on one line, without markup and without the key."""
        return quoted(text, self._key, 300)


def _read(response: httpx.Response, ends: float, context: ToolContext, most: int) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise ToolError("What the picture service sent is too large.")
        if context.cancel.is_set():
            raise ToolCancelled("Stopped by the user.")
        if time.monotonic() > ends:
            raise ToolError("The picture service did not end its answer in time.")
    return b"".join(pieces)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
