"""Files that a user gives to the conversation: from the message box, and with the message."""

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
    """What came with a message that was refused, or from the camera, and goes with the next."""
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
    """The files of a message that is being sent, kept with the session, after those that still
    wait. Raises `FileRefused`."""
    places = session.workspace.resolve(), pictures_folder(session.workspace).resolve()
    waiting = st.session_state.get(_waiting(mode), ())
    waiting = [part for part in waiting if part.path.parent in places]
    return attach_files(mode, uploads, session.workspace, settings, images, waiting)


def let_wait(mode: Mode, attached: Sequence[Attached]) -> None:
    """Keeps the files for the next message; none where there are none."""
    st.session_state[_waiting(mode)] = tuple(attached)


def _waiting(mode: str) -> str:
    return f"files-{mode}"
