"""The peer of a connection, which no header can change.

uvicorn puts the address of `X-Forwarded-For` in place of a peer on loopback. That is right for
limits, but an account's name is believed by who sent it, not by whom the sender names.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from starlette.types import Receive, Scope, Send

from app.core.networks import Network

PEER = "glm.peer"
"""The key of a scope that has the peer's address."""


def keep_peers() -> None:
    """Patches uvicorn's middleware; once per process, before the server starts."""
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    patched: Any = ProxyHeadersMiddleware
    if not hasattr(patched, "_translate"):
        patched._translate = patched.__call__
        patched.__call__ = _keep_peer


async def _keep_peer(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] in ("http", "websocket"):
        scope[PEER] = (scope.get("client") or ("",))[0]
    await self._translate(scope, receive, send)


def peer_of(scope: Scope) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of whoever opened the connection; None where it has none, as a socket file."""
    client = scope.get("client") or ("",)
    try:
        address = ipaddress.ip_address(scope.get(PEER, client[0]))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def comes_from(scope: Scope, networks: tuple[Network, ...]) -> bool:
    """Whether the peer is in one of `networks`."""
    peer = peer_of(scope)
    return peer is not None and any(
        peer.version == network.version and peer in network for network in networks
    )
