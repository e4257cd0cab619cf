"""What stands at each exchange beside its text: the pager between its versions, and what can be
done with a message that is not the last one.

On the page each row is an empty place, and one component fills them all: a component for each row
took three times as long to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.core.history.database import HistoryError
from app.core.people.limits import LimitReached
from app.core.rendering.citations import copied
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Busy, Session
from app.ui.conversations import address
from app.ui.conversations.branches_component import ROWS
from app.ui.elements.markdown import drawable, escaped
from app.ui.transcript.blocks import Exchange
from backends.messages import Message

ACTED = "Another version ran code: files and variables stay as they are."
BUSY = "An answer is still being written. Stop it first."
KEY = "exchange-rows"

Current = Callable[[], Session]
Act = Callable[[str, Exchange], None]
"""Does what was asked for (`retry`, `edit`, `branch` or `inspect`) with an exchange."""


class Rows:
    """The rows of a page: `question`, `answer` and `earlier` draw their places, `draw` fills them.

    `messages` is the branch that is shown, `act` does what is clicked; pagers show another branch
    by themselves.
    """

    def __init__(
        self, session: Session, messages: Sequence[Message], current: Current, act: Act
    ) -> None:
        self._session, self._current, self._act = session, current, act
        recorder = session.recorder
        self._versions = {} if recorder is None else recorder.versions(messages)
        self._place = st.container(key="rows")
        self._rows: list[dict[str, Any]] = []
        self._exchanges: dict[str, Exchange] = {}

    def question(self, exchange: Exchange) -> None:
        """Draws the pager under a user's message, where that has other versions."""
        if exchange.question is not None:
            self._add(f"question-{exchange.question.id}", exchange, [exchange.question])

    def answer(self, exchange: Exchange) -> None:
        """Draws the pager under the last answer, where that has other versions."""
        self._add(f"answer-{end_of(exchange)}", exchange, exchange.answers)

    def earlier(self, exchange: Exchange) -> None:
        """Draws the row under an answer that is not the last: pager, Copy, Retry, Edit, Branch and
        Prompt."""
        texts = [m.text for m in exchange.answers if m.role == "assistant" and m.text]
        actions = ["retry", "edit"] if exchange.question is not None else ["retry"]
        if self._session.stored:
            actions.append("branch")
        actions.append("inspect")
        data = {
            "text": drawable(copied(texts, self._session.citations)),
            "number": exchange.number,
            "actions": actions,
        }
        self._add(f"earlier-{end_of(exchange)}", exchange, exchange.answers, data)

    def draw(self) -> None:
        """Draws what fills the places that were drawn so far."""
        if self._rows:
            # Streamlit looks for data frames in a dictionary, which takes longer than all else.
            with self._place:
                ROWS.draw(self._rows, key=KEY, on_act_change=self._acted)

    def _add(
        self,
        id: str,
        exchange: Exchange,
        messages: Sequence[Message],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        pagers = self._pagers(messages)
        if not pagers and data is None:
            return
        self._rows.append({"id": id, "pagers": pagers, **(data or {})})
        self._exchanges[id] = exchange
        st.html(f'<div class="exchange-row" data-row="{id}"></div>')
        if pagers and self._ran_code(messages):
            st.caption(ACTED)

    def _pagers(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        pagers: list[dict[str, Any]] = []
        for message in messages:
            versions = self._versions.get(message.id, ())
            if versions:
                at = versions.index(message.id)
                pagers.append(
                    {
                        "what": "message" if message.role == "user" else "answer",
                        "at": at + 1,
                        "count": len(versions),
                        "previous": versions[at - 1] if at else None,
                        "next": versions[at + 1] if at + 1 < len(versions) else None,
                    }
                )
        return pagers

    def _ran_code(self, messages: Sequence[Message]) -> bool:
        """Whether another version of one of the messages ran code, or a tool that acts."""
        recorder, registry = self._session.recorder, self._session.registry
        return recorder is not None and any(
            call.name == "python" or registry.has_side_effects(call)
            for message in messages
            for other in self._versions.get(message.id, ())
            if other != message.id
            for below in recorder.below(other)
            for call in below.calls
        )

    def _acted(self) -> None:
        asked = st.session_state[KEY].act
        if not isinstance(asked, dict):
            return
        exchange = self._exchanges.get(str(asked.get("row")))
        if isinstance(shown := asked.get("show"), str):
            _show_version(self._current(), shown)
        elif exchange is not None and asked.get("do") in ("retry", "edit", "branch", "inspect"):
            self._act(asked["do"], exchange)


def _show_version(session: Session, id: str) -> None:
    """Shows the newest branch through a message, unless a turn is running."""
    try:
        session.show_branch(id)
    except Busy:
        st.toast(BUSY, icon=":material/hourglass:")


def branch_off(sessions: Sessions, visitor: str, session: Session, message: str) -> None:
    """Begins a conversation with what was said up to a message, and shows it."""
    try:
        address.show(sessions.branch(visitor, session, message).id)
    except (HistoryError, LimitReached) as error:
        st.toast(escaped(str(error)), icon=":material/error:", duration="long")


def end_of(exchange: Exchange) -> str:
    """The last message of an exchange, by its id."""
    last = exchange.answers[-1] if exchange.answers else exchange.question
    return last.id if last is not None else ""
