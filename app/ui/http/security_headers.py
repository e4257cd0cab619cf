"""ASGI middleware that adds security headers to every response.

Answers, fetched pages, charts and files are untrusted: they may not run scripts, send requests to
other hosts, or be framed. Responses are not cached, except for Streamlit's bundle.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

# The purpose of each source, determined in Chromium with Streamlit 1.67:
# - script-src 'self': Streamlit's bundle. The hashes: the inline script of its index.html, and the
#   scripts that our pages insert with `st.html`. blob: Streamlit passes the code of a component
#   (v2: the row of files, Copy) to `import()` as a blob. Plotly and Vega need no 'unsafe-eval',
#   because Streamlit draws Vega with its expression interpreter.
# - style-src 'unsafe-inline': Emotion, the data grid, Plotly, KaTeX and our own style sheet write
#   style elements and attributes, whose text changes.
# - img-src data: and blob: Plotly's export, previews of uploads, photos from the camera.
# - connect-src: the host's own WebSockets by name, because older browsers' 'self' excludes them.
_PAGE = (
    "default-src 'self'; script-src 'self' blob:{scripts}; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'{sockets}; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; worker-src 'none'; frame-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REST = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""For responses that are not pages: an SVG image with scripts runs none when opened by itself."""

_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", re.IGNORECASE)
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class SecurityHeaders:
    """Adds security headers to every response.

    Arguments:
        app: the application behind it.
        scripts: the inline scripts of our pages, as HTML; their hashes are allowed.
    """

    def __init__(self, app: ASGIApp, scripts: Iterable[str] = ()) -> None:
        self._app = app
        self._scripts = "".join(f" {one}" for page in (_index(), *scripts) for one in _hashes(page))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._secure(scope, message["status"], MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_secured)

    def _secure(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        # A 304 response has no content type. It gets the page's policy, which a cached page
        # needs, and which browsers ignore for other files.
        kind = headers.get("content-type", "")
        if kind.startswith("text/html") and "content-security-policy" in headers:
            pass  # a snapshot: its own policy is stricter
        elif kind.startswith("text/html") or status == 304:
            headers["Content-Security-Policy"] = self._policy(Headers(scope=scope).get("host", ""))
        elif not _is_bundle(scope["path"]):
            headers.setdefault("Content-Security-Policy", _REST)
        # Streamlit's bundle is the same for all visitors, and its names change with each version.
        if kind.startswith("text/html") or not _is_bundle(scope["path"]):
            headers["Cache-Control"] = "no-store"
        headers["X-Frame-Options"] = "DENY"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        # Browsers send our cookie to requests by pages of other ports of this host, too: those may
        # neither embed our responses nor keep a reference to our window.
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"

    def _policy(self, host: str) -> str:
        sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
        return _PAGE.format(scripts=self._scripts, sockets=sockets)


def _is_bundle(path: str) -> bool:
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return path.removeprefix(f"/{base}" if base else "").startswith("/static/")


@cache
def _index() -> str:
    """The HTML of Streamlit's page."""
    return Path(get_static_dir(), "index.html").read_text("utf-8")


def _hashes(page: str) -> Iterable[str]:
    for script in _INLINE.findall(page):
        digest = hashlib.sha256(script.encode()).digest()
        yield f"'sha256-{base64.b64encode(digest).decode()}'"
