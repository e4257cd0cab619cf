"""Files that a user gives to the conversation: from the message box, and with the message."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.core.given import Given, keep_files
from app.core.session import Session
from app.core.settings import Settings
from app.ui.attachment import draw_picture
from app.ui.markdown import escaped
from backends.base import Document
from tools.base import file_size
from tools.mime import PICTURES

THUMBNAIL = 240  # pixels


def draw_given(documents: Sequence[Document]) -> None:
    """The files of a user's message: names and sizes, and pictures small."""
    if not documents:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for document in documents:
            with st.container(width="content", gap=None):
                if document.mime in PICTURES:
                    draw_picture(document.path, document.name, THUMBNAIL)
                st.markdown(_label(document), width="content")


def draw_waiting(mode: str) -> None:
    """The files that came with a message that was refused, and go with the next one."""
    documents = st.session_state.get(_waiting(mode), ())
    if documents:
        names = ", ".join(_label(document) for document in documents)
        st.caption(f"With the next message: {names}", width="content")


def take_files(
    mode: str, session: Session, uploads: Sequence[Given], settings: Settings
) -> tuple[Document, ...]:
    """The files of a message that is being sent, kept in the session's workspace, after those
    that still wait. Raises `FileRefused`."""
    kept = keep_files(uploads, session.workspace, settings)
    waiting = st.session_state.get(_waiting(mode), ())
    return (*(each for each in waiting if each.path.parent == session.workspace.resolve()), *kept)


def let_wait(mode: str, documents: Sequence[Document]) -> None:
    """Keeps the files for the next message; none where there are none."""
    st.session_state[_waiting(mode)] = tuple(documents)


def _label(document: Document) -> str:
    return f":material/draft: {escaped(document.name)} :gray[{file_size(document.size)}]"


def _waiting(mode: str) -> str:
    return f"files-{mode}"
