"""The list of the visitor's conversations in the sidebar."""

from __future__ import annotations

import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import person_key
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations import address


def draw_list(sessions: Sessions, visitor: str, session: Session) -> None:
    """Draws the conversations, newest first; a click shows one."""
    history = sessions.history
    if history is None:
        return
    try:
        entries = history.catalog.listed(person_key(visitor))
    except HistoryError as error:
        st.error(str(error))
        return
    for entry in entries:
        if entry.mode == session.mode:
            st.button(
                entry.title or "Untitled",
                key=f"open-{entry.id}",
                type="tertiary",
                on_click=address.show,
                args=(entry.id,),
            )
