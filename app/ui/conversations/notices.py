"""What is said above a conversation: that it is not stored, by choice or by a fault."""

from __future__ import annotations

import streamlit as st

from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations.address import why_instead
from app.ui.elements.markdown import escaped

TEMPORARY = (
    "Temporary conversation: nothing of it is stored. It is gone, with its files, once you begin "
    "or open another one here, or when you have been away for a while."
)


def draw_notices(sessions: Sessions, session: Session, listing: str) -> None:
    """Draws the notices, in a place that is there without any too. `listing` is why the list could
    not be read, as a sentence; empty where it could."""
    with st.container(key="notices", gap="small"):
        if problem := problem_of(sessions, session) or listing:
            st.error(escaped(problem, 600), icon=":material/error:")
        if session.temporary:
            st.info(TEMPORARY, icon=":material/visibility_off:")
        if said := why_instead(session):
            st.warning(said, icon=":material/link_off:")


def problem_of(sessions: Sessions, session: Session) -> str:
    """Why conversations are not kept, in a sentence; empty where they are."""
    own = session.recorder.problem if session.recorder is not None else ""
    return own or (sessions.history.problem if sessions.history is not None else "")
