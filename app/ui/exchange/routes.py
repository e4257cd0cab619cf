"""The routes behind exports and share links.

`/export/<conversation>/<format>` sends a conversation of the visitor's own, by their cookie, as a
download; `all` in place of the conversation sends every one. `/share/<token>` shows a snapshot to
whoever has the link, where `GLM_SHARING` is on. Whoever asks for what is not there, not theirs or
no link at all gets the same answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import get_args
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.core.exchange.exporting import Export, Format, export, of_person
from app.core.exchange.html_export import POLICY
from app.core.exchange.shares import shared_page
from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.ui.http.routes import GONE, StreamedFile
from app.ui.http.visitor import visitor_of
from app.ui.service import service

ALL = "all"
"""In an address, in place of a conversation's id."""
MAX_CONCURRENT = 4
"""Pieces of exports that are made at the same time; each occupies a thread."""
CHUNK_BYTES = 256 * 1024
NO_LINK = "This link is wrong, or was revoked."

_KEPT_BY_NOBODY = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_limiter: CapacityLimiter | None = None


def address(id: str, format: Format) -> str:
    """Where the page finds an export of the visitor's own conversation, or of `ALL`."""
    return f"export/{quote(id, safe='')}/{format}"


async def send_export(request: Request) -> Response:
    """Sends one conversation of the visitor's own, or all, as a download."""
    visitor, history = visitor_of(request), service().history
    format = request.path_params["format"]
    if visitor is None or history is None or format not in get_args(Format):
        return _gone()
    person, id = person_key(visitor), request.path_params["id"]
    try:
        made = await run_sync(_made, history, person, id, format, limiter=_slots())
    except HistoryError as error:
        return PlainTextResponse(str(error), 503, _KEPT_BY_NOBODY)
    if made is None:
        return _gone()
    headers = {
        **_KEPT_BY_NOBODY,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(made.name)}",
        "Content-Security-Policy": "sandbox",
    }
    body = () if request.method == "HEAD" else _sent(made.pieces)
    return StreamingResponse(body, 200, headers, "application/octet-stream")


def _made(history: History, person: str, id: str, format: Format) -> Export | None:
    wanted = of_person(history, person) if id == ALL else [(person, id)]
    made = export(history, wanted, format)
    if made is None or id != ALL:
        return made
    return Export(f"conversations.{made.name.rpartition('.')[2]}", made.pieces)


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    try:
        while (piece := await run_sync(next, pieces, None, limiter=_slots())) is not None:
            yield piece
    finally:
        if (close := getattr(pieces, "close", None)) is not None:
            close()


async def send_share(request: Request) -> Response:
    """Shows the snapshot of a share link."""
    built = service()
    if built.history is None or built.settings.sharing != "on":
        return _no_link()
    try:
        path = await run_sync(shared_page, built.history, request.path_params["token"])
        stream = None if path is None else path.open("rb")
    except HistoryError as error:
        return PlainTextResponse(str(error), 503, _KEPT_BY_NOBODY)
    except OSError:
        stream = None
    if stream is None:
        return _no_link()

    chunks = iter(partial(stream.read, CHUNK_BYTES), b"")
    headers = {
        **_KEPT_BY_NOBODY,
        "Content-Security-Policy": POLICY,
        "X-Robots-Tag": "noindex, nofollow",
    }
    return StreamedFile(stream, chunks, headers, "text/html; charset=utf-8")


def _slots() -> CapacityLimiter:
    global _limiter
    _limiter = _limiter or CapacityLimiter(MAX_CONCURRENT)
    return _limiter


def _gone() -> Response:
    return PlainTextResponse(GONE, 404, _KEPT_BY_NOBODY)


def _no_link() -> Response:
    return PlainTextResponse(NO_LINK, 404, _KEPT_BY_NOBODY)


ROUTES = [Route("/export/{id}/{format}", send_export), Route("/share/{token}", send_share)]
