"""Connections before any middleware sees them: idle ones are closed, and small writes sent at once.

uvicorn waits for a connection's first request without a timeout, while the connection holds a file
descriptor. So its protocol is patched to close connections without a request within the timeout,
and new ones at once while file descriptors are scarce.

Streamlit and uvicorn make the listening socket without a protocol number, and asyncio sets
TCP_NODELAY only where that number is TCP's (CPython 3.11, `base_events._set_nodelay`). Without the
option each draw that follows another waits for the client's delayed acknowledgement, 40 ms on
Linux; so it is set here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from app.core import descriptors

FIRST_REQUEST_S = 10.0
"""Timeout of a connection's first request, including its headers."""


def bound_connections() -> None:
    """Patches uvicorn's HTTP protocol; once per process, before the server starts."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    protocol: Any = AutoHTTPProtocol
    if not hasattr(protocol, "_accepted"):
        protocol._accepted = protocol.connection_made
        protocol.connection_made = _connection_made


def _connection_made(self: Any, transport: asyncio.Transport) -> None:
    self._accepted(transport)
    with contextlib.suppress(OSError):  # a socket file has no such option
        accepted = transport.get_extra_info("socket")
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if descriptors.now().scarce:
        transport.abort()
        return
    asyncio.get_running_loop().call_later(FIRST_REQUEST_S, _close_silent, self, transport)


def _close_silent(protocol: Any, transport: asyncio.Transport) -> None:
    # One that became a WebSocket has another protocol by now.
    if protocol.cycle is None and transport.get_protocol() is protocol:
        transport.close()
