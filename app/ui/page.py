"""A page with a conversation; what a mode's view calls."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.core.agent import TurnConfig
from app.core.citations import copied
from app.core.modes import Mode, defaults
from app.core.service import Service
from app.core.session import Session
from app.ui import composer, sidebar
from app.ui.blocks import latest_blocks, usage_of
from app.ui.given import let_wait
from app.ui.keys import begin_page
from app.ui.server import PAINTED, load_model_soon, service, visitor
from app.ui.transcript import Board, draw_history, draw_question, watch


def renew(house: Service, who: str, mode: Mode) -> None:
    """A new conversation in place of the visitor's old one."""
    house.sessions.renew(who, mode)
    st.session_state.update({composer.editing_key(mode): False, f"show-all-{mode}": False})
    let_wait(mode, ())


def show_conversation(mode: Mode) -> None:
    """The whole page of a mode: sidebar, transcript, composer, and the turn while it runs."""
    begin_page()
    house = service()
    who = visitor()

    def current() -> Session:
        return house.sessions.open(who, mode)

    session = current()
    mode_defaults = defaults(mode, house.settings)
    with st.sidebar:
        sidebar.draw_model(house)
        st.button(
            "New conversation",
            key="clear",
            icon=":material/edit_square:",
            width="stretch",
            on_click=lambda: renew(house, who, mode),
            help="Begins anew: messages, files and variables of this conversation are deleted.",
        )
        if mode == "tools":
            sidebar.draw_notebook(session)
            sidebar.draw_tools(house, session)
            system = mode_defaults.system
        else:
            system = sidebar.draw_system(mode, session, mode_defaults)
        generation = sidebar.draw_generation(mode, session, mode_defaults)
        if mode == "chat":
            for problem in house.loaded.problems:
                st.warning(problem, icon=":material/warning:")
    tools = [tool.name for tool in session.registry.tools if session.registry.enabled(tool.name)]

    def config() -> TurnConfig:
        chosen = composer.chosen_tool(mode, tools)
        return TurnConfig(
            replace(generation, tool_choice=chosen),
            system=system,
            max_rounds=house.settings.max_rounds,
            tools=None,
        )

    def send(text: str) -> None:
        composer.submit(current, text, config())

    view = session.view()
    composer.draw_composer(mode, current, tools, config, house.settings)
    load_model_soon(PAINTED)
    last = draw_history(mode, view, session.look)
    if last is None:
        composer.draw_empty(mode, mode_defaults.starters, send)
        return
    editing = (
        st.session_state.get(composer.editing_key(mode))
        and view.live is None
        and last.question is not None
    )
    if editing and last.question is not None:
        composer.draw_edit(mode, current, last.question, config)
        return
    draw_question(last)
    with st.chat_message("assistant", avatar=":material/neurology:"):
        board = Board(st.container(gap="small"), session.approvals.answer)
        if view.live is None:
            board.draw(latest_blocks(view, last.answers, session.look, last.at))
            texts = [m.text for m in last.answers if m.role == "assistant" and m.text]
            text = copied(texts, session.look)
            composer.draw_actions(
                mode, current, last.question, text, usage_of(last.answers), config
            )
            return
        watch(session, board)
    st.rerun()
