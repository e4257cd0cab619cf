"""Draws the files and images that are attached to a user's message."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.core.attachments.uploads import Attached
from app.ui.elements.markdown import drawable, escaped
from app.ui.elements.picture import draw_picture
from backends.messages import Document, Picture
from tools.base import file_size
from tools.media import PICTURES

THUMBNAIL_PX = 240


def draw_attached(attached: Sequence[Attached]) -> None:
    """Draw the attachments of a user's message: files by name and size, images as thumbnails, and
    the text that OCR found in them."""
    if not attached:
        return
    seen = {part.name for part in attached if isinstance(part, Picture)}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for part in attached:
            if isinstance(part, Document) and part.name in seen:
                continue  # it is drawn as the image
            with st.container(width="content", gap=None):
                if part.mime in PICTURES:
                    draw_picture(part.path, part.name, THUMBNAIL_PX, THUMBNAIL_PX)
                st.markdown(file_label(part), width="content")
    for part in attached:
        if isinstance(part, Picture) and part.words is not None:
            _draw_words(part.name, part.words)


def _draw_words(name: str, words: str) -> None:
    if not words.strip():
        st.caption(f"No text was found in {escaped(name)}.")
        return
    with st.expander(f"Text in {escaped(name)}", icon=":material/document_scanner:"):
        st.code(drawable(words), language=None, wrap_lines=True)


def file_label(part: Attached) -> str:
    """A Markdown label with an icon, the name, and the size of a document."""
    if isinstance(part, Picture):
        return f":material/image: {escaped(part.name)}"
    return f":material/draft: {escaped(part.name)} :gray[{file_size(part.size)}]"
