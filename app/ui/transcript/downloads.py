"""Offers files of a conversation for download: a row of links, and the route that serves them.

Files of any size are streamed from the workspace, and only to the visitor of the conversation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response

from app.core.sessions.session import Session
from app.ui.elements.component import Component
from app.ui.elements.keys import unique_key
from app.ui.elements.markdown import escaped, shown_name
from app.ui.http.media_files import download
from app.ui.http.routes import StreamedFile
from app.ui.http.visitor import known_visitor
from app.ui.service import service
from tools.base import file_size
from tools.safe_files import open_below, open_regular, read_regular

CHUNK_BYTES = 256 * 1024
MAX_IN_MEMORY_BYTES = 50_000_000  # of a file for a browser without cookies


@dataclass(frozen=True)
class Offer:
    """A file for download: the name that is shown, its MIME type, and its absolute path."""

    name: str
    mime: str
    path: Path


def draw_offers(offers: Sequence[Offer]) -> None:
    """Draw files as links with their sizes.

    Browsers without cookies get download buttons instead, because the route can't identify them.
    """
    known = known_visitor() is not None
    links, buttons, gone = [], [], []
    for offer in offers:
        size = _size(offer.path)
        address = _address(offer.path) if known else None
        if size is None:
            gone.append(offer)
        elif address is None:
            buttons.append((offer, size))
        else:
            name = shown_name(offer.name)
            file = Path(name).name
            links.append({"name": name, "size": file_size(size), "address": address, "file": file})
    if links:
        draw_links(links, unique_key(" ".join(link["address"] for link in links)))
    for offer, size in buttons:
        _draw_button(offer, size)
    for offer in gone:
        st.caption(f"{escaped(offer.name)} is no longer there.")


def draw_links(links: Sequence[Mapping[str, str]], key: str) -> None:
    """Downloads as links in a row: what each is called (`name`), its `size`, its `address`, and the
    name that the `file` gets; empty for the one that the server says."""
    _LINKS.draw({"files": links}, key=key, height="content")


async def send_file(session: Session, names: tuple[str, ...], _request: Request) -> Response | None:
    """A file of the session's workspace as a download; None if it doesn't exist. See `Handler`."""
    try:
        stream = open_below(session.workspace, names)
    except (OSError, ValueError):
        return None
    size = os.fstat(stream.fileno()).st_size
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(names[-1])}",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamedFile(stream, _pieces(stream, size), headers, "application/octet-stream")


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """The first `size` bytes in chunks; the file may grow meanwhile."""
    while size and (piece := stream.read(min(CHUNK_BYTES, size))):
        size -= len(piece)
        yield piece


def _size(path: Path) -> int | None:
    try:
        with open_regular(path) as stream:
            return os.fstat(stream.fileno()).st_size
    except OSError:
        return None


def _address(path: Path) -> str | None:
    """The URL of a file of a conversation, relative to any page; None for other files."""
    try:
        below = path.relative_to(service().sessions.root.resolve())
    except ValueError:
        return None
    return "files/" + "/".join(quote(part, safe="") for part in below.parts)


def _draw_button(offer: Offer, size: int) -> None:
    st.download_button(
        f"{shown_name(offer.name)} · {file_size(size)}",
        download(lambda: read_regular(offer.path, MAX_IN_MEMORY_BYTES)),
        file_name=Path(offer.name).name,
        mime="application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        key=unique_key(str(offer.path)),
    )


_HTML = '<div class="files"></div>'
_CSS = """
.files { display: flex; flex-wrap: wrap; gap: 0.5rem; }
a { display: inline-flex; align-items: center; gap: 0.5rem; max-width: 100%; box-sizing: border-box;
  font-family: var(--st-font); font-size: 0.9rem; color: var(--st-text-color);
  text-decoration: none; border: 1px solid var(--st-border-color); padding: 0.35rem 0.7rem;
  border-radius: var(--st-button-radius); background: var(--st-background-color); }
a:hover, a:focus-visible { color: var(--st-primary-color); border-color: var(--st-primary-color); }
svg { flex: none; width: 1em; height: 1em; fill: none; stroke: currentColor; stroke-width: 2;
  stroke-linecap: round; stroke-linejoin: round; }
.name { overflow-wrap: anywhere; }
.size { flex: none; opacity: 0.75; }
"""
_JS = """
const SVG = "http://www.w3.org/2000/svg"
export default function ({ data, parentElement }) {
  const files = parentElement.querySelector(".files")
  files.replaceChildren(...decoded(data).files.map(({ name, size, address, file }) => {
    const link = document.createElement("a")
    link.href = address
    link.download = file
    const icon = document.createElementNS(SVG, "svg")
    icon.setAttribute("viewBox", "0 0 24 24")
    icon.setAttribute("aria-hidden", "true")
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("d", "M12 3v12m0 0 5-5m-5 5-5-5M4 20h16")
    icon.append(path)
    const words = document.createElement("span")
    words.className = "name"
    words.textContent = name
    const length = document.createElement("span")
    length.className = "size"
    length.textContent = size
    link.append(icon, words, length)
    return link
  }))
}
"""
_LINKS = Component("files", html=_HTML, css=_CSS, js=_JS)
