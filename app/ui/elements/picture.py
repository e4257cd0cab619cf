"""An image file in its own size, or smaller."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import streamlit as st

from app.ui.elements.markdown import shown_name
from tools.safe_files import open_regular, read_regular

MAX_PICTURE_BYTES = 32_000_000  # bytes
MAX_PICTURE_WIDTH_PX = 1460  # pixels; Streamlit would shrink a wider picture at every draw


def draw_picture(
    path: Path, name: str, widest: int = MAX_PICTURE_WIDTH_PX, highest: int | None = None
) -> bool:
    """A PNG or JPEG in its own size, or smaller where it would be wider or higher than allowed, in
    pixels; whether it is one."""
    from tools.media import SHARP, PictureRefused

    try:
        with open_regular(path) as stream:
            stamp = path, stream.seek(0, io.SEEK_END), path.lstat().st_mtime_ns
        data, width, height = _for_page(*stamp)
    except (OSError, PictureRefused):
        return False
    if Path(name).stem.endswith(SHARP):
        width, height = width // 2, height // 2
    if highest is not None and height > highest:
        width = max(1, width * highest // height)
    with st.container(width=min(width, widest)):
        st.image(data, width="stretch", alt=shown_name(name).replace(SHARP, ""))
    return True


@lru_cache(maxsize=32)
def _for_page(path: Path, size: int, changed: int) -> tuple[bytes, int, int]:
    """A picture's bytes, shrunk to what a page can show, and the width and height of its own.

    Raises `OSError` and `PictureRefused`.
    """
    from tools.media import picture_size

    data = read_regular(path, MAX_PICTURE_BYTES)
    _, width, height = picture_size(data)
    if width > MAX_PICTURE_WIDTH_PX:
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            image.thumbnail((MAX_PICTURE_WIDTH_PX, image.height))
            shrunk = io.BytesIO()
            image.save(shrunk, image.format or "PNG")
            data = shrunk.getvalue()
    return data, width, height
