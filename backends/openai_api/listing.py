"""The list of a server's models, asked for once."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from backends.errors import BackendError, ModelUnavailable
from backends.openai_api.errors import IdleTimeout, RequestFailure, user_message, web_page
from backends.openai_api.server import Transport, header_of, host_of

MAX_LIST_BYTES = 8_000_000


def listed(url: str, key: str | None, timeout: float) -> list[str]:
    """The names of the models that a server lists, in its order.

    Args:
        url: its address, up to `/v1`.
        key: its key, None without one.
        timeout: seconds of silence after which it is given up.

    Raises `BackendError` with a sentence for the user.
    """
    host = host_of(url)
    transport = Transport(url, header_of(key))
    try:
        return _names(_read(transport, timeout), host)
    except IdleTimeout:
        raise ModelUnavailable(
            f"The model server at {host} was silent for {timeout:g} seconds."
        ) from None
    except RequestFailure as failure:
        raise _named(failure, host, key) from None
    finally:
        transport.close()


def _read(transport: Transport, timeout: float) -> bytes:
    response, body = transport.models(), b""
    try:
        while (piece := response.read(timeout, threading.Event())) is not None:
            body += piece
            if len(body) > MAX_LIST_BYTES:
                raise RequestFailure(200, "")
    finally:
        response.close()
    return body


def _names(body: bytes, host: str) -> list[str]:
    text = body.decode("utf-8", "replace")
    try:
        listing = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestFailure(200, text if web_page(text) else "") from None
    entries = listing.get("data") if isinstance(listing, Mapping) else listing
    names = [
        name
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, Mapping) and isinstance(name := each.get("id"), str)
        if name.isprintable() and 0 < len(name) <= 200
    ]
    if not names:
        raise ModelUnavailable(f"The server at {host} lists no model. Has it loaded one?")
    return list(dict.fromkeys(names))


def _named(failure: RequestFailure, host: str, key: str | None) -> BackendError:
    """The error for the user, who entered an address and a key in the page."""
    if failure.status == 200 and not web_page(failure.body):
        return ModelUnavailable(f"The server at {host} sent something that is no list of models.")
    error = user_message(failure, host, key)
    text = str(error).replace("GLM_MODEL", "the address").replace("GLM_API_KEY", "the key")
    return type(error)(text) if type(error) is ModelUnavailable else ModelUnavailable(text)
