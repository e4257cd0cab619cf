"""The visitor's account: met on each page, shown in the sidebar, with Sign in and Sign out."""

from __future__ import annotations

import streamlit as st

from app.ui.elements.markdown import escaped
from app.ui.http.oidc_cookie import providers, signed_in
from app.ui.http.visitor import cookie_visitor, known_person
from app.ui.service import service

KNOWN_AS = "known-as"
"""The key in the session state of whose page it is."""


def greet() -> None:
    """Meets the visitor's account. A page that comes back as somebody else's forgets what it
    had: a text in a box belongs to who wrote it."""
    person = known_person()
    id = person.id if person is not None else ""
    if st.session_state.get(KNOWN_AS, id) != id:
        st.session_state.clear()
    st.session_state[KNOWN_AS] = id
    linking = service().linking
    if linking is not None and person is not None and person.has_account:
        host = st.context.headers.get("host") or ""
        linking.meet(person, cookie_visitor(host, st.context.cookies))


def draw_account() -> None:
    """Draws in the sidebar who is signed in, or a button for each provider to sign in with."""
    person = known_person()
    if person is not None and person.has_account:
        with st.sidebar, st.container(horizontal=True, vertical_alignment="center", key="account"):
            st.text(person.name)  # as it is: Markdown makes a link of a mail address
            if signed_in(st.context.cookies) is not None:
                st.button("Sign out", key="sign-out", type="tertiary", on_click=st.logout)
        return
    named = providers()
    if not named:
        return
    with st.sidebar, st.container(key="account"):
        for name in named:
            label = "Sign in" if len(named) == 1 else f"Sign in with {escaped(name)}"
            provider = None if name == "default" else name
            if st.button(label, key=f"sign-in-{name}", icon=":material/login:", width="stretch"):
                st.login(provider)
