"""The visitor's conversations in the sidebar: new ones, the search, and the list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.core.history.stored import Entry
from app.core.modes import Mode
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations import actions, delete_all, list_component
from app.ui.conversations.actions import Actions, deleted
from app.ui.conversations.address import link
from app.ui.conversations.groups import grouped
from app.ui.conversations.list_component import Group, Row
from app.ui.elements.markdown import escaped, shown
from app.ui.exchange import dialog as exchange

ICONS: dict[Mode, str] = {
    "chat": "chat",
    "tools": "build",
    "documents": "description",
    "vision": "image_search",
}
"""Material symbols, as in the navigation."""
UNTITLED = "Untitled"
EMPTY = "Your conversations are listed here."
NOTHING_FOUND = "Nothing found."
SEARCH_KEY = "search-conversations"
MAX_QUERY_CHARS = 500
MENU_KEY = "all-conversations"
MENU: dict[str, Callable[[], None]] = {
    ":material/swap_vert: Export and import…": exchange.open_dialog,
    ":material/delete_forever: Delete all…": delete_all.open_dialog,
}
"""What can be done with all conversations together, by its label."""
ROW_MENUS = {
    False: (actions.RENAME, actions.PIN, actions.DELETE),
    True: (actions.RENAME, actions.UNPIN, actions.DELETE),
}
"""What can be done with one conversation, by whether it is pinned."""


def draw_list(sessions: Sessions, visitor: str, session: Session) -> str:
    """Draws the search and the conversations of all modes; a click shows one. Returns why they
    can't be listed, as a sentence; empty where they can."""
    history = sessions.history
    if history is None:
        return ""
    can = Actions(sessions, history, visitor, session)
    with st.container(key="conversation-search", horizontal=True, gap="small"):
        query = st.text_input(
            "Search conversations",
            key=SEARCH_KEY,
            type="search",
            live=True,
            placeholder="Search",
            icon=":material/search:",
            label_visibility="collapsed",
        )[:MAX_QUERY_CHARS].strip()
        _draw_menu()
    _draw_undo(can)
    try:
        entries, further = _found(history, person_key(visitor), query)
    except HistoryError as error:
        return f"{error} The list of conversations is missing for now."
    list_component.draw(
        _groups(entries, query, session),
        ROW_MENUS,
        NOTHING_FOUND if query else EMPTY,
        "Show more" if further else "",
        can.carry_out,
    )
    return ""


def _draw_menu() -> None:
    """What can be done with all conversations together."""
    st.menu_button(
        "All conversations",  # for those who hear the page; see style.css
        tuple(MENU),
        key=MENU_KEY,
        type="tertiary",
        icon=":material/more_horiz:",
        on_click=lambda: MENU[st.session_state[MENU_KEY]](),
    )


def _found(history: History, person: str, query: str) -> tuple[Sequence[Entry], bool]:
    """The conversations to be listed, and whether there are more. Raises `HistoryError`."""
    most = actions.listed()
    if query:
        found = history.catalog.search(person, query, most + 1)
    else:
        found = history.catalog.listed(person, most + 1)
    return found[:most], len(found) > most


def _groups(entries: Sequence[Entry], query: str, session: Session) -> tuple[Group, ...]:
    if query:
        named = [("Found", list(entries))] if entries else []
    else:
        named = grouped(entries, time.time(), _zone())
    return tuple(Group(name, tuple(_row(each, session) for each in rows)) for name, rows in named)


def _row(entry: Entry, session: Session) -> Row:
    return Row(
        id=entry.id,
        title=shown(" ".join(entry.title.split())) or UNTITLED,
        mode=entry.mode.capitalize(),
        icon=ICONS[entry.mode],
        address=link(entry.id, entry.mode),
        current=entry.id == session.id,
        excerpt=shown(entry.excerpt),
        pinned=entry.pinned,
    )


def _draw_undo(can: Actions) -> None:
    """A line that brings the last deleted conversation back, in a place of its own."""
    with st.container(
        key="undo-delete", horizontal=True, wrap=False, vertical_alignment="center", gap="small"
    ):
        if waiting := deleted():
            title = escaped(waiting[-1].title) or UNTITLED
            st.caption(f"Deleted: {title}", width="stretch")
            st.button("Undo", key="undo", type="tertiary", on_click=can.undo)


def _zone() -> tzinfo | None:
    """The reader's time zone, as the browser tells it; None where it does not."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (ValueError, OSError, KeyError):
        return None
