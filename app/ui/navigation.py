"""The parts that all pages share: title, style, navigation."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.ui.alive import draw_watch
from app.ui.composer.message_box import draw_guard
from app.ui.people.account import draw_account, greet
from app.ui.people.admins import is_admin

PAGES = Path(__file__).resolve().parents[1] / "views"
ICON = Path(__file__).resolve().parents[2] / "assets" / "icon.png"
STYLE = Path(__file__).with_name("style.css")


def show_page() -> None:
    """Registers the pages and runs the requested one."""
    st.set_page_config(
        page_title="GLM All Tools",
        page_icon=str(ICON),
        layout="centered",
        initial_sidebar_state="auto",
    )
    st.html(STYLE)
    draw_watch()
    draw_guard()
    greet()
    pages = [
        st.Page(PAGES / "chat.py", title="Chat", icon=":material/chat:", default=True),
        st.Page(PAGES / "tools.py", title="Tools", icon=":material/build:"),
        st.Page(PAGES / "documents.py", title="Documents", icon=":material/description:"),
        st.Page(PAGES / "vision.py", title="Vision", icon=":material/image_search:"),
        st.Page(PAGES / "models.py", title="Models", icon=":material/neurology:"),
        st.Page(PAGES / "settings.py", title="Settings", icon=":material/settings:"),
        st.Page(PAGES / "help.py", title="Help", icon=":material/help:"),
    ]
    if is_admin():
        usage = st.Page(PAGES / "usage.py", title="Usage", icon=":material/monitoring:")
        pages.insert(-1, usage)
    page = st.navigation(pages, position="top")
    draw_account()
    page.run()
