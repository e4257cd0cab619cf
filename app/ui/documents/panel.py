"""The documents of a conversation, above the message box: a chip for each file, the reading mode,
and the share of the model's window that they take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import streamlit as st

from app.core.document_qa import status_text
from app.core.document_qa.answering.prompt import (
    PromptForecast,
    ReadingMode,
    TokenBudget,
    asks_for_whole,
)
from app.core.document_qa.session_documents import READING_MODES, SessionDocuments
from app.core.models.host import ModelHost
from app.core.sessions.session import Session
from app.ui.documents.dialog import draw_chip, draw_open_document, is_open
from app.ui.elements.markdown import escaped, words
from app.ui.transcript.blocks import Exchange
from backends.base import GenerationConfig

# Between two checks of files that are being read.
POLL_INTERVAL_S = 0.5
LABELS = {
    "auto": "Automatic",
    "whole": "Whole",
    "passages": "Passages",
    "parts": "Part by part",
}
HELP = (
    "Whole: all pages stand in the prompt. Passages: for each question those that share its "
    "words. Part by part: everything is read in pieces, and the notes are put together; for "
    "summaries. Automatic: whole where it fits, else passages."
)

Current = Callable[[], Session]


def draw_documents(current: Current, host: ModelHost, config: GenerationConfig) -> None:
    """Draws the panel above the message box; nothing in a session without documents. Refreshes
    itself while files are read."""
    session = current()
    if session.documents is None:
        return
    pending = session.documents.pending
    # A running turn redraws the page and reports the progress of files itself.
    watching = pending and not session.running
    panel = st.fragment(_draw, run_every=POLL_INTERVAL_S) if watching else _draw
    # A fragment has a container of its own; the same without one keeps the layout in place.
    with st.bottom, nullcontext() if watching else st.container():
        panel(current, host, config, watching, len(session.documents.store.entries()))


def has_dialog() -> bool:
    """Whether a document's dialog is open."""
    return is_open()


def states(session: Session) -> Callable[[], object]:
    """Returns a function whose value changes with the documents' states, so that the page is
    redrawn then."""

    def now() -> object:
        entries = () if session.documents is None else session.documents.store.entries()
        return [(each.document.name, each.state) for each in entries]

    return now


def draw_pages_read(exchange: Exchange) -> None:
    """Draws the pages that were read for an answer, under it."""
    read = [each.context for each in exchange.answers if each.context is not None]
    if not read or not (line := status_text.pages_read(read[-1])):
        return
    st.caption(f":material/menu_book: {escaped(line, 600)}")
    question = exchange.question.text if exchange.question is not None else ""
    if asks_for_whole(question) and read[-1].mode == "passages" and read[-1].excess:
        st.caption("This asks about the whole: *Part by part* reads all of it.")


def _draw(
    current: Current, host: ModelHost, config: GenerationConfig, watching: bool, count: int
) -> None:
    documents = current().documents
    if documents is None:
        return
    entries = documents.store.entries()
    if watching and (not documents.pending or len(entries) != count):
        st.rerun()
    if not entries:
        return

    with st.container(key="documents", gap="small"):
        with st.container(horizontal=True, gap="small", key="document-chips"):
            for entry in entries:
                draw_chip(entry, documents.tokens(entry, host.backend))
        with st.container(horizontal=True, vertical_alignment="center", key="document-ways"):
            _draw_reading_modes(current, documents)
            said_before = current().view().conversation.messages
            forecast = documents.forecast(said_before, host.backend, config)
            if forecast is not None:
                st.html(
                    budget_html(forecast, documents.mode, status_text.progress(entries)),
                    width="stretch",
                )
    watched = watching or current().running
    draw_open_document(
        lambda: current().documents, lambda entry: documents.tokens(entry, host.backend), watched
    )


def _draw_reading_modes(current: Current, documents: SessionDocuments) -> None:
    key = "document-way"
    # The session decides, not the widget: it may be a new session by now.
    st.session_state[key] = documents.mode

    def keep() -> None:
        now = current().documents
        mode = st.session_state[key]
        if now is not None and mode in READING_MODES:
            now.mode = mode

    st.segmented_control(
        "How documents are read",
        READING_MODES,
        key=key,
        format_func=lambda mode: LABELS[mode],
        label_visibility="collapsed",
        help=HELP,
        required=True,
        on_change=keep,
    )


def budget_html(forecast: PromptForecast, mode: ReadingMode, reading: str) -> str:
    """The token budget of the next question, as a bar and in sentences."""
    budget = forecast.budget
    shares = [
        ("documents", budget.documents),
        ("talk", budget.conversation),
        ("reply", budget.answer),
    ]
    whole = max(budget.window, sum(tokens for _, tokens in shares), 1)
    bars = "".join(
        f'<span class="{name}" style="width:{100 * tokens / whole:.2f}%"></span>'
        for name, tokens in shares
    )
    lines = [words(line) for line in (reading, *status_text.forecast_lines(forecast, mode)) if line]
    return (
        f'<div class="room"><div class="bar" role="img" aria-label="{_figures(budget)}" '
        f'title="{_figures(budget)}">{bars}</div><div>{"<br>".join(lines)}</div></div>'
    )


def _figures(budget: TokenBudget) -> str:
    about = "" if budget.exact else "about "
    return (
        f"Documents {about}{budget.documents:,} tokens, conversation {budget.conversation:,}, "
        f"answer {budget.answer:,}, window {budget.window:,}"
    )
