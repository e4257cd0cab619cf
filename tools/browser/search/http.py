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
"""Timeout of one request in seconds, from the connection to the end of the body."""
MAX_RESPONSE_BYTES = 4_000_000

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
    """The JSON object in the service's response. Raises `SearchFailed`.

    `secret` is the API key, which is removed from the message of the exception.
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
        message = _error_message(value)
        message = message.replace(secret, "…") if secret else message
        why = _REFUSALS.get(status, f"it answered with the status {status}")
        raise SearchFailed(f"{why} ({message})" if message else why)
    if not isinstance(value, dict):
        raise SearchFailed("its answer is not the JSON that it should be")
    return value


def listed(value: Any, *path: str) -> list[dict[str, Any]]:
    """The list of objects at `path` in a response; values of other types are skipped."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The body. The deadline also ends a response that arrives in small pieces."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise SearchFailed(f"its answer is larger than {MAX_RESPONSE_BYTES // 1_000_000} MB")
        if time.monotonic() > deadline:
            raise SearchFailed("its answer did not end in time")
    return b"".join(chunks)


def _late(seconds: float) -> str:
    return f"it did not answer within {seconds:g} s"


def _error_message(value: Any) -> str:
    """The error message in a response, from any of the keys that services use; empty for none."""
    for _ in range(4):
        if isinstance(value, str):
            return one_line(value, 120).rstrip(".")
        if not isinstance(value, dict):
            return ""
        value = next(
            (value[key] for key in ("error", "detail", "message", "msg") if value.get(key)), None
        )
    return ""
