"""ASGI middleware that refuses requests from pages of other origins.

A browser sends a visitor's cookie with what any page asks for on this host, whatever its port. It
says which page asked in the header Origin: always where a WebSocket is opened or something is
sent. A request without one comes from no page. Other programs may write what they like into it,
but they have no visitor's cookie.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.core.origins import Origin, origin

log = logging.getLogger(__name__)

REFUSED = "This was asked for by a page of another origin."
MAX_LOGGED = 10
"""Origins that the log is told of: anybody may send any number of them."""


class OriginGuard:
    """Refuses what pages of other origins ask for. `named` are origins that are this server's own
    beside the one that it is asked as."""

    def __init__(self, app: ASGIApp, named: Collection[Origin] = ()) -> None:
        self._app = app
        self._named = named
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        request = HTTPConnection(scope)
        sent = request.headers.getlist("origin")
        foreign = [each for each in sent if not self._own(each, request)]
        if foreign:
            self._log(foreign[0])
            http = scope["type"] == "http"
            # A socket that is closed before it opens is answered with 403 by the server.
            refusal = PlainTextResponse(REFUSED, 403) if http else WebSocketClose(1008)
            await refusal(scope, receive, send)
            return
        if scope["type"] == "websocket":
            # Streamlit would ask a server elsewhere for its own outer address, to compare it.
            kept = [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, send)

    def _own(self, sent: str, request: HTTPConnection) -> bool:
        asked_as = origin(f"{scheme_of(request)}://{request.headers.get('host', '')}")
        page = origin(sent)
        return page is not None and (page == asked_as or page in self._named)

    def _log(self, sent: str) -> None:
        if len(self._logged) < MAX_LOGGED and sent not in self._logged:
            self._logged.add(sent)
            log.warning(
                "a page of %.200r was refused; if a proxy serves this app there, "
                "name it in GLM_ORIGINS",
                sent,
            )


def scheme_of(request: HTTPConnection) -> str:
    """`http` or `https`: how the browser came, to the first proxy if there is one.

    A proxy says so in X-Forwarded-Proto. No page can make a browser send that header with a
    WebSocket, nor elsewhere without this server's leave, so whoever sends it speaks for itself.
    """
    forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = forwarded or request.scope.get("scheme", "http")
    return "https" if scheme in ("https", "wss") else "http"
