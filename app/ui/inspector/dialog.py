"""The dialog with what the model was sent for the answers of one exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.core.inspection.request_log import MAX_REQUESTS, Inspected
from app.core.sessions.session import Session
from app.ui.elements.markdown import escaped
from app.ui.inspector import replay_view, request_view
from app.ui.transcript.blocks import Exchange
from backends.messages import Message

_OPEN = "inspector"
GONE = (
    "What the model was sent for this answer is gone. It is kept in the memory of the server that "
    f"answered, for the newest {MAX_REQUESTS} requests of an open conversation, and ends with a "
    "restart. Retry asks again, and can be looked into then."
)
_VIEWS: dict[str, Callable[[Inspected], None]] = {
    "Prompt": request_view.draw_prompt,
    "Tokens": request_view.draw_tokens,
    "Request": request_view.draw_body,
    "Raw answer": request_view.draw_raw,
    "curl": request_view.draw_curl,
}
_REPLAY = "Replay"


def open_dialog(exchange: Exchange) -> None:
    """Opens the dialog at the next draw, on an exchange's last request."""
    st.session_state[_OPEN] = tuple(m.id for m in exchange.answers if m.role == "assistant")
    for key in ("inspected-request", "inspected-view"):
        st.session_state.pop(key, None)


def has_dialog() -> bool:
    """Whether the dialog is open."""
    return _OPEN in st.session_state


def draw_dialog(current: Callable[[], Session], messages: Sequence[Message]) -> None:
    """Draws the dialog, where it is open. `messages` is the branch that is shown."""
    if has_dialog():
        answers = [each for each in messages if each.id in st.session_state[_OPEN]]
        title = "What the model was sent"
        st.dialog(title, width="large", on_dismiss=_close)(_draw)(current, answers)


def _close() -> None:
    st.session_state.pop(_OPEN, None)
    replay_view.forget()


def _draw(current: Callable[[], Session], answers: Sequence[Message]) -> None:
    session = current()
    found = session.requests.of([each.id for each in answers])
    if not found:
        st.info(GONE, icon=":material/memory:")
        return
    by_id = {each.id: each for each in answers}
    at = len(found) - 1
    if len(found) > 1:
        names = _names(found, answers)
        at = st.selectbox(
            "Request",
            range(len(found)),
            index=len(found) - 1,
            format_func=lambda index: names[index],
            key="inspected-request",
        )
    inspected, answer = found[at], by_id[found[at].message]
    request_view.draw_figures(inspected)
    request_view.draw_changes(answer)
    views = [name for name in _VIEWS if _has(name, inspected)]
    view = st.segmented_control(
        "Show",
        [*views, _REPLAY],
        default=views[0],
        required=True,
        key="inspected-view",
        label_visibility="collapsed",
    )
    if view == _REPLAY:
        replay_view.draw(session, inspected, answer)
    else:
        _VIEWS.get(view or "", _VIEWS[views[0]])(inspected)


def _has(name: str, inspected: Inspected) -> bool:
    """Whether there is something to see of a request under that name."""
    if inspected.request.url:
        return name not in ("Prompt", "Tokens")
    return name != "curl"


def _names(found: Sequence[Inspected], answers: Sequence[Message]) -> list[str]:
    """What each request is called, by its round: what the model called, or the answer."""
    rounds = {each.id: index for index, each in enumerate(answers, 1)}
    calls = {each.id: ", ".join(call.name for call in each.calls) for each in answers}
    names = []
    for index, each in enumerate(found):
        last = index + 1 == len(found) or found[index + 1].message != each.message
        what = (calls[each.message] or "the answer") if last else "a request before it"
        names.append(f"Round {rounds[each.message]}: {escaped(what, 80)}")
    return names
