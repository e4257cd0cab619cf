"""A page with a conversation, called by the view of each mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app.core.agent.compaction import compacted_in
from app.core.agent.loop import TurnConfig
from app.core.models.selection import is_bundled
from app.core.modes import Mode, defaults, model_settings
from app.core.people.limits import LimitReached
from app.core.rendering.citations import copied
from app.core.service import Service
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.ui import sidebar
from app.ui.composer import composer
from app.ui.composer.attachments import let_wait
from app.ui.composer.composer import draw_no_vision
from app.ui.composer.variables import draw_variables_lost
from app.ui.conversations import address, branches, changes, delete_all
from app.ui.conversations.notices import draw_notices
from app.ui.conversations.sidebar_list import draw_list
from app.ui.documents.page_image_route import pictures_of
from app.ui.elements.keys import begin_page
from app.ui.exchange import dialog as exchange
from app.ui.generation import prompts
from app.ui.generation.controls import (
    draw_generation,
    draw_system,
    generation_of,
    system_of,
)
from app.ui.generation.presets import draw_presets
from app.ui.http.visitor import visitor
from app.ui.inspector import dialog as inspector
from app.ui.models.picker import draw_abilities, draw_picker
from app.ui.service import PAINTED, load_model_soon, service
from app.ui.transcript.blocks import Exchange, latest_blocks, usage_of
from app.ui.transcript.sources import FOLLOW
from app.ui.transcript.transcript import (
    Board,
    answer_place,
    draw_history,
    draw_question,
    earlier_key,
    look_again,
    turned_key,
    watch,
)

READS_FROM_HERE = ":material/compress: The model reads the conversation from here on."


def nothing_under(exchange: Exchange) -> None:
    """Draws nothing under an answer: the default in modes without documents."""


def renew(app_service: Service, visitor_id: str, mode: Mode, temporary: bool = False) -> None:
    """Begins a new conversation; the old one stays in the list, unless it was a temporary one."""
    try:
        app_service.sessions.renew(visitor_id, mode, temporary)
    except LimitReached as limit:
        st.toast(str(limit), icon=":material/hourglass:", duration="long")
        return
    address.forget()


def turn_to(sessions: Sessions, visitor_id: str, session: Session) -> None:
    """Forgets what the page held of another conversation that it showed before; and that
    conversation itself, where it was a temporary one."""
    mode = session.mode
    key = f"shown-{mode}"
    before = st.session_state.get(key, session.id)
    if before != session.id:
        st.session_state.update({composer.editing_key(mode): "", earlier_key(mode): (None, 0)})
        st.session_state[turned_key(mode)] = not st.session_state.get(turned_key(mode), False)
        let_wait(mode, ())
        sessions.forget_temporary(visitor_id, before)
    st.session_state[key] = session.id


def show_conversation(mode: Mode) -> None:
    """The whole page of a mode: sidebar, transcript, composer, and the turn while it runs."""
    begin_page()
    app_service = service()
    visitor_id = visitor()

    session = address.opened(app_service.sessions, visitor_id, mode)
    address.keep(session)
    turn_to(app_service.sessions, visitor_id, session)
    current = address.Current(app_service.sessions, visitor_id, session)
    with st.sidebar:
        offer = draw_picker(app_service, session, current)
        host = session.model
        sidebar.draw_model(host)
        draw_abilities(offer, session)
    model = app_service.models.settings(session.chosen_model)
    mode_defaults, used = defaults(mode, model), model_settings(mode, model).model
    with st.sidebar:
        sidebar.draw_new(session, lambda temporary: renew(app_service, visitor_id, mode, temporary))
        listing = draw_list(app_service.sessions, visitor_id, session)
        if mode == "tools":
            sidebar.draw_notebook(session)
            sidebar.draw_tools(app_service, session)
        draw_presets(app_service, visitor_id, current, mode_defaults)
        if mode in ("chat", "vision"):
            draw_system(session, mode_defaults)
        generation = draw_generation(session, mode_defaults, host)
        if mode == "chat":
            for problem in app_service.loaded.problems:
                st.warning(problem, icon=":material/warning:")
    tools = [
        tool.name
        for tool in session.registry.tools
        if session.registry.enabled(tool.name) and tool.specs(native=False)
    ]

    def config() -> TurnConfig:
        # As they are now: a setting may have been changed with the same run of the page.
        now = generation_of(session, mode_defaults, host)
        system = system_of(session, mode_defaults) if mode in ("chat", "vision") else None
        return TurnConfig(
            replace(now, tool_choice=composer.chosen_tool(mode, tools)),
            system=mode_defaults.system if system is None else system,
            max_rounds=app_service.settings.max_rounds,
            tools=None,
            compaction=app_service.settings.compaction,
        )

    def send(text: str) -> None:
        composer.submit(current, text, config())

    draw_notices(app_service.sessions, session, listing)
    delete_all.draw_dialog(app_service.sessions, visitor_id)
    exchange.draw_dialog(app_service, visitor_id, current)
    prompts.draw_dialog(app_service, visitor_id, mode)
    view = session.view()
    inspector.draw_dialog(current, view.conversation.messages)
    under: Callable[[Exchange], None] = nothing_under
    beside: Callable[[], object] = tuple
    dialogs = (delete_all, exchange, prompts, inspector)
    dialog = any(each.has_dialog() for each in dialogs)
    pictures = pictures_of(session)
    if mode == "documents":
        # Imported late: Chat, the first page, must not wait for the readers of documents.
        from app.ui.documents.panel import draw_documents, draw_pages_read, has_dialog, states

        draw_documents(current, host, generation)
        under, beside = draw_pages_read, states(session)
        dialog = dialog or has_dialog()
    if mode == "tools":
        draw_variables_lost(session, current)
    composer.draw_composer(mode, current, tools, config, app_service.settings, host.images)
    prompts.draw_menu(app_service, visitor_id, mode)
    load_model_soon(PAINTED, host)
    if session.citations is not None:
        with st.container(key="follow"):
            st.html(FOLLOW, unsafe_allow_javascript=True)
    changes.draw_watch(session, view)
    messages = view.conversation.messages
    editing = st.session_state.get(composer.editing_key(mode))

    def act(what: str, exchange: Exchange) -> None:
        end = branches.end_of(exchange)
        if what == "branch":
            branches.branch_off(app_service.sessions, visitor_id, current(), end)
        elif what == "inspect":
            inspector.open_dialog(exchange)
        elif what == "edit" and exchange.question is not None:
            composer.edit(mode, exchange.question.id)
        else:
            composer.guarded(lambda: current().retry(config(), id=end))

    rows = branches.Rows(session, messages, current, act)

    compacted = compacted_in(messages)

    def question(exchange: Exchange) -> None:
        before = messages[exchange.index - 1].id if exchange.index else ""
        if compacted is not None and compacted.through == before:
            st.caption(READS_FROM_HERE, text_alignment="center")
        if exchange.question is not None and exchange.question.id == editing:
            composer.draw_edit(mode, current, exchange.question, config)
        else:
            draw_question(exchange, rows.question)

    def under_earlier(exchange: Exchange) -> None:
        under(exchange)
        rows.earlier(exchange)

    last = draw_history(mode, view, session.citations, under_earlier, pictures, question)
    if last is None:
        nothing_given = mode == "documents" and not (session.documents and session.documents.given)
        starters = () if nothing_given else mode_defaults.starters
        composer.draw_empty(mode, starters, send, mode != "vision" and is_bundled(used))
        if mode == "vision":
            draw_no_vision(host)
        return
    question(last)
    if last.question is not None and last.question.id == editing and view.live is None:
        rows.draw()
        return
    with st.chat_message("assistant", avatar=":material/neurology:"), answer_place(view):
        board = Board(st.container(gap="small"), session.decide, pictures)
        if view.live is None:
            board.draw(latest_blocks(view, last.answers, session.citations, last.index))
            under(last)
            rows.answer(last)
            rows.draw()
            texts = [m.text for m in last.answers if m.role == "assistant" and m.text]
            text = copied(texts, session.citations)
            off = (lambda: act("branch", last)) if session.stored else None
            composer.draw_actions(
                mode, current, last.question, text, usage_of(last.answers), config, host.images,
                branches.end_of(last), off, lambda: act("inspect", last),
            )  # fmt: skip
            return
        rows.draw()
        if dialog:
            look_again(session, board, last)
            return
        watch(session, board, beside)
    st.rerun()
