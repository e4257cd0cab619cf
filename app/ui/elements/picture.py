"""Draws image files, at most at their own size."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import streamlit as st

from app.ui.elements.markdown import shown_name
from tools.safe_files import open_regular, read_regular

MAX_PICTURE_BYTES = 32_000_000
MAX_PICTURE_WIDTH_PX = 1460  # Streamlit would shrink a wider image again at every draw


def draw_picture(
    path: Path, name: str, max_width: int = MAX_PICTURE_WIDTH_PX, max_height: int | None = None
) -> bool:
    """Draw a PNG or JPEG file at its own size, or smaller within the limits.

    Arguments:
        path: path of the file.
        name: its name, which is the alternative text.
        max_width: in pixels.
        max_height: in pixels; None: no limit.

    Returns False, with nothing drawn, if the file can't be read or is no such image.
    """
    from tools.media import SHARP, PictureRefused

    try:
        with open_regular(path) as stream:
            stamp = path, stream.seek(0, io.SEEK_END), path.lstat().st_mtime_ns
        data, width, height = _for_page(*stamp)
    except (OSError, PictureRefused):
        return False
    if Path(name).stem.endswith(SHARP):
        width, height = width // 2, height // 2
    if max_height is not None and height > max_height:
        width = max(1, width * max_height // height)
    with st.container(width=min(width, max_width)):
        st.image(data, width="stretch", alt=shown_name(name).replace(SHARP, ""))
    return True


@lru_cache(maxsize=32)
def _for_page(path: Path, size: int, changed: int) -> tuple[bytes, int, int]:
    """An image's bytes, shrunk to `MAX_PICTURE_WIDTH_PX`, and its original width and height.

    Raises `OSError` and `PictureRefused`. `size` and `changed`, the time of the last change in
    nanoseconds, belong to the cache key.
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
