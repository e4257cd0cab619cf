"""The list as it is drawn: one element of the page, however many conversations it has.

Its rows are real links, so that a conversation can be opened in a tab of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.core.history.history import MAX_NAME_CHARS
from app.ui.elements.component import Component

KEY = "conversations"
_HTML = '<nav aria-label="Conversations"></nav><div role="menu" popover></div>'
_FOLDER = Path(__file__).parent
_LIST = Component(
    "conversations",
    html=_HTML,
    css=(_FOLDER / "list.css").read_text("utf-8"),
    js=(_FOLDER / "list.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class Action:
    """An entry of a row's menu; `what` is its name in `Asked`, `icon` a Material symbol."""

    what: str
    label: str
    icon: str


@dataclass(frozen=True)
class Row:
    """A conversation in the list: its texts, the address of its page, and which menu it has."""

    id: str
    title: str
    mode: str
    icon: str
    address: str
    current: bool
    excerpt: str
    pinned: bool


@dataclass(frozen=True)
class Group:
    """Rows under a heading."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Asked:
    """What a person asked for in the list: an action by its name, or `further`; with the
    conversation and, for `rename`, the new title. A browser may send anything."""

    what: str
    id: str = ""
    title: str = ""


def draw(
    groups: tuple[Group, ...],
    menus: Mapping[bool, tuple[Action, ...]],
    empty: str,
    further: str,
    on_asked: Callable[[Asked], None],
) -> None:
    """Draws the list.

    Args:
        groups: what is in it.
        menus: the menu of a row, by whether it is pinned.
        empty: the sentence in place of an empty list.
        further: the words of the button that asks for more, empty without one.
        on_asked: called before the next draw with what was asked for.
    """

    def heard() -> None:
        if (asked := asked_of(st.session_state[KEY].get("asked"))) is not None:
            on_asked(asked)

    data = {
        # Not `asdict`, which copies each value: the list is drawn with every run of a page.
        "groups": [
            {"name": group.name, "rows": [vars(row) for row in group.rows]} for group in groups
        ],
        "menus": {
            "pinned" if pinned else "listed": [vars(action) for action in menu]
            for pinned, menu in menus.items()
        },
        "empty": empty,
        "further": further,
        "longest": MAX_NAME_CHARS,
    }
    _LIST.draw(data, key=KEY, on_asked_change=heard, height="content")


def asked_of(value: Any) -> Asked | None:
    """What a browser's value asks for, None where it is none of ours."""
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(name, "") for name in ("what", "id", "title")]
    return Asked(*parts) if all(isinstance(part, str) for part in parts) else None
