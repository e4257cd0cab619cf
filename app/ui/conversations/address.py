"""The address of a conversation, `?c=…`, which a reload and the browser's back button know."""

from __future__ import annotations

import streamlit as st

from app.core.modes import Mode
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session

PARAMETER = "c"


def asked() -> str | None:
    """The conversation that the page's address names."""
    return st.query_params.get(PARAMETER)


def opened(sessions: Sessions, visitor: str, mode: Mode) -> Session:
    """The conversation that the page shows. Says so where the address names one that is gone, or
    somebody else's."""
    id = asked()
    session = sessions.open(visitor, mode, id)
    if id is not None and id != session.id:
        st.toast("This conversation is no longer there, or not yours.", icon=":material/link_off:")
        forget()
    return session


def keep(session: Session) -> None:
    """Puts the conversation into the page's address, once it can be found by it."""
    if session.stored and asked() != session.id:
        st.query_params[PARAMETER] = session.id


def forget() -> None:
    """Takes the conversation out of the page's address."""
    st.query_params.pop(PARAMETER, None)


def show(id: str) -> None:
    """Shows another conversation of the same mode; called by a button."""
    st.query_params[PARAMETER] = id
