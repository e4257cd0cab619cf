"""What a visitor does with conversations of the list: rename, pin, delete, and undo that."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import streamlit as st

from app.core.history.catalog import PAGE
from app.core.history.database import HistoryError
from app.core.history.history import UNDO_S, History, person_key
from app.core.modes import Mode
from app.core.people.limits import LimitReached
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui.conversations import address
from app.ui.conversations.list_component import Action, Asked

RENAME = Action("rename", "Rename", "edit")
PIN = Action("pin", "Pin", "keep")
UNPIN = Action("unpin", "Unpin", "keep_off")
DELETE = Action("delete", "Delete", "delete")

_LISTED = "listed-conversations"
_DELETED = "deleted-conversations"


@dataclass(frozen=True)
class Deleted:
    """A conversation that can be brought back; `at` is when it was deleted, in seconds since 1970,
    `shown` whether it was the one on the page."""

    id: str
    title: str
    mode: Mode
    at: float
    shown: bool


@dataclass(frozen=True)
class Actions:
    """What can be done on the page that shows `session` to `visitor`."""

    sessions: Sessions
    history: History
    visitor: str
    session: Session

    def carry_out(self, asked: Asked) -> None:
        """Does what the list asks for, or says in the page why it can't be done."""
        try:
            self._do(asked)
        except HistoryError as error:
            st.toast(str(error), icon=":material/error:", duration="long")

    def _do(self, asked: Asked) -> None:
        person = person_key(self.visitor)
        match asked.what:
            case "further":
                st.session_state[_LISTED] = listed() + PAGE
            case "rename":
                self.history.rename(person, asked.id, asked.title)
            case "pin" | "unpin":
                self.history.pin(person, asked.id, asked.what == "pin")
            case "delete":
                self._delete(person, asked.id)

    def _delete(self, person: str, id: str) -> None:
        entry = self.history.catalog.entry(person, id)
        if entry is None:
            return
        shown = id == self.session.id
        if shown:
            with contextlib.suppress(LimitReached):  # there is room once this one is gone
                self.sessions.renew(self.visitor, self.session.mode)
            address.forget()
        self.sessions.delete(self.visitor, id)
        gone = Deleted(id, entry.title, entry.mode, time.time(), shown)
        st.session_state[_DELETED] = (*deleted(), gone)

    def undo(self) -> None:
        """Brings back what was deleted last."""
        if not (waiting := deleted()):
            return
        last = waiting[-1]
        try:
            self.history.restore(person_key(self.visitor), last.id)
        except HistoryError as error:
            st.toast(str(error), icon=":material/error:", duration="long")
            return
        st.session_state[_DELETED] = waiting[:-1]
        if last.shown and last.mode == self.session.mode and not self.session.temporary:
            address.show(last.id)


def listed() -> int:
    """How many conversations of the list are shown."""
    most: int = st.session_state.get(_LISTED, PAGE)
    return most


def deleted() -> tuple[Deleted, ...]:
    """What was deleted on this page and can be brought back, the last one at the end."""
    known: tuple[Deleted, ...] = st.session_state.get(_DELETED, ())
    return tuple(each for each in known if abs(time.time() - each.at) < UNDO_S)


def forget_deleted() -> None:
    """Offers to bring nothing back any more."""
    st.session_state.pop(_DELETED, None)
