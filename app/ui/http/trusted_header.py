"""ASGI middleware that lets an account's header through only where a trusted proxy sent it.

Behind it the header says the truth, for plain requests and for the WebSockets of pages alike: all
that reads it there, such as `st.context.headers`, may believe it. Its value is percent-encoded,
for headers are Latin-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.networks import Network
from app.core.people.accounts import account_name
from app.ui.http.peer import comes_from


class TrustedHeader:
    """Drops the header `name`, unless it is sent once, by a peer in `proxies`, and names an
    account."""

    def __init__(self, app: ASGIApp, name: str, proxies: tuple[Network, ...]) -> None:
        self._app, self._name, self._proxies = app, name.lower().encode(), proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "headers": self._judged(scope)}
        await self._app(scope, receive, send)

    def _judged(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        sent = [value for name, value in scope["headers"] if name.lower() == self._name]
        kept = [pair for pair in scope["headers"] if pair[0].lower() != self._name]
        # Two may be the visitor's own and the proxy's: nobody knows which.
        if len(sent) == 1 and comes_from(scope, self._proxies) and (name := _decoded(sent[0])):
            kept.append((self._name, quote(name, safe="").encode()))
        return kept


def _decoded(value: bytes) -> str:
    try:
        return account_name(value.decode())
    except UnicodeDecodeError:
        return ""


def named_in(headers: Mapping[str, str], header: str) -> str:
    """The account that a request's headers name, behind the middleware; empty for none."""
    return unquote(headers.get(header.lower()) or "")
