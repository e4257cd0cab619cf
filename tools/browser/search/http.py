"""One request to a search service: bounded in time and size, its trouble in one clause."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.browser.search.base import SearchFailed
from tools.text import one_line

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
"""How long a service may take, all in all."""
MAX_BYTES = 4_000_000

_logger = logging.getLogger(__name__)
_REFUSALS = {
    401: "it does not accept the key",
    402: "its account has no money left",
    403: "it refuses the request",
    404: "there is no such service at its address",
    429: "it has had too many requests",
}


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    secret: str = "",
    seconds: float = TIMEOUT_S,
) -> dict[str, Any]:
    """The JSON object that the service answers with. Raises `SearchFailed`.

    `secret` never stands in the message, whatever the service says.
    """
    import httpx

    try:
        with (
            httpx.Client(timeout=httpx.Timeout(seconds, connect=min(seconds, 5.0))) as client,
            client.stream(
                method, url, headers=dict(headers or {}), params=params, json=body
            ) as response,
        ):
            text = _read(response, time.monotonic() + seconds)
            status = response.status_code
    except httpx.TimeoutException as error:
        offline = isinstance(error, httpx.ConnectTimeout)
        raise SearchFailed(_late(seconds), offline) from None
    except httpx.ConnectError as error:
        _logger.info("A search service was not reached.", exc_info=error)
        raise SearchFailed("it can't be reached", offline=True) from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        _logger.info("A search service failed.", exc_info=error)
        raise SearchFailed("the connection to it failed") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if status != 200:
        said = _said(value).replace(secret, "…") if secret else _said(value)
        why = _REFUSALS.get(status, f"it answered with the status {status}")
        raise SearchFailed(f"{why} ({said})" if said else why)
    if not isinstance(value, dict):
        raise SearchFailed("its answer is not the JSON that it should be")
    return value


def listed(value: Any, *path: str) -> list[dict[str, Any]]:
    """The list of objects at `path` in an answer; what is of another shape is left out."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _read(response: httpx.Response, ends: float) -> bytes:
    """The body; a service that sends it drop by drop gets no more time than another."""
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise SearchFailed(f"its answer is larger than {MAX_BYTES // 1_000_000} MB")
        if time.monotonic() > ends:
            raise SearchFailed("its answer did not end in time")
    return b"".join(pieces)


def _late(seconds: float) -> str:
    return f"it did not answer within {seconds:g} s"


def _said(value: Any) -> str:
    """The service's own words on an error, from wherever it keeps them."""
    for _ in range(4):
        if isinstance(value, str):
            return one_line(value, 120).rstrip(".")
        if not isinstance(value, dict):
            return ""
        value = next(
            (value[key] for key in ("error", "detail", "message", "msg") if value.get(key)), None
        )
    return ""
