"""Sends requests as bytes, so that no client library normalises paths or headers."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(
    url: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes = b"",
    source: str = "",
) -> Answer:
    """Send a request to the server at `url`, with `target` unchanged in its first line, from the
    address `source` where one is given."""
    place = urlsplit(url)
    assert place.hostname is not None and place.port is not None
    fields = {"Host": place.netloc, "Connection": "close"}
    if body:
        fields["Content-Length"] = str(len(body))
    fields |= headers or {}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    here = (source, 0) if source else None
    with socket.create_connection((place.hostname, place.port), TIMEOUT_S, here) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return Answer(response.status, response.headers, response.read())


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}
"""Headers that open a WebSocket (RFC 6455, section 1.3)."""


def shake_hands(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Opens the WebSocket of a page, and closes it at once: status 101 where it was opened."""
    return ask(url, "/_stcore/stream", UPGRADE | dict(headers or {}))


def cookies_set(answer: Answer) -> dict[str, str]:
    """The cookies that a response sets, by name."""
    pairs = [line.split(";")[0] for line in answer.headers.get_all("Set-Cookie") or ()]
    return dict(pair.split("=", 1) for pair in pairs)
