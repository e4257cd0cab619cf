"""The Settings page: all settings and the checks of `doctor`."""

from __future__ import annotations

import streamlit as st

from app.core.doctor import Check, examine
from app.core.rendering.settings_table import shown
from app.ui.elements.markdown import drawable
from app.ui.help_page import draw_help_link
from app.ui.people.own_data import draw_own_data
from app.ui.service import PAINTED, load_model_soon, service
from app.ui.sidebar import draw_model

CHECKS_TTL_S = 60.0


def show_settings() -> None:
    """Draws all settings, read-only: the environment and `glm.toml` set them."""
    app_service = service()
    load_model_soon(PAINTED)
    with st.sidebar:
        draw_model(app_service.model)
    st.header("Settings", anchor=False)
    st.caption(
        "Set these in the environment, or in `glm.toml` in the folder where the app is started; "
        "then start it again."
    )
    draw_help_link("settings", "Settings in the handbook")
    for problem in app_service.problems:
        st.warning(problem, icon=":material/warning:")
    st.table([row | {"Value": _code(row["Value"])} for row in shown(app_service.loaded)])
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


def _code(value: str) -> str:
    """A value as inline code: cells of a table are Markdown."""
    return f"`{drawable(value).replace('`', chr(39))}`" if value else ""
