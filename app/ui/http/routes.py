"""What a session has for its visitor beside the pages, as an ASGI middleware ahead of Streamlit's.

`/<what>/<session's folder>/<path>`: the path is decoded once, by the server, and judged here alone.
Whoever asks for what is not there, not theirs or no path at all gets the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.sessions.session import Session
from app.ui.http.visitor import visitor_of
from app.ui.service import service
from tools.safe_files import names_in

GONE = "This file is no longer there, or it is not yours."

Handler = Callable[[Session, tuple[str, ...], Request], Awaitable[Response | None]]
"""Answers for the names of a path below the folder of one of the visitor's own sessions; None
where nothing is there."""


class SessionRoutes:
    """Answers requests below `/<what>/` by the handler of that name; all else goes on."""

    def __init__(self, app: ASGIApp, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what, _, path = scope.get("path", "").removeprefix("/").partition("/")
        if scope["type"] != "http" or what not in self._handlers:
            await self._app(scope, receive, send)
            return
        response = None
        if scope["method"] in ("GET", "HEAD"):
            response = await self._answer(self._handlers[what], path, Request(scope, receive))
        response = response or PlainTextResponse(GONE, 404, {"Cache-Control": "no-store"})
        await response(scope, receive, send)

    async def _answer(self, handler: Handler, path: str, request: Request) -> Response | None:
        visitor = visitor_of(request)
        try:
            folder, *names = names_in(path)
        except ValueError:
            return None
        session = service().sessions.named(visitor, folder) if visitor else None
        return None if session is None else await handler(session, tuple(names), request)
