"""What the Vision page says when its model sees nothing."""

from __future__ import annotations

import streamlit as st

from app.core.agent.visible_images import blind
from app.core.models.host import ModelHost
from app.ui.markdown import escaped


def draw_blind(host: ModelHost) -> None:
    """The sentence and what would change it, once the model is there; else nothing."""
    if host.backend is not None and host.images == "none":
        st.info(
            f"{escaped(blind(host.backend), 400)} What is written in a picture can be read for it.",
            icon=":material/visibility_off:",
        )
