"""Bounds connections that say nothing: uvicorn waits for their first request for ever.

Each takes a descriptor before any middleware hears of it. So uvicorn's protocol is taught to close
one that has not asked for anything in time, and to close new ones at once where descriptors are so
few that those who are here would miss them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from app.core import descriptors

FIRST_REQUEST_S = 10.0
"""Seconds for a connection's first request, headers and all."""


def bound_connections() -> None:
    """Teaches uvicorn's HTTP protocol the limits; once a process, before the server starts."""
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
