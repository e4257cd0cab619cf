"""Links to snapshots of the visitor's conversations: made, listed and revoked."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import streamlit as st

from app.core.exchange.shares import Share, listed, revoke, share
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.sessions.session import Session
from app.ui.elements.markdown import escaped

_MADE = "share-made"
WHAT = (
    "Whoever has the link can read this conversation as it is now, figures and all, without "
    "signing in. What you say later is not in it. It ends when you revoke it, or with the "
    "conversation."
)
DISK_FULL = "The link could not be made: the disk of this server may be full."


def draw(history: History, person: str, session: Session) -> None:
    """A button that makes a link, the link once it is made, and the visitor's links."""
    st.caption(WHAT)
    if st.button(
        "Make a link",
        key="share-now",
        type="primary",
        icon=":material/link:",
        disabled=not session.stored or session.running,
    ):
        try:
            st.session_state[_MADE] = session.id, _address(share(history, person, session.id))
        except (HistoryError, OSError) as error:
            st.error(str(error) if isinstance(error, HistoryError) else DISK_FULL)
    made = st.session_state.get(_MADE)
    if made and made[0] == session.id:
        st.code(made[1], language=None, wrap_lines=True)
        st.caption("Copy it now: it is not shown again.")
    try:
        links = listed(history, person)
    except HistoryError as error:
        st.error(str(error))
        return
    st.markdown("**My links**")
    if not links:
        st.caption("None.")
    for link in links:
        _draw_link(history, person, link)


def _draw_link(history: History, person: str, link: Share) -> None:
    def end() -> None:
        st.session_state.pop(_MADE, None)
        try:
            revoke(history, person, link.digest)
        except HistoryError as error:
            st.toast(str(error))

    with st.container(horizontal=True, vertical_alignment="center"):
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(link.created))
        st.markdown(f"{escaped(link.title, 60) or 'Untitled'} :gray[{day}]")
        st.button("Revoke", key=f"revoke-{link.digest[:16]}", on_click=end)


def _address(token: str) -> str:
    """The link for others, under the address at which the visitor reaches this page."""
    page = urlsplit(st.context.url or "")
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{page.scheme}://{page.netloc}/{base + '/' if base else ''}share/{token}"
