"""A request sent again with other settings, its answer beside the old one."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.core.inspection.replay import Replay, Replayed, settings_of
from app.core.inspection.request_log import Inspected
from app.core.people.limits import LimitReached
from app.core.sessions.session import Session
from app.ui.composer.composer import figures
from app.ui.elements.markdown import drawable, escaped, prepared
from backends.base import GenerationConfig
from backends.messages import Message, Usage
from tools.base import ToolCall

_REPLAY = "replay"
_POLL_S = 0.4  # seconds between two draws of a running replay


def forget() -> None:
    """Ends the replay with its dialog."""
    replay: Replay | None = st.session_state.pop(_REPLAY, None)
    if replay is not None:
        replay.stop()


def draw(session: Session, inspected: Inspected, answer: Message) -> None:
    """Draws the settings, and the two answers."""
    chosen = _draw_settings(settings_of(inspected.request))
    if st.button("Replay", key="replay-start", icon=":material/replay:", type="primary"):
        forget()
        try:
            st.session_state[_REPLAY] = session.replay(inspected, chosen)
        except LimitReached as limit:
            st.warning(str(limit), icon=":material/hourglass:")
    replay: Replay | None = st.session_state.get(_REPLAY)
    if replay is not None and replay.request is not inspected.request:
        replay = None  # another round's
    with st.container(key="replay-columns"):
        old, new = st.columns(2, gap="medium")
    with old:
        st.markdown("**The answer**")
        _draw_said(answer.text, answer.calls, answer.error, answer.usage)
    with new:
        st.markdown("**The replay**")
        if replay is None:
            st.caption("The same request with these settings. Its calls are not run, and nothing "
                       "of it is kept.")  # fmt: skip
        elif replay.view().done:
            _draw_replayed(replay.view())
        else:
            _draw_running(replay)


def _draw_settings(sent: GenerationConfig) -> GenerationConfig:
    first, second, third, fourth = st.columns(4)
    temperature = first.number_input(
        "Temperature", 0.0, 2.0, min(sent.temperature, 2.0), 0.1, key="replay-temperature"
    )
    top_p = second.number_input("Top p", 0.01, 1.0, min(sent.top_p, 1.0), 0.05, key="replay-top-p")
    tokens = third.number_input(
        "Tokens at most", 1, 1_000_000, min(sent.max_tokens, 1_000_000), key="replay-tokens"
    )
    seed = fourth.number_input(
        "Seed", 0, 2**31 - 1, sent.seed, key="replay-seed", placeholder="random"
    )
    return replace(
        sent,
        temperature=float(temperature),
        top_p=float(top_p),
        max_tokens=int(tokens),
        seed=None if seed is None else int(seed),
    )


def _draw_running(replay: Replay) -> None:
    def drawn() -> None:
        said = replay.view()
        if said.done:
            st.rerun(scope="app")
        _draw_replayed(said)

    st.fragment(drawn, run_every=_POLL_S)()


def _draw_replayed(said: Replayed) -> None:
    _draw_said(said.text, said.calls, said.error, said.usage if said.done else None)
    if not said.done:
        st.caption(escaped(said.notice) or "…")


def _draw_said(
    text: str, calls: tuple[ToolCall, ...], error: str | None, usage: Usage | None
) -> None:
    if text.strip():
        st.markdown(prepared(text), anchors=False)
    for call in calls:
        st.caption(f"Calls {escaped(call.name)}")
        st.code(drawable(call.input), language=None, wrap_lines=True)
    if error:
        st.error(drawable(error), icon=":material/error:")
    elif not text.strip() and not calls and usage is not None:
        st.caption("Nothing was said.")
    if usage is not None and usage.completion_tokens:
        st.caption(figures(usage))
