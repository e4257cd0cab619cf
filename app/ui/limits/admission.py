"""Admission of pages: a page above a limit is refused with a sentence, so that open ones keep
working.

A page is an open WebSocket. The limits apply to all pages together, by a setting and by the free
file descriptors; to the pages of one visitor and of one address; and to how often either opens new
ones.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import descriptors
from app.ui.limits.buckets import Buckets
from app.ui.limits.visitors import ClientIdentity

log = logging.getLogger(__name__)

VISITOR_PAGES = 30
"""Open pages of one visitor, more than anybody uses."""
VISITOR_OPENINGS_A_MINUTE = 60.0
"""Pages that one visitor opens per minute, reloads included."""
RETRY_S = 10
"""Seconds after which a refused browser may try again."""
LOG_EVERY_S = 60.0

FULL = "This server has as many open pages as it can serve. Please try again in a minute."
MANY_OF_ADDRESS = (
    "There are too many open pages from your network address. Close some, or try again in a minute."
)
MANY_OF_VISITOR = "You have too many open pages here. Close some, then reload this one."
TOO_OFTEN = "Too many pages were opened in a short time. Please try again in a minute."

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{retry}">
<meta name="viewport" content="width=device-width"><title>GLM All Tools</title></head>
<body style="font-family: sans-serif; max-width: 36rem; margin: 20vh auto; padding: 0 1rem">
<p>{sentence}</p></body></html>
"""


class Admission:
    """ASGI middleware. `pages` is the maximum of open pages, 0 for as many as the file descriptors
    allow; `address_pages` is the maximum of one address, and `address_openings` how many pages an
    address opens per minute."""

    def __init__(
        self,
        app: ASGIApp,
        identity: ClientIdentity,
        pages: int,
        address_pages: int,
        address_openings: float,
        descriptors_now: Callable[[], descriptors.Descriptors] = descriptors.now,
    ) -> None:
        self._app, self._identity = app, identity
        self._pages, self._address_pages = pages, address_pages
        self._now = descriptors_now
        self._open = 0
        self._of_address: Counter[str] = Counter()
        self._of_visitor: Counter[str] = Counter()
        self._address_openings = Buckets(address_openings / 60, address_openings)
        self._visitor_openings = Buckets(VISITOR_OPENINGS_A_MINUTE / 60, VISITOR_OPENINGS_A_MINUTE)
        self._logged = -LOG_EVERY_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
        elif _asks_for_page(scope) and (trouble := self._no_room(scope)):
            self._log(trouble)
            content = _PAGE.format(sentence=trouble, retry=RETRY_S)
            headers = {"Retry-After": str(RETRY_S), "Connection": "close"}
            await HTMLResponse(content, 503, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor, address = self._identity.visitor(scope), self._identity.address(scope)
        trouble = self._no_room(scope)
        if trouble is None and not (
            (address == "" or self._address_openings[address].take())
            and (visitor is None or self._visitor_openings[visitor].take())
        ):
            trouble = TOO_OFTEN
        if trouble is not None:
            self._log(trouble)
            await _refuse(scope, receive, send, trouble)
            return
        self._count(visitor, address, 1)
        try:
            await self._app(scope, receive, send)
        finally:
            self._count(visitor, address, -1)

    def _count(self, visitor: str | None, address: str, one: int) -> None:
        self._open += one
        for counter, name in ((self._of_address, address), (self._of_visitor, visitor)):
            if name:
                counter[name] += one
                if not counter[name]:
                    del counter[name]

    def _no_room(self, scope: Scope) -> str | None:
        """The reason why no further page is admitted, as a sentence; None where one is."""
        left = self._now()
        if (self._pages and self._open >= self._pages) or (left.limit and not left.pages):
            return FULL
        address = self._identity.address(scope)
        if address and self._of_address[address] >= self._address_pages:
            return MANY_OF_ADDRESS
        visitor = self._identity.visitor(scope)
        if visitor and self._of_visitor[visitor] >= VISITOR_PAGES:
            return MANY_OF_VISITOR
        return None

    def _log(self, trouble: str) -> None:
        now = time.monotonic()
        if now - self._logged >= LOG_EVERY_S:
            self._logged = now
            log.warning("A page was refused (%s pages are open): %s", self._open, trouble)


def _asks_for_page(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in Headers(scope=scope).get("accept", "")
    )


async def _refuse(scope: Scope, receive: Receive, send: Send, sentence: str) -> None:
    """Rejects a WebSocket handshake with status 503."""
    await receive()  # its "websocket.connect"
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1013, "reason": sentence[:120]})
        return

    async def send_as_websocket(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    answer = PlainTextResponse(sentence, 503, {"Retry-After": str(RETRY_S)})
    await answer({**scope, "type": "http"}, receive, send_as_websocket)
