"""Identifies visitors: by an account, else by a signed cookie that the server sets in every
browser."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import cache

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.people.accounts import Person, of_header
from app.core.service import lasting_folder
from app.core.visitor_tokens import VisitorTokens, signing_key
from app.ui.http.oidc_cookie import signed_in
from app.ui.http.origin import scheme_of
from app.ui.http.trusted_header import named_in
from app.ui.service import loaded_settings

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
    person = known_person()
    return person.id if person is not None else None


def known_person() -> Person | None:
    """This page's visitor; None for a browser without cookies."""
    return identity(st.context.headers, st.context.cookies)


def visitor_of(request: HTTPConnection) -> str | None:
    """The id of a request's visitor; None for a browser without cookies."""
    person = identity(request.headers, request.cookies)
    return person.id if person is not None else None


def identity(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Person | None:
    """Who sends a request: an account, else the browser that this server gave a cookie; None for
    nobody. All that belongs to somebody is asked for with this person's id.

    Arguments:
        headers: the request's, behind `TrustedHeader`.
        cookies: its cookies, by name.
    """
    header = loaded_settings().settings.trusted_header
    if header and (name := named_in(headers, header)):
        return of_header(name)
    person = signed_in(cookies)
    if person is not None:
        return person
    token = cookie_visitor(headers.get("host") or "", cookies)
    return Person(token) if token else None


def cookie_visitor(host: str, cookies: Mapping[str, str]) -> str | None:
    """The visitor's token in the cookies of a request; None without a valid one.

    Arguments:
        host: the request's Host header.
        cookies: its cookies, by name.
    """
    token = _tokens().visitor(cookies.get(cookie_name(host)))
    return None if token in _forgotten else token


def forget_cookie(token: str) -> None:
    """Makes a cookie's token worth nothing: its browser gets another one."""
    _forgotten.add(token)


_forgotten: set[str] = set()


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
        known = cookie_visitor(request.headers.get("host", ""), request.cookies)
        value = request.cookies.get(name) if known else _tokens().new()
        same_site = "SameSite=Lax; Secure" if scheme_of(request) == "https" else "SameSite=Lax"
        cookie = f"{name}={value}; Path=/; Max-Age={COOKIE_MAX_AGE_S}; HttpOnly; {same_site}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


@cache
def _tokens() -> VisitorTokens:
    return VisitorTokens(signing_key(lasting_folder(loaded_settings().settings)))
