"""ASGI middleware that refuses requests from pages of other origins.

A browser adds a visitor's cookie to requests that pages of any port of this host make. For
WebSockets and requests that send data, its header Origin always names the page; requests without
one come from no page. Other programs can forge the header, but they have no visitor's cookie.
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

REFUSED = "The request came from a page of another origin."
MAX_LOGGED = 10  # different origins, so that nobody can flood the log


class OriginGuard:
    """Refuses requests from pages of other origins: 403, or a WebSocket that doesn't open.

    Arguments:
        app: the application behind it.
        named: the server's own origins, besides the one of the request's Host header.
    """

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
            # The server answers 403 for a socket that is closed before it opens.
            refusal = PlainTextResponse(REFUSED, 403) if http else WebSocketClose(1008)
            await refusal(scope, receive, send)
            return
        if scope["type"] == "websocket":
            # Without the header Streamlit doesn't ask an external server for its own address.
            kept = [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, send)

    def _own(self, sent: str, request: HTTPConnection) -> bool:
        requested = origin(f"{scheme_of(request)}://{request.headers.get('host', '')}")
        page = origin(sent)
        return page is not None and (page == requested or page in self._named)

    def _log(self, sent: str) -> None:
        if len(self._logged) < MAX_LOGGED and sent not in self._logged:
            self._logged.add(sent)
            log.warning(
                "a page of %.200r was refused; if a proxy serves this app there, "
                "name it in GLM_ORIGINS",
                sent,
            )


def scheme_of(request: HTTPConnection) -> str:
    """The scheme by which the browser reached this server or the first proxy: `http` or `https`.

    Proxies send it in X-Forwarded-Proto. The header can be trusted here: no page can add it to a
    WebSocket, nor to other requests without this server's consent (CORS), and a program that
    forges it deceives only itself.
    """
    forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = forwarded or request.scope.get("scheme", "http")
    return "https" if scheme in ("https", "wss") else "http"
