"""The address of a conversation, `?c=…`, which a reload and the browser's back button know."""

from __future__ import annotations

import streamlit as st

from app.core.modes import Mode
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session

PARAMETER = "c"
GONE = "This conversation is no longer there, or it is not yours. Another one is shown."
_GO = "go-to-conversation"


def asked() -> str | None:
    """The conversation that the page's address names."""
    return st.query_params.get(PARAMETER)


def opened(sessions: Sessions, visitor: str, mode: Mode) -> tuple[Session, bool]:
    """The conversation that the page shows; and whether it is another one than the address names,
    for that one is gone, or somebody else's. Goes to another mode's page where `show` asked."""
    if (going := st.session_state.pop(_GO, None)) is not None:
        page, id = going
        st.switch_page(f"views/{page}.py", query_params={PARAMETER: id})
    id = asked()
    session = sessions.open(visitor, mode, id)
    missing = id is not None and id != session.id
    if missing:
        forget()
    return session, missing


def keep(session: Session) -> None:
    """Puts the conversation into the page's address, once it can be found by it."""
    if session.stored and asked() != session.id:
        st.query_params[PARAMETER] = session.id


def forget() -> None:
    """Takes the conversation out of the page's address."""
    st.query_params.pop(PARAMETER, None)


def show(id: str, mode: Mode, here: Mode) -> None:
    """Shows another conversation at the next draw; `here` is the mode of the page."""
    if mode == here:
        st.query_params[PARAMETER] = id
    else:
        st.session_state[_GO] = (mode, id)


def link(id: str, mode: Mode) -> str:
    """The address of a conversation, as seen from any page of the app."""
    return f"{'./' if mode == 'chat' else mode}?{PARAMETER}={id}"
