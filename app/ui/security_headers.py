"""The security headers of every response, as an ASGI middleware."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Answers, fetched pages and charts are untrusted: a picture in them must not call home, a chart
# must not fetch its data elsewhere, and nothing is framed or embedded from there.
POLICY = (
    "connect-src 'self' data: blob:{sockets}; img-src 'self' data: blob:; "
    "media-src 'self' data: blob:; font-src 'self' data:; "
    "object-src 'none'; frame-src 'self' data: blob:; base-uri 'self'; form-action 'self'"
)

_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", re.IGNORECASE)


class SecurityHeaders:
    """Gives every page its security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        asked = Headers(scope=scope)
        # By what was asked for: an answer of "not modified" does not say what it is.
        page = "text/html" in asked.get("accept", "")

        async def send_with_headers(message: Message) -> None:
            if page and message["type"] == "http.response.start":
                _secure(asked.get("host", ""), MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _secure(host: str, headers: MutableHeaders) -> None:
    headers["Content-Security-Policy"] = _policy(host)
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"


def _policy(host: str) -> str:
    # Older browsers don't count this host's own WebSockets as its own.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return POLICY.format(sockets=sockets)
