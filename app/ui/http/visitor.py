"""Identifies visitors, by a signed cookie that the server sets in every browser."""

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
from app.core.service import lasting_folder
from app.core.visitor_tokens import VisitorTokens, signing_key
from app.ui.http.origin import scheme_of

COOKIE = "glm_visitor"
COOKIE_MAX_AGE_S = 400 * 24 * 3600
"""The longest that Chromium keeps a cookie (RFC 6265bis, section 5.6)."""

_PORT = re.compile(r":[0-9]{1,5}$", re.ASCII)


def visitor() -> str:
    """The id of this page's visitor.

    A browser without cookies gets one that lasts as long as its connection.
    """
    token: str = known_visitor() or st.session_state.setdefault(
        "visitor", secrets.token_urlsafe(32)
    )
    return token


def known_visitor() -> str | None:
    """The id of this page's visitor; None for a browser without cookies."""
    return visitor_by(st.context.headers.get("host") or "", st.context.cookies)


def visitor_of(request: HTTPConnection) -> str | None:
    """The id of a request's visitor; None for a browser without cookies."""
    return visitor_by(request.headers.get("host", ""), request.cookies)


def visitor_by(host: str, cookies: Mapping[str, str]) -> str | None:
    """The id of the visitor in the cookies of a request; None without a valid one.

    Arguments:
        host: the request's Host header.
        cookies: its cookies, by name.
    """
    return _tokens().visitor(cookies.get(cookie_name(host)))


def cookie_name(host: str) -> str:
    """The cookie's name for a Host header.

    It contains the port, because browsers send cookies to all ports of a host, where another
    server of this app may run.
    """
    port = _PORT.search(host)
    return f"{COOKIE}_{port[0][1:]}" if port else COOKIE


class VisitorCookie:
    """Sets or renews the visitor's cookie with every page, so that a reload keeps conversations."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope) if scope["type"] == "http" else None
        # Pages are recognised by the request, because a 304 response has no content type.
        if request is None or "text/html" not in request.headers.get("accept", ""):
            await self._app(scope, receive, send)
            return

        name = cookie_name(request.headers.get("host", ""))
        value = request.cookies.get(name) if visitor_of(request) else _tokens().new()
        same_site = "SameSite=Lax; Secure" if scheme_of(request) == "https" else "SameSite=Lax"
        cookie = f"{name}={value}; Path=/; Max-Age={COOKIE_MAX_AGE_S}; HttpOnly; {same_site}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


@cache
def _tokens() -> VisitorTokens:
    return VisitorTokens(signing_key(lasting_folder(settings.load().settings)))
