"""The Models page: which models there are, what they can do, and where to get another one."""

from __future__ import annotations

import streamlit as st

from app.core.models.host import ASK_INTERVAL_S, ModelHost
from app.core.models.offers import DEFAULT, Offer
from app.core.service import Service
from app.ui.elements.markdown import drawable
from app.ui.help_page import draw_help_link
from app.ui.models.abilities import abilities_line
from app.ui.models.picker import label, offered, prefer
from app.ui.models.servers import draw_connect, draw_endpoints, draw_found
from app.ui.people.admins import is_admin
from app.ui.service import PAINTED, load_model_soon, service
from tools.base import file_size

MAX_SHOWN = 30
"""Models that are listed at once; the picker has all."""
POLL_INTERVAL_S = 1.0


def show_models() -> None:
    """Draws the page: servers are added and removed by admins alone."""
    app_service = service()
    load_model_soon(PAINTED)
    st.header("Models", anchor=False)
    st.caption(
        "Choose a model for a conversation here or at the top of the sidebar. What was said stays "
        "when you change it."
    )
    draw_help_link("choosing-a-model", "Choosing a model, in the handbook")
    if app_service.endpoints.problem:
        st.warning(app_service.endpoints.problem, icon=":material/warning:")
    if is_admin():
        draw_found(app_service)
    draw_offers(app_service)
    if not is_admin():
        st.info("The admins of this server add models.", icon=":material/info:")
        return
    draw_connect(app_service)
    draw_endpoints(app_service)


def draw_offers(app_service: Service) -> None:
    """Draws the models that can be chosen; often while one of them loads, else now and then, for a
    server may go."""
    st.subheader("On offer", anchor=False)
    offers = offered(app_service)
    loading = [host for each in offers if (host := _host(app_service, each)) is not None]
    waits = any(host.state == "loading" for host in loading)
    st.fragment(_list, run_every=POLL_INTERVAL_S if waits else ASK_INTERVAL_S)(
        app_service, offers, waits
    )


def _list(app_service: Service, offers: tuple[Offer, ...], waits: bool) -> None:
    words = ""
    if len(offers) > MAX_SHOWN:
        words = st.text_input("Search", key="search-models", placeholder="Search models")
    found = [each for each in offers if words.casefold() in label(each, offers).casefold()]
    for offer in found[:MAX_SHOWN]:
        _draw_offer(app_service, offer, label(offer, offers))
    if len(found) > MAX_SHOWN:
        st.caption(f"{len(found) - MAX_SHOWN:,} more: search for a part of the name.")
    if not found:
        st.caption("No model has that in its name.")
    hosts = [_host(app_service, each) for each in found]
    if waits and not any(host is not None and host.state == "loading" for host in hosts):
        st.rerun()


def _draw_offer(app_service: Service, offer: Offer, name: str) -> None:
    host = _host(app_service, offer)
    if host is not None:
        host.ask_again()
    with st.container(border=True, gap="small", key=f"offer-{_slug(offer)}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{name}**", width="stretch")
            if st.button(
                "Use", key=f"use-{offer.id}", help="In the conversation in Chat, and in new ones"
            ):
                prefer(offer.id)
                st.switch_page("views/chat.py")
            unloads = offer.local and offer.id != DEFAULT and host is not None
            if unloads and is_admin() and st.button("Unload", key=f"unload-{offer.id}"):
                app_service.models.unload(offer.id)
                st.rerun()
        size = f" · {file_size(offer.size)}" if offer.size else ""
        st.caption(f"{drawable(offer.source)}{size} · {_state(host)}")
        if host is not None and host.state == "failed":
            st.error(drawable(host.error or ""), icon=":material/error:")
        if line := abilities_line(offer, host):
            st.caption(line)


def _host(app_service: Service, offer: Offer) -> ModelHost | None:
    return app_service.model if offer.id == DEFAULT else app_service.models.loaded(offer.id)


def _state(host: ModelHost | None) -> str:
    """The state of a model in words with a sign."""
    if host is None or host.state == "idle":
        return "not in use yet"
    if host.state == "loading":
        progress = host.progress
        return f":material/hourglass_top: {progress.text if progress else 'Loading…'}"
    if host.state == "failed":
        return ":red[:material/error: not ready]"
    memory = host.backend.capabilities.memory if host.backend is not None else 0
    taken = f", {file_size(memory)} of memory" if memory else ""
    return f":green[:material/check_circle: ready]{taken}"


def _slug(offer: Offer) -> str:
    return str(abs(hash(offer.id)))
