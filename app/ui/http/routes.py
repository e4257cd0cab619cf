"""ASGI middleware with routes for a session's own files and images.

The form of a path is `/<route>/<session's folder>/<path>`; the server decodes it once, and it is
checked here only. Missing files, files of other visitors and malformed paths get the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.sessions.session import Session
from app.ui.http.visitor import visitor_of
from app.ui.service import service
from tools.safe_files import names_in

GONE = "This file is no longer there, or it is not yours."

Handler = Callable[[Session, tuple[str, ...], Request], Awaitable[Response | None]]
"""Answers a request for a path in the folder of one of the visitor's own sessions. The arguments:
the session, the names of the path, the request. Returns None if nothing is there."""


class StreamedFile(StreamingResponse):
    """A response that sends the chunks of an open file, and closes it however the request ends: for
    HEAD, and where the client has gone, nobody begins to read it."""

    def __init__(
        self, stream: BinaryIO, chunks: Iterator[bytes], headers: Mapping[str, str], mime: str
    ) -> None:
        super().__init__(chunks, 200, headers, mime)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()


class SessionRoutes:
    """Passes requests for `/<route>/…` to the handler of that name, all others to `app`."""

    def __init__(self, app: ASGIApp, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, _, path = scope.get("path", "").removeprefix("/").partition("/")
        if scope["type"] != "http" or route not in self._handlers:
            await self._app(scope, receive, send)
            return
        response = None
        if scope["method"] in ("GET", "HEAD"):
            response = await self._answer(self._handlers[route], path, Request(scope, receive))
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
