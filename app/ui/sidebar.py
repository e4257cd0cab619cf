"""The sidebar: the model and its state, new conversations, the tools."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.models.host import ASK_INTERVAL_S, LoadState, ModelHost
from app.core.rendering import notebook_export
from app.core.service import Service
from app.core.sessions.session import Session
from app.ui.elements.markdown import drawable
from app.ui.http.media_files import download
from tools.base import Tool, file_size

# Between two checks of a model that is loading.
POLL_INTERVAL_S = 0.5


def draw_model(host: ModelHost) -> None:
    """Draws the model's name and state, and refreshes them while it loads, and where its server may
    go."""
    state = host.state
    if state in ("idle", "loading"):
        st.fragment(_model_card, run_every=POLL_INTERVAL_S)(host, state)
    elif host.remote:
        st.fragment(_model_card, run_every=ASK_INTERVAL_S)(host, state)
    else:
        _model_card(host, state)


def _model_card(host: ModelHost, drawn: LoadState) -> None:
    """The card; the page is drawn anew once the state is no longer the one that it was drawn in."""
    host.ask_again()
    with st.container(key="model-card", gap="small"):
        match host.state:
            case "ready" if host.backend is not None:
                st.markdown(f"**{_plain(host.backend.name)}**")
                able = host.backend.capabilities
                window = f" · window {able.context:,} tokens" if able.context else ""
                memory = f" · {file_size(able.memory)}" if able.memory else ""
                st.caption(f":green[:material/check_circle:] Ready{window}{memory}")
            case "failed":
                st.markdown("**No model**")
                st.error(drawable(host.error or ""), icon=":material/error:")
                st.button("Try again", key="load-again", on_click=host.start)
            case _:
                st.markdown("**Model**")
                if (progress := host.progress) is not None:
                    st.progress(progress.share, progress.text)
                else:
                    st.caption(":material/hourglass_top: Loading…")
    if host.state != drawn and (drawn, host.state) != ("idle", "loading"):
        st.rerun()


def draw_new(session: Session, renew: Callable[[bool], None]) -> None:
    """Draws what begins a new conversation: a kept one, and beside it a temporary one, which that
    button leaves again."""
    with st.container(key="new-conversation", horizontal=True, gap="small"):
        st.button(
            "New conversation",
            key="clear",
            icon=":material/edit_square:",
            width="stretch",
            on_click=lambda: renew(False),
            help="Begins anew; this conversation stays in the list.",
        )
        st.button(
            "Temporary conversation",  # for those who hear the page; see style.css
            key="temporary",
            icon=":material/visibility_off:",
            type="primary" if session.temporary else "secondary",
            on_click=lambda: renew(not session.temporary),
            help="End the temporary conversation"
            if session.temporary
            else "Temporary conversation: nothing of it is stored",
        )


def draw_notebook(session: Session) -> None:
    """The conversation's code to take along, once there is some. It is put together on a click."""
    if notebook_export.has_code(session.view().conversation.messages):
        st.download_button(
            "Download as notebook",
            download(lambda: notebook_export.notebook(session.view().conversation.messages)),
            file_name=notebook_export.FILE_NAME,
            mime=notebook_export.MIME,
            key="notebook",
            icon=":material/code_blocks:",
            width="stretch",
            on_click="ignore",
            help="Code, results and words as an .ipynb file for Jupyter.",
        )


def draw_tools(service: Service, session: Session) -> None:
    """Draws a switch for each tool, and the tools that could not be loaded."""
    with st.expander("Tools", icon=":material/build:", expanded=True):
        for tool in session.registry.tools:
            if not tool.specs(native=False):
                continue  # it waits for something to work with
            key = f"tool-{tool.name}"
            # The session decides, not the widget: it may be a new session by now.
            st.session_state[key] = session.registry.enabled(tool.name)
            st.toggle(
                tool.name,
                key=key,
                help=drawable(_described(tool)),
                on_change=lambda name=tool.name, key=key: session.registry.switch(
                    name, st.session_state[key]
                ),
            )
    choice = service.sandbox
    if choice is not None and choice.warning:
        st.warning(drawable(choice.reason), icon=":material/shield_question:")
    elif choice is not None:
        st.caption(f":material/shield: {drawable(choice.reason)}")
    for problem in (*service.problems, *session.registry.refused):
        st.warning(drawable(problem), icon=":material/warning:")


def _described(tool: Tool) -> str:
    return "\n\n".join(spec.description for spec in tool.specs(native=False))


def _plain(name: str) -> str:
    return "".join(f"\\{c}" if c in r"\`*_[]<>$:~" else c for c in drawable(name))
