"""What stands at each exchange beside its text: the pager between its versions, and what can be
done with a message that is not the last one.

All of it is one component for each answer, which is half as much to draw as Streamlit's buttons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.core.agent.approvals import has_side_effects
from app.core.history.database import HistoryError
from app.core.rendering.citations import copied
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Busy, Session
from app.ui.conversations import address
from app.ui.conversations.branches_component import component
from app.ui.elements.markdown import drawable, escaped
from app.ui.transcript.blocks import Exchange
from backends.messages import Message

ACTED = "Another version ran code: files and variables stay as they are."
BUSY = "An answer is still being written. Stop it first."


@dataclass(frozen=True)
class Versions:
    """The other versions of what a page shows, see `Recorder.versions`."""

    session: Session
    of: Mapping[str, tuple[str, ...]]

    def pagers(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """A pager for each of the messages that has other versions, as data for the component."""
        pagers: list[dict[str, Any]] = []
        for message in messages:
            versions = self.of.get(message.id, ())
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

    def acted(self, messages: Sequence[Message]) -> bool:
        """Whether another version of one of the messages ran code or acted."""
        recorder, registry = self.session.recorder, self.session.registry
        return recorder is not None and any(
            call.name == "python" or has_side_effects(call, registry)
            for message in messages
            for other in self.of.get(message.id, ())
            if other != message.id
            for below in recorder.below(other)
            for call in below.calls
        )


def versions_of(session: Session, messages: Sequence[Message]) -> Versions:
    """The versions of the messages of the branch that a page shows."""
    recorder = session.recorder
    return Versions(session, {} if recorder is None else recorder.versions(messages))


Current = Callable[[], Session]
Act = Callable[[str, Exchange], None]
"""Does what was asked for (`retry`, `edit` or `branch`) with an exchange."""


def draw_question_pager(exchange: Exchange, versions: Versions, current: Current) -> None:
    """Draws the pager under a user's message that has other versions."""
    if exchange.question is not None:
        _draw(exchange, versions, current, [exchange.question], {})


def draw_answer_pager(exchange: Exchange, versions: Versions, current: Current) -> None:
    """Draws the pager under the last answer, where that has other versions."""
    _draw(exchange, versions, current, exchange.answers, {})


def draw_earlier(exchange: Exchange, versions: Versions, current: Current, act: Act) -> None:
    """Draws the row under an answer that is not the last: pager, Copy, Retry, Edit, Branch."""
    texts = [m.text for m in exchange.answers if m.role == "assistant" and m.text]
    text = drawable(copied(texts, versions.session.citations))
    actions = ["retry", "edit"] if exchange.question is not None else ["retry"]
    if versions.session.stored:
        actions.append("branch")
    data = {"text": text, "number": exchange.number, "actions": actions}
    _draw(exchange, versions, current, exchange.answers, data, act)


def _draw(
    exchange: Exchange,
    versions: Versions,
    current: Current,
    messages: Sequence[Message],
    data: Mapping[str, Any],
    act: Act | None = None,
) -> None:
    pagers = versions.pagers(messages)
    if not pagers and not data:
        return
    end = messages[-1].id if messages else exchange.question.id if exchange.question else ""
    key = f"{'row' if data else 'pager'}-{end}"

    def done() -> None:
        asked = st.session_state[key].act
        if not isinstance(asked, dict):
            return
        if act is not None and asked.get("do") in ("retry", "edit", "branch"):
            act(asked["do"], exchange)
        elif isinstance(shown := asked.get("show"), str):
            show_version(current(), shown)

    component()(data={**data, "pagers": pagers}, key=key, on_act_change=done)
    if pagers and versions.acted(messages):
        st.caption(ACTED)


def show_version(session: Session, id: str) -> None:
    """Shows the newest branch through a message, unless a turn is running."""
    try:
        session.show_branch(id)
    except Busy:
        st.toast(BUSY, icon=":material/hourglass:")


def branch_off(sessions: Sessions, visitor: str, session: Session, message: str) -> None:
    """Begins a conversation with what was said up to a message, and shows it."""
    try:
        address.show(sessions.branch(visitor, session, message).id)
    except HistoryError as error:
        st.toast(escaped(str(error)), icon=":material/error:", duration="long")


def end_of(exchange: Exchange) -> str:
    """The last message of an exchange."""
    last = exchange.answers[-1] if exchange.answers else exchange.question
    return last.id if last is not None else ""
