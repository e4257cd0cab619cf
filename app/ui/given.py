"""Files that a user gives to the conversation: from the message box, and with the message."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.core.attachments.accept import Attached, take
from app.core.attachments.images import pictures_folder
from app.core.attachments.uploads import Given
from app.core.modes import Mode
from app.core.sessions.session import Session
from app.core.settings import Settings
from app.ui.attachment import draw_picture
from app.ui.markdown import drawable, escaped
from backends.base import Images
from backends.messages import Document, Picture
from tools.base import file_size
from tools.media import PICTURES

THUMBNAIL = 240  # pixels


def draw_given(attached: Sequence[Attached]) -> None:
    """What came with a user's message: names and sizes of files, pictures small, and the words
    that were read in them."""
    if not attached:
        return
    seen = {part.name for part in attached if isinstance(part, Picture)}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for part in attached:
            if isinstance(part, Document) and part.name in seen:
                continue  # its picture stands for it
            with st.container(width="content", gap=None):
                if part.mime in PICTURES:
                    draw_picture(part.path, part.name, THUMBNAIL, THUMBNAIL)
                st.markdown(_label(part), width="content")
    for part in attached:
        if isinstance(part, Picture) and part.words is not None:
            _draw_words(part.name, part.words)


def _draw_words(name: str, words: str) -> None:
    if not words.strip():
        st.caption(f"No text was found in {escaped(name)}.")
        return
    with st.expander(f"Text in {escaped(name)}", icon=":material/document_scanner:"):
        st.code(drawable(words), language=None, wrap_lines=True)


def draw_waiting(mode: Mode) -> None:
    """What came with a message that was refused, or from the camera, and goes with the next."""
    waiting = st.session_state.get(_waiting(mode), ())
    if waiting:
        names = ", ".join(_label(part) for part in waiting)
        st.caption(f"With the next message: {names}", width="content")
        st.button(
            "Remove",
            key="remove-waiting",
            type="tertiary",
            icon=":material/close:",
            on_click=let_wait,
            args=(mode, ()),
        )


def take_files(
    mode: Mode, session: Session, uploads: Sequence[Given], settings: Settings, images: Images
) -> tuple[Attached, ...]:
    """The files of a message that is being sent, kept with the session, after those that still
    wait. Raises `FileRefused`."""
    places = session.workspace.resolve(), pictures_folder(session.workspace).resolve()
    waiting = st.session_state.get(_waiting(mode), ())
    waiting = [part for part in waiting if part.path.parent in places]
    return take(mode, uploads, session.workspace, settings, images, waiting)


def let_wait(mode: Mode, attached: Sequence[Attached]) -> None:
    """Keeps the files for the next message; none where there are none."""
    st.session_state[_waiting(mode)] = tuple(attached)


def _label(part: Attached) -> str:
    if isinstance(part, Picture):
        return f":material/image: {escaped(part.name)}"
    return f":material/draft: {escaped(part.name)} :gray[{file_size(part.size)}]"


def _waiting(mode: str) -> str:
    return f"files-{mode}"
