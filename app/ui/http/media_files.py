"""ASGI middleware that serves Streamlit's media files only to visitors whose page shows them."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import PurePosixPath

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.session_manager import SessionClient

from app.ui.http.visitor import identity, known_visitor, visitor_of

GONE = "This file is no longer there, or it is not yours."
FILE_TIMEOUT_S = 2.0
"""Timeout for a file that is on no page of the visitor. While a page is redrawn, Streamlit doesn't
list its files until they are drawn again."""
POLL_INTERVAL_S = 0.1
MAX_DOWNLOADS = 1_000  # whose owners are stored


class OwnMedia:
    """Answers 404 to requests for a media file that is on none of the visitor's pages.

    Streamlit itself serves a file to anyone who knows its address. Here the cookie of the request
    must be that of a WebSocket connection whose page shows the file. Browsers without cookies
    can't be told apart by their requests: each gets the files on the pages of all of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _media_name(scope["path"]) if scope["type"] == "http" else ""
        if name and not await _is_own(name, visitor_of(Request(scope))):
            await PlainTextResponse(GONE, 404)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _media_name(path: str) -> str:
    """The name of the media file that the path asks for; empty for other paths."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    below = path.removeprefix(f"/{base}" if base else "")
    return below.removeprefix("/media/") if below.startswith("/media/") else ""


async def _is_own(name: str, visitor_id: str | None) -> bool:
    tries = round(FILE_TIMEOUT_S / POLL_INTERVAL_S)
    for _ in range(tries):
        if _is_on_a_page(PurePosixPath(name).stem, visitor_id):
            return True
        await asyncio.sleep(POLL_INTERVAL_S)
    return False


def _is_on_a_page(file_id: str, visitor_id: str | None) -> bool:
    if not runtime.exists():
        return False
    # Streamlit has no public API for the owners of files. These attributes are those of the
    # version in requirements.txt.
    server = runtime.get_instance()
    media = server.media_file_mgr
    with media._lock:
        sessions = [
            session
            for session, files in media._files_by_session_and_coord.items()
            if file_id in files.values()
        ]
    if any(_is_of(server.get_client(session), visitor_id) for session in sessions):
        return True
    file = media.read_file(file_id)
    # A file that is made on a click is on no page.
    return (
        file is not None
        and file.kind == MediaFileKind.DOWNLOADABLE
        and _downloads.is_of(visitor_id, file.content)
    )


def _is_of(client: SessionClient | None, visitor_id: str | None) -> bool:
    context = client.client_context if client is not None else None
    if context is None:
        return False
    person = identity({name.lower(): value for name, value in context.headers}, context.cookies)
    return (person.id if person is not None else None) == visitor_id


class _Downloads:
    """The visitors whose click made a download, by the digest of its content."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[bytes, set[str | None]] = OrderedDict()

    def add(self, visitor_id: str | None, content: bytes) -> None:
        digest = sha256(content).digest()
        with self._lock:
            self._owners.setdefault(digest, set()).add(visitor_id)
            self._owners.move_to_end(digest)
            while len(self._owners) > MAX_DOWNLOADS:
                self._owners.popitem(last=False)

    def is_of(self, visitor_id: str | None, content: bytes) -> bool:
        digest = sha256(content).digest()
        with self._lock:
            return visitor_id in self._owners.get(digest, ())


_downloads = _Downloads()


def download(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Wrap `make` for `st.download_button`, so that only this page's visitor gets the file.

    Arguments:
        make: returns the file's content; called on a click.
    """
    visitor_id = known_visitor()

    def made() -> bytes:
        content = make()
        _downloads.add(visitor_id, content)
        return content

    return made
