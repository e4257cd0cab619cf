"""The line above the message box of a conversation whose Python variables are gone."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.sessions.cells import cells_of
from app.core.sessions.session import Session
from app.ui.composer.composer import guarded
from app.ui.elements.markdown import escaped

LOST = "Python was started anew: variables and imports are gone."


def draw_variables_lost(session: Session, current: Callable[[], Session]) -> None:
    """Draws the line, with a button that runs the cells again; nothing while a turn runs, or where
    nothing is lost."""
    if session.running or not session.has_lost_variables:
        return
    if not cells_of(session.view().conversation.messages):
        return
    with (
        st.bottom,
        st.container(horizontal=True, vertical_alignment="center", key="variables-lost"),
    ):
        problem = f" {escaped(session.cells_problem)}" if session.cells_problem else ""
        st.caption(f":material/restart_alt: {LOST}{problem}", width="content")
        st.button(
            "Run the cells again",
            key="run-cells",
            icon=":material/play_arrow:",
            on_click=lambda: guarded(lambda: current().run_cells()),
            help="Runs this conversation's Python once more, in its order. Nothing is added to the "
            "conversation; files are written again.",
        )
