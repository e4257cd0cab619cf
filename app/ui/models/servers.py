"""Model servers in the page: what runs here, a new one, those that were added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from app.core.models.endpoints import (
    PRESETS,
    Abilities,
    BadEndpoint,
    Endpoint,
    Endpoints,
    endpoint,
)
from app.core.models.trial import FoundServer, list_models, local_servers, try_model
from app.core.service import Service
from app.ui.elements.markdown import drawable
from app.ui.models.abilities import tried
from backends.errors import BackendError

OTHER = "Another server"
FOUND_TTL_S = 300.0
"""Seconds for which what was found at this machine's ports holds."""
_CONNECTED = "connected-servers"


def draw_found(app_service: Service) -> None:
    """Draws the servers that run on this machine at the usual ports, where nobody else reaches the
    page; asked for once in a while."""
    if not app_service.local:
        return
    known = {each.address for each in app_service.endpoints.all()}
    for found in _look():
        if found.preset.address in known:
            continue
        count = len(found.models)
        models = "1 model" if count == 1 else f"{count} models"
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/lan: {found.preset.name} runs here with {models}: use it?",
                width="stretch",
            )
            if st.button("Use it", key=f"found-{found.preset.name}", type="primary"):
                new = endpoint(found.preset.name, found.preset.address, "", found.models)
                _kept(partial(app_service.endpoints.put, new))


@st.cache_data(ttl=FOUND_TTL_S, show_spinner=False)
def _look() -> tuple[FoundServer, ...]:
    return local_servers()


def draw_connect(app_service: Service) -> None:
    """Draws the form for a new server."""
    st.subheader("Connect a server", anchor=False)
    st.caption("Any server with OpenAI's API: on this machine, in your network, or in the cloud.")
    names = [*(preset.name for preset in PRESETS), OTHER]
    chosen = st.selectbox("Kind", names, key="connect-kind")
    # After each success the fields are new ones: a key stays in no page.
    form = f"{chosen}-{st.session_state.get(_CONNECTED, 0)}"
    preset = next((each for each in PRESETS if each.name == chosen), None)
    with st.form("connect", border=False):
        address = st.text_input(
            "Address", preset.address if preset else "", key=f"connect-address-{form}",
            placeholder="http://host:8000/v1",
        )  # fmt: skip
        key = st.text_input(
            "Key", type="password", key=f"connect-key-{form}", autocomplete="off",
            help="Kept on this server in a file that only its own account can read; never shown.",
            placeholder="needed" if preset and preset.needs_key else "empty where there is none",
        )  # fmt: skip
        name = st.text_input("Name", preset.name if preset else "", key=f"connect-name-{form}")
        if not st.form_submit_button("Connect", type="primary", icon=":material/link:"):
            return
    with st.spinner("Asking the server for its models…"):
        try:
            new = endpoint(name, address, key)
            new = replace(new, models=list_models(new.address, new.key))
        except (BadEndpoint, BackendError) as error:
            st.error(drawable(str(error)), icon=":material/error:")
            return
    st.session_state[_CONNECTED] = st.session_state.get(_CONNECTED, 0) + 1
    _kept(partial(app_service.endpoints.put, new))


def draw_endpoints(app_service: Service) -> None:
    """Draws the servers that were added: their models, trials, and what removes them."""
    all = app_service.endpoints.all()
    if all:
        st.subheader("Servers", anchor=False)
    for each in all:
        count = len(each.models)
        models = "1 model" if count == 1 else f"{count} models"
        with st.expander(f"{drawable(each.name)} · {models}", icon=":material/dns:"):
            key = "with a key" if each.key else "without a key"
            st.caption(f"`{drawable(each.address)}`, {key}")
            _draw_trial(app_service.endpoints, each)
            with st.container(horizontal=True):
                if st.button("Ask for its models again", key=f"list-{each.name}"):
                    _listed_again(app_service.endpoints, each)
                if st.button("Remove", key=f"remove-{each.name}", icon=":material/delete:"):
                    _kept(partial(app_service.endpoints.remove, each.name))


def _draw_trial(endpoints: Endpoints, each: Endpoint) -> None:
    if not each.models:
        return
    model = st.selectbox("Model to test", each.models, key=f"trial-{each.name}")
    st.markdown(tried(each.abilities.get(model, Abilities())))
    for problem in st.session_state.get(f"problems-{each.name}-{model}", ()):
        st.caption(f":material/info: {drawable(problem)}")
    clicked = st.button(
        "Test", key=f"test-{each.name}", icon=":material/experiment:",
        help="Asks the model for a word, a tool call, the colour of a picture, and thinking on "
        "and off.",
    )  # fmt: skip
    if not clicked:
        return
    with st.status("Trying…") as status:
        finding = try_model(each, model, lambda what: status.update(label=f"Trying {what}…"))
        status.update(label="Tested", state="complete")
    st.session_state[f"problems-{each.name}-{model}"] = finding.problems
    abilities = {**each.abilities, model: finding.abilities}
    _kept(partial(endpoints.put, replace(each, abilities=abilities)))


def _listed_again(endpoints: Endpoints, each: Endpoint) -> None:
    with st.spinner("Asking the server for its models…"):
        try:
            models = list_models(each.address, each.key)
        except BackendError as error:
            st.error(drawable(str(error)), icon=":material/error:")
            return
    _kept(partial(endpoints.put, replace(each, models=models)))


def _kept(change: Callable[[], None]) -> None:
    """Makes a change to the endpoints and draws the page anew; else says why it can't be kept."""
    try:
        change()
    except BadEndpoint as error:
        st.error(str(error), icon=":material/error:")
        return
    st.rerun()
