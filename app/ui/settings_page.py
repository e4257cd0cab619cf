"""The Settings page: all settings and the checks of `doctor`."""

from __future__ import annotations

import streamlit as st

from app.core.doctor import Check, examine
from app.core.settings import settings_path
from app.ui.configuration.form import draw_form, draw_table
from app.ui.elements.markdown import drawable, escaped
from app.ui.help_page import draw_help_link
from app.ui.people.admins import is_admin
from app.ui.people.own_data import draw_own_data
from app.ui.service import PAINTED, load_model_soon, service
from app.ui.sidebar import draw_model

CHECKS_TTL_S = 60.0


def show_settings() -> None:
    """Draws all settings: as a form for admins, else as a table."""
    app_service = service()
    load_model_soon(PAINTED)
    with st.sidebar:
        draw_model(app_service.model)
    st.header("Settings", anchor=False)
    changeable = is_admin()
    st.caption(
        f"Saved in {escaped(settings_path().name)}. What the environment sets is fixed; an empty "
        "box means the default."
        if changeable
        else "Admins change these."
    )
    draw_help_link("settings", "Settings in the handbook")
    for problem in app_service.problems:
        st.warning(problem, icon=":material/warning:")
    if changeable:
        draw_form()
    else:
        draw_table(app_service)
    draw_own_data()
    st.subheader("Checks", anchor=False)
    st.caption("`python -m app.cli doctor` prints the same.")
    for check in _checks(app_service.model.state):
        sentence = drawable(f"{check.sentence} {check.fix}")
        st.markdown(f"{_MARKS[check.state]} **{check.name}**: {sentence}")


_MARKS = {
    "ok": ":green[:material/check_circle:]",
    "warning": ":orange[:material/warning:]",
    "fail": ":red[:material/error:]",
}


@st.cache_data(ttl=CHECKS_TTL_S, show_spinner="Checking…")
def _checks(model_state: str) -> list[Check]:
    """The findings of `doctor`, cached: the checks start a kernel."""
    return list(examine(service()))
