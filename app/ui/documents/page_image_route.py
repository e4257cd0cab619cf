"""The route that serves images of document pages, with cited words marked, for the sources of an
answer. A page is rendered when a browser requests it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.sessions.session import Session
from app.ui.http.visitor import known_visitor
from app.ui.transcript.sources import Pictures, no_pictures
from tools.citations import Span

WIDE_PX = 1600
"""Width in pixels of a page that is opened by itself."""
MAX_CONCURRENT = 8
"""Pages that are rendered at the same time; each occupies a thread."""

MAX_SPANS = 100
"""Spans of text that are marked on a page, at most."""

_SPAN = "[0-9]{1,9}-[0-9]{1,9}"
_ASKED = re.compile(f"(?P<sheet>[0-9]{{1,9}})/(?P<spans>{_SPAN}(?:,{_SPAN}){{0,{MAX_SPANS - 1}}})")
_HEADERS = {
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_limiter: CapacityLimiter | None = None


def pictures_of(session: Session) -> Pictures:
    """The addresses of page images of that session's documents, relative to the app. None for a
    browser without cookies: it is identified by its connection, which the route does not see."""
    documents = session.documents
    if documents is None or known_visitor() is None:
        return no_pictures

    def address(page: NumberedPage, spans: Sequence[Span]) -> str:
        stretches = ",".join(f"{start}-{end}" for start, end in spans[:MAX_SPANS])
        found = documents.pictured(page)
        return f"pages/{session.workspace.name}/{page.id}/{stretches}" if found else ""

    return address


async def send_page(session: Session, names: tuple[str, ...], request: Request) -> Response | None:
    """Sends an image of a page of the visitor's own documents, with spans of its text marked."""
    global _limiter
    _limiter = _limiter or CapacityLimiter(MAX_CONCURRENT)
    asked = _ASKED.fullmatch("/".join(names))
    if session.documents is None or asked is None:
        return None
    pairs = (pair.split("-") for pair in asked["spans"].split(","))
    spans = tuple((int(start), int(end)) for start, end in pairs)
    width = (WIDE_PX,) if "wide" in request.query_params else ()
    page = int(asked["sheet"])
    picture = await run_sync(session.documents.marked, page, spans, *width, limiter=_limiter)
    return None if picture is None else Response(picture, 200, _HEADERS, "image/png")
