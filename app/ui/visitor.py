"""Who looks at a page: a signed cookie that the server gives to every browser."""

from __future__ import annotations

import secrets

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "glm_visitor"
COOKIE_SECONDS = 30 * 24 * 3600


def visitor() -> str:
    """Who looks at this page: the browser's cookie. A browser that takes none (in a frame, say)
    is known by its connection alone, and forgotten with it."""
    cookie = st.context.cookies.get(COOKIE)
    if cookie:
        return cookie
    token: str = st.session_state.setdefault("visitor", secrets.token_urlsafe(32))
    return token


def visitor_of(request: HTTPConnection) -> str | None:
    """Who sends a request; None for a browser that takes no cookies."""
    return request.cookies.get(COOKIE)


class VisitorCookie:
    """Gives every browser a secret name, so that a reload finds its conversation again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        asked = Headers(scope=scope)
        # By what was asked for: an answer of "not modified" does not say what it is.
        page = "text/html" in asked.get("accept", "")

        async def send_with_cookie(message: Message) -> None:
            if page and message["type"] == "http.response.start":
                _give_cookie(scope, asked, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _give_cookie(scope: Scope, asked: Headers, headers: MutableHeaders) -> None:
    token = visitor_of(HTTPConnection(scope)) or secrets.token_urlsafe(32)
    https = "https" in (scope.get("scheme"), asked.get("x-forwarded-proto"))
    # Hosted Spaces show the app in a frame of another site, where only a partitioned cookie is
    # kept: one that is this site's within that frame, and nobody else's.
    place = "SameSite=None; Secure; Partitioned" if https else "SameSite=Lax"
    headers.append(
        "Set-Cookie", f"{COOKIE}={token}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; {place}"
    )
