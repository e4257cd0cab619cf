"""*Delete all my data*, on the Settings page."""

from __future__ import annotations

import streamlit as st

from app.core.history.database import HistoryError
from app.ui.http.oidc_cookie import signed_in
from app.ui.http.visitor import cookie_visitor, forget_cookie, known_person, visitor
from app.ui.service import service

LEAVE = """<script>
location.replace(new URL(".", document.baseURI))
</script>"""
"""Loads the first page anew: its browser gets another cookie, and the page another connection."""


def draw_own_data() -> None:
    """Draws the button; a dialog asks once more."""
    st.subheader("Your data", anchor=False)
    person = known_person()
    where = "of your account" if person is not None and person.has_account else "of this browser"
    st.caption(
        f"All conversations {where}, with their files and share links, presets and saved "
        "prompts, what was counted for you, and the cookie."
    )
    if st.button("Delete all my data", key="delete-data", icon=":material/delete_forever:"):
        _ask()


@st.dialog("Delete all your data?")
def _ask() -> None:
    st.write("This can't be undone.")
    with st.container(horizontal=True):
        sure = st.button("Yes, delete everything", key="delete-data-now", type="primary")
        if st.button("Cancel", key="delete-data-cancel"):
            st.rerun()
    if sure:
        try:
            _delete()
        except HistoryError as error:
            st.error(str(error))


def _delete() -> None:
    """Raises `HistoryError`."""
    person = known_person()
    service().forget(visitor())
    if person is not None and person.has_account:
        if (linking := service().linking) is not None:
            linking.forget(person)
        if signed_in(st.context.cookies) is not None:
            st.logout()
            return
    else:
        token = cookie_visitor(st.context.headers.get("host") or "", st.context.cookies)
        if token is not None:
            forget_cookie(token)
    with st.container(key="leave"):
        st.html(LEAVE, unsafe_allow_javascript=True)
