"""The dialog in which conversations are exported, imported and shared."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.history.history import person_key
from app.core.service import Service
from app.core.sessions.session import Session
from app.ui.exchange import export_links, import_form, share_links
from app.ui.http.visitor import known_visitor

_OPEN = "exchange-dialog"
NO_COOKIES = (
    "Your browser takes no cookies: its conversations are forgotten with this page, and can't be "
    "exported or shared."
)


def open_dialog() -> None:
    """Opens the dialog at the next draw; called by the menu of all conversations."""
    st.session_state[_OPEN] = True


def has_dialog() -> bool:
    """Whether the dialog is open."""
    return _OPEN in st.session_state


def draw_dialog(service: Service, visitor: str, current: Callable[[], Session]) -> None:
    """Draws the dialog, where it is open."""
    if has_dialog() and service.history is not None:
        title = "Conversations out and in"
        st.dialog(title, width="medium", on_dismiss=_close)(_draw)(service, visitor, current)


def _close() -> None:
    st.session_state.pop(_OPEN, None)


def _draw(service: Service, visitor: str, current: Callable[[], Session]) -> None:
    history = service.history
    if history is None:
        return
    if known_visitor() is None:
        st.caption(NO_COOKIES)
        return
    session, person = current(), person_key(visitor)
    drawn: dict[str, Callable[[], None]] = {"Export": lambda: export_links.draw(session)}
    if service.settings.sharing == "on":
        drawn["Share"] = lambda: share_links.draw(history, person, session)
    drawn["Import"] = lambda: import_form.draw(
        history, visitor, session, service.settings.retention_days
    )
    part = st.segmented_control(
        "What to do",
        list(drawn),
        default="Export",
        required=True,
        key="exchange-part",
        label_visibility="collapsed",
    )
    drawn[part or "Export"]()
