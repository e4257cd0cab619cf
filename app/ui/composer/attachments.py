"""Attaches files to the next message."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.core.attachments import Upload
from app.core.attachments.images import pictures_folder
from app.core.attachments.uploads import Attached, attach_files
from app.core.modes import Mode
from app.core.sessions.session import Session
from app.core.settings import Settings
from app.ui.elements.user_files import file_label
from backends.base import Images


def draw_waiting(mode: Mode) -> None:
    """Draw the files that wait for the next message: photos, and those of a rejected message."""
    waiting = st.session_state.get(_waiting(mode), ())
    if waiting:
        names = ", ".join(file_label(part) for part in waiting)
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
    mode: Mode, session: Session, uploads: Sequence[Upload], settings: Settings, images: Images
) -> tuple[Attached, ...]:
    """Store the uploads of a message in the session's workspace.

    Returns the waiting files, then the new ones. Raises `UploadRejected`.
    """
    places = session.workspace.resolve(), pictures_folder(session.workspace).resolve()
    waiting = st.session_state.get(_waiting(mode), ())
    waiting = [part for part in waiting if part.path.parent in places]
    return attach_files(mode, uploads, session.workspace, settings, images, waiting)


def let_wait(mode: Mode, attached: Sequence[Attached]) -> None:
    """Replace the files that wait for the next message."""
    st.session_state[_waiting(mode)] = tuple(attached)


def _waiting(mode: str) -> str:
    return f"files-{mode}"
