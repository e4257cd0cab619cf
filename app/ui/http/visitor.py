"""The visitor of a page, by a signed cookie that the server sets in every browser."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import cache

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import settings
from app.core.service import data_folder
from app.core.visitor_tokens import VisitorTokens, signing_key
from app.ui.http.origin import scheme_of

COOKIE = "glm_visitor"
COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that Chromium keeps a cookie (RFC 6265bis, section 5.6)."""

_PORT = re.compile(r":[0-9]{1,5}$", re.ASCII)


def visitor() -> str:
    """Who looks at this page. A browser that takes no cookies is known by its connection alone,
    and forgotten with it."""
    token: str = known_visitor() or st.session_state.setdefault(
        "visitor", secrets.token_urlsafe(32)
    )
    return token


def known_visitor() -> str | None:
    """The visitor of this page; None for a browser that takes no cookies."""
    return visitor_by(st.context.headers.get("host") or "", st.context.cookies)


def visitor_of(request: HTTPConnection) -> str | None:
    """The visitor of a request; None for a browser that takes no cookies."""
    return visitor_by(request.headers.get("host", ""), request.cookies)


def visitor_by(host: str, cookies: Mapping[str, str]) -> str | None:
    """Whom the cookies of a request to `host`, as that header has it, name; None for nobody."""
    return _tokens().visitor(cookies.get(cookie_name(host)))


def cookie_name(host: str) -> str:
    """The cookie's name for a browser that asks `host`, as the header has it. Browsers send
    cookies to all ports of a host alike: another server there has another name for its own."""
    port = _PORT.search(host)
    return f"{COOKIE}_{port[0][1:]}" if port else COOKIE


class VisitorCookie:
    """Gives every browser a secret name, so that a reload finds its conversation again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope) if scope["type"] == "http" else None
        # By what was asked for: an answer of "not modified" does not say what it is.
        if request is None or "text/html" not in request.headers.get("accept", ""):
            await self._app(scope, receive, send)
            return

        name = cookie_name(request.headers.get("host", ""))
        value = request.cookies.get(name) if visitor_of(request) else _tokens().new()
        place = "SameSite=Lax; Secure" if scheme_of(request) == "https" else "SameSite=Lax"
        cookie = f"{name}={value}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; {place}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


@cache
def _tokens() -> VisitorTokens:
    return VisitorTokens(signing_key(data_folder(settings.load().settings)))
