"""Deletes all conversations of a visitor, after they confirmed it."""

from __future__ import annotations

import streamlit as st

from app.core.history.database import HistoryError
from app.core.sessions.registry import Sessions
from app.ui.conversations import address
from app.ui.conversations.actions import forget_deleted

_OPEN = "confirm-delete-all"
QUESTION = (
    "All your conversations are deleted for good, in all modes, with their files: nothing can "
    "bring them back. Answers that are being written are stopped."
)


def open_dialog() -> None:
    """Opens the dialog at the next draw."""
    st.session_state[_OPEN] = True


def has_dialog() -> bool:
    """Whether the dialog is open."""
    return _OPEN in st.session_state


def draw_dialog(sessions: Sessions, visitor: str) -> None:
    """Draws the dialog, where it is open."""
    if has_dialog():
        st.dialog("Delete all conversations?", on_dismiss=_close)(_draw)(sessions, visitor)


def _close() -> None:
    st.session_state.pop(_OPEN, None)


def _draw(sessions: Sessions, visitor: str) -> None:
    if not has_dialog():
        st.rerun()
    st.write(QUESTION)
    with st.container(horizontal=True):
        now = st.button("Delete all", key="delete-all-now", type="primary")
        st.button("Keep them", key="delete-all-not", on_click=_close)
    if not now:
        return
    try:
        sessions.delete_all(visitor)
    except HistoryError as error:
        st.error(str(error), icon=":material/error:")
        return
    _close()
    forget_deleted()
    address.forget()
    st.rerun()
