"""The picker at the top of the sidebar: which model answers in this conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.core.models.offers import DEFAULT, Offer
from app.core.service import Service
from app.core.sessions.choices import MODEL
from app.core.sessions.session import Session
from app.ui.elements.markdown import drawable
from app.ui.models.abilities import abilities_line
from app.ui.people.admins import is_admin

_PREFERRED, _NEXT = "preferred-model", "preferred-model-next"
GONE = "The model that was chosen for this conversation is no longer on offer."


def offered(service: Service) -> tuple[Offer, ...]:
    """The models among which the visitor of this page may choose. A model that runs here takes the
    server's memory: where others reach the server, only admins load one."""
    offers = service.models.offers.all()
    if is_admin():
        return offers
    return tuple(
        each
        for each in offers
        if each.id == DEFAULT or not each.local or service.models.loaded(each.id) is not None
    )


def draw_picker(service: Service, session: Session, current: Callable[[], Session]) -> Offer:
    """Draws the choice of a model, where there is more than one; returns the one that answers.

    Args:
        service: of the process.
        session: the conversation.
        current: that conversation when something is chosen, opened again if need be.
    """
    offers = offered(service)
    by_id = {offer.id: offer for offer in offers}
    follow_preference(service, current(), offers)
    chosen = session.chosen_model
    if is_admin():
        service.models.admit(chosen)
    if chosen not in by_id:
        st.caption(f":material/info: {GONE}")
        chosen = DEFAULT
    if len(offers) < 2:
        return by_id[chosen]
    key = f"model-{session.id}"
    st.session_state[key] = chosen  # another tab may have chosen meanwhile

    def choose() -> None:
        id = st.session_state[key]
        if id in by_id:
            choose_model(service, current(), id)

    st.selectbox(
        "Model",
        list(by_id),
        key=key,
        format_func=lambda id: label(by_id[id], offers),
        on_change=choose,
        help="Answers from now on; the conversation goes on. The page Models has more.",
    )
    return by_id[chosen]


def draw_abilities(offer: Offer, session: Session) -> None:
    """Draws what the model of a conversation can do; its card has the window."""
    if line := abilities_line(offer, session.model, window=False):
        st.caption(line)


def prefer(id: str) -> None:
    """Has a model answer in the conversation that this page shows next, and in empty ones for which
    none was chosen."""
    st.session_state[_PREFERRED], st.session_state[_NEXT] = id, True


def follow_preference(service: Service, session: Session, offers: Sequence[Offer]) -> None:
    """Chooses the preferred model, see `prefer`."""
    id = st.session_state.get(_PREFERRED)
    asked = st.session_state.pop(_NEXT, False)
    free = session.empty and MODEL not in session.choices
    if any(offer.id == id for offer in offers) and (asked or free):
        choose_model(service, session, str(id))


def choose_model(service: Service, session: Session, id: str) -> None:
    """Has another model answer in a conversation, and begins to load it where the visitor may."""
    if is_admin():
        service.models.admit(id)
    session.choose_model(id)
    session.model.start()


def label(offer: Offer, offers: Sequence[Offer]) -> str:
    """A model's name, with its source for one on a server, and where another has the same name."""
    # Hosted APIs have hundreds of models, and each label is made with every run of a page.
    sourced = offer.kind == "server" or sum(other.name == offer.name for other in offers) > 1
    return drawable(f"{offer.name} ({offer.source})" if sourced else offer.name)
