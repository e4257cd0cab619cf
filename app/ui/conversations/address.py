"""The address of a conversation, `?c=…`, which a reload and the browser's back button know."""

from __future__ import annotations

import contextlib
import time

import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import person_key
from app.core.modes import Mode
from app.core.people.limits import LimitReached
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.limits.addresses import page_address

PARAMETER = "c"
GONE = "The conversation that you asked for is no longer there, or it is not yours."
UNREADABLE = "The conversation that you asked for can't be read now."
SAID_S = 30.0
"""How long such a sentence stands beside the conversation that is shown instead."""
_SAID = "shown-instead"


def asked() -> str | None:
    """The conversation that the page's address names."""
    return st.query_params.get(PARAMETER)


def opened(sessions: Sessions, visitor: str, mode: Mode) -> Session:
    """The conversation that the page shows: the one that its address names, on the page of its
    mode; the current one where that is gone, or somebody else's, see `why_instead`."""
    id = asked()
    try:
        session = sessions.open(visitor, mode, id, page_address())
    except LimitReached as limit:
        st.error(str(limit), icon=":material/hourglass:")
        st.stop()
    if id is None or id == session.id:
        return session
    try:
        elsewhere = _mode_of(sessions, visitor, id)
    except HistoryError:
        said = UNREADABLE  # the address stays: it may be read later
    else:
        if elsewhere not in (None, mode):
            st.switch_page(f"views/{elsewhere}.py", query_params={PARAMETER: id})
        said = GONE
        forget()
    st.session_state[_SAID] = (session.id, time.monotonic(), said)
    return session


def why_instead(session: Session) -> str:
    """Why the conversation is shown instead of the one that was asked for a moment ago, as a
    sentence; empty where that one is shown."""
    id, at, said = st.session_state.get(_SAID, ("", 0.0, ""))
    return str(said) if id == session.id and time.monotonic() - at < SAID_S else ""


def _mode_of(sessions: Sessions, visitor: str, id: str) -> Mode | None:
    """The mode of a conversation of the visitor, None where there is none. Raises
    `HistoryError`."""
    history = sessions.history
    entry = None if history is None else history.catalog.entry(person_key(visitor), id)
    return None if entry is None else entry.mode


class Current:
    """The conversation of a page, as its buttons find it: opened again where it was closed
    meanwhile. Where it was deleted, in another tab, a new one takes its place: what is sent there
    comes to no conversation that the page does not show."""

    def __init__(self, sessions: Sessions, visitor: str, session: Session) -> None:
        self._sessions, self._visitor = sessions, visitor
        self._mode, self._id = session.mode, session.id

    def __call__(self) -> Session:
        found = self._sessions.open(self._visitor, self._mode, self._id)
        if found.id != self._id and not found.empty:
            with contextlib.suppress(LimitReached):
                found = self._sessions.renew(self._visitor, self._mode)
        self._id = found.id
        return found


def keep(session: Session) -> None:
    """Puts the conversation into the page's address, once it can be found by it."""
    if session.stored and asked() != session.id:
        st.query_params[PARAMETER] = session.id


def forget() -> None:
    """Takes the conversation out of the page's address."""
    st.query_params.pop(PARAMETER, None)


def show(id: str) -> None:
    """Shows another conversation of the same mode at the next draw."""
    st.query_params[PARAMETER] = id


def link(id: str, mode: Mode) -> str:
    """The address of a conversation, as seen from any page of the app."""
    return f"{'./' if mode == 'chat' else mode}?{PARAMETER}={id}"
