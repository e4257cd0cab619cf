"""Closes idle connections: uvicorn waits for a connection's first request without a timeout.

A connection takes a file descriptor before any middleware sees it. So uvicorn's protocol is patched
to close connections without a request within the timeout, and to close new ones at once while file
descriptors are scarce.
"""

from __future__ import annotations

import asyncio
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
    if descriptors.now().scarce:
        transport.abort()
        return
    asyncio.get_running_loop().call_later(FIRST_REQUEST_S, _close_silent, self, transport)


def _close_silent(protocol: Any, transport: asyncio.Transport) -> None:
    # One that became a WebSocket has another protocol by now.
    if protocol.cycle is None and transport.get_protocol() is protocol:
        transport.close()
