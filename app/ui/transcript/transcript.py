"""Draws a conversation, and watches the last exchange while its turn runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app.core.rendering.citations import CitationLookup
from app.core.sessions.session import Session, View
from app.ui.elements.markdown import drawable, prepared
from app.ui.elements.user_files import draw_attached
from app.ui.pace import draw_interval, watching
from app.ui.transcript.blocks import (
    Block,
    CallBlock,
    CompactedBlock,
    Exchange,
    NoteBlock,
    SourcesBlock,
    TextBlock,
    ThinkingBlock,
    WaitBlock,
    answer_blocks,
    exchanges,
    has_clock,
    latest,
    latest_blocks,
    starts,
)
from app.ui.transcript.sources import Pictures, no_pictures, sources_html
from app.ui.transcript.tool_call import Answer, draw_call

# Between two checks while nothing is new; a click on Stop takes effect at the next check.
POLL_INTERVAL_S = 0.15
# Exchanges that are drawn, and how many earlier ones a click adds; a page with more than their sum
# takes seconds to draw.
LATEST_EXCHANGES, EARLIER_EXCHANGES = 20, 50
# Characters of a user's message that are drawn; the whole of a longer one is in an expander.
MAX_QUESTION_CHARS = 4000
NO_EXCHANGE = Exchange(0, None, ())

# Keeps the exchange in view while earlier ones are inserted above it.
KEEP_IN_VIEW = """<div id="kept-in-view" style="scroll-margin-top: 5rem"></div><script>
const keep = () => document.getElementById("kept-in-view")?.scrollIntoView()
for (const wait of [0, 100, 300, 600]) setTimeout(keep, wait)
</script>"""


class Board:
    """A column of placeholders; `draw` sends only the blocks that changed since the last draw.

    Arguments:
        place: the Streamlit container.
        answer: takes the user's decision on a call that waits for approval.
        pictures: gives the URLs of images of documents' pages.
    """

    def __init__(
        self, place: Any, answer: Answer | None = None, pictures: Pictures = no_pictures
    ) -> None:
        self._place, self._answer, self._pictures = place, answer, pictures
        self._slots: list[Any] = []
        self._drawn: list[Block | None] = []

    def draw(self, blocks: Sequence[Block]) -> bool:
        """Update the page to `blocks`. Returns whether anything was sent."""
        changed = False
        for index, block in enumerate(blocks):
            if index == len(self._slots):
                self._slots.append(self._place.empty())
                self._drawn.append(None)
            if self._drawn[index] != block:
                _draw(self._slots[index], block, self._answer, self._pictures)
                self._drawn[index] = block
                changed = True
        for index in range(len(blocks), len(self._slots)):
            if self._drawn[index] is not None:
                self._slots[index].empty()
                self._drawn[index] = None
                changed = True
        return changed


def draw_history(
    mode: str,
    view: View,
    lookup: CitationLookup | None,
    under: Callable[[Exchange], None],
    pictures: Pictures = no_pictures,
    question: Callable[[Exchange], None] | None = None,
) -> Exchange | None:
    """Draw the exchanges before the last one: the latest, or a page of earlier ones.

    Arguments:
        mode: the mode, for the key of the session state.
        view: the session's state.
        lookup: finds cited sources.
        under: draws what belongs under an answer.
        pictures: see `Board`.
        question: draws a user's message in place of `draw_question`.

    Returns the last exchange, which is not drawn; None for an empty conversation.
    """
    messages = view.conversation.messages
    last = latest(messages)
    if last is None:
        # A new conversation: the content of both placeholders is removed at once.
        st.empty()
        st.empty()
        return None
    before = len(starts(messages)) - 1
    last_index, first = st.session_state.get(earlier_key(mode), (None, 0))
    # A new question leads back to the latest exchanges. Paging uses the other one of two
    # placeholders, so that earlier exchanges are removed at once; see `answer_place`. So does
    # another conversation.
    paging = last_index == last.index
    second = paging != st.session_state.get(turned_key(mode), False)
    if second:
        st.empty()
    if not paging:
        first = max(0, before + 1 - LATEST_EXCHANGES)
    with st.container(gap="small"):
        end = min(before, first + LATEST_EXCHANGES + EARLIER_EXCHANGES)
        if first:
            _earlier_button(mode, last.index, first)
        for number, exchange in enumerate(exchanges(messages, slice(first, end)), first):
            _keep_in_view(mode, number)
            _draw_exchange(exchange, lookup, under, pictures, question or draw_question)
        if end < before:
            st.button(
                f"Skip {before - end:,} messages to the latest",
                key="show_latest",
                type="tertiary",
                on_click=lambda: st.session_state.pop(earlier_key(mode), None),
            )
    if not second:
        st.empty()
    return last


def _earlier_button(mode: str, last_index: int, first: int) -> None:
    count = min(EARLIER_EXCHANGES, first)
    st.button(
        f"Show {count} earlier messages" + (f" of {first:,}" if count < first else ""),
        key="show_earlier",
        type="tertiary",
        on_click=_show,
        args=(mode, last_index, first - count, first),
    )


def _draw_exchange(
    exchange: Exchange,
    lookup: CitationLookup | None,
    under: Callable[[Exchange], None],
    pictures: Pictures,
    question: Callable[[Exchange], None],
) -> None:
    question(exchange)
    with st.chat_message("assistant", avatar=":material/neurology:"):
        with st.container(gap="small"):
            Board(st.container(gap="small"), pictures=pictures).draw(
                answer_blocks(exchange.answers, lookup, exchange.index)
            )
            under(exchange)
            # Replaces the actions that were here while this was the last exchange.
            st.empty()
        st.empty()  # and the other placeholder of `answer_place`


def earlier_key(mode: str) -> str:
    """The key in the session state for the page of earlier exchanges.

    Its value: the index of the last exchange's question when the page was opened, and the number
    of the first exchange that is shown, from 0.
    """
    return f"earlier-{mode}"


def turned_key(mode: str) -> str:
    """The key in the session state whose truth changes when another conversation is shown."""
    return f"turned-{mode}"


def _show(mode: str, last_index: int, first: int, keep: int) -> None:
    """Show the exchanges from number `first` on, until there is a new question; exchange `keep`,
    which was the first one so far, stays in view."""
    st.session_state[earlier_key(mode)] = (last_index, first)
    st.session_state[f"keep-{mode}"] = keep


def _keep_in_view(mode: str, number: int) -> None:
    """Draw the script that scrolls to the exchange if it was the first one before paging."""
    if st.session_state.get(f"keep-{mode}") == number:
        del st.session_state[f"keep-{mode}"]
        st.html(KEEP_IN_VIEW, unsafe_allow_javascript=True)


def draw_question(exchange: Exchange, under: Callable[[Exchange], None] | None = None) -> None:
    """Draw a user's message and its attachments; its text is not read as Markdown. `under` draws
    what belongs under it."""
    if exchange.question is None:
        return
    text = drawable(exchange.question.text)
    with st.chat_message("user", avatar=":material/person:"):
        draw_attached(exchange.question.attached)
        if len(text) > MAX_QUESTION_CHARS:
            st.text(text[:MAX_QUESTION_CHARS] + "…")
            with st.expander(f"The whole message ({len(text):,} characters)"):
                st.code(text, language=None, wrap_lines=True, height=400)
        elif text:
            st.text(text)
        if under is not None:
            under(exchange)


def answer_place(view: View) -> Any:
    """The container for the last answer and all under it: one of two, which alternate by turn.

    So the elements of the previous answer are removed at once. In the same container Streamlit
    would keep them, greyed out, until the script ends, which is at the end of the turn.
    """
    began, second = st.session_state.get("turn", (0.0, False))
    if view.live is not None and view.began != began:
        second = not second
        st.session_state["turn"] = (view.began, second)
    if second:
        st.empty()
    place = st.container(gap="small")
    if not second:
        st.empty()
    return place


def watch(session: Session, board: Board, beside: Callable[[], object]) -> View:
    """Draw the running turn until it ends, or until the value of `beside` changes.

    `beside` returns the state of what else the page draws, such as the documents. A rerun of the
    page can interrupt this at any draw. Returns the last state of the session.
    """
    with watching():
        return _watch(session, board, beside)


def _watch(session: Session, board: Board, beside: Callable[[], object]) -> View:
    before = beside()
    pulse = st.empty()
    shown_second = -1
    while True:
        began = time.monotonic()
        view = session.view()
        last = latest(view.conversation.messages) or NO_EXCHANGE
        blocks = latest_blocks(view, last.answers, session.citations, last.index)
        changed = board.draw(blocks)
        if view.live is None or beside() != before:
            pulse.empty()
            return view
        second = int(began - view.began)
        # Streamlit notices a click or a closed tab only when something is sent, so every check
        # sends something: a block's clock, or a caption.
        if has_clock(blocks):
            pulse.empty()
        elif second != shown_second or not changed:
            pulse.caption(f"{second} s")
            shown_second = second
        session.wait(view.version, POLL_INTERVAL_S)
        time.sleep(max(0.0, draw_interval() - (time.monotonic() - began)))


def look_again(session: Session, board: Board, last: Exchange) -> None:
    """Draw the running turn once, and rerun the page when it has changed.

    Replaces `watch` while a dialog is open, whose clicks would not take effect before `watch` ends.
    """
    view = session.view()
    board.draw(latest_blocks(view, last.answers, session.citations, last.index))

    def changed() -> None:
        if session.view().version != view.version:
            st.rerun()

    st.fragment(changed, run_every=1.0)()


def _draw(slot: Any, block: Block, answer: Answer | None, pictures: Pictures) -> None:
    match block:
        case TextBlock(text, marks):
            slot.markdown(prepared(text, marks), anchors=False)
        case SourcesBlock(citations, scope):
            slot.html(sources_html(citations, scope, pictures))
        case ThinkingBlock(text, done):
            with slot.container(), st.expander("Thought" if done else "Thinking…"):
                st.markdown(prepared(text), anchors=False)
        case CallBlock():
            with slot.container():
                draw_call(block, answer)
        case CompactedBlock(messages, summary):
            with slot.container():
                draw_compacted(messages, summary)
        case NoteBlock(kind, text):
            _draw_note(slot, kind, text)
        case WaitBlock(text, seconds):
            shown = f"{text}…" if text else "…"
            slot.caption(shown if seconds < 2 else f"{shown} {seconds} s")


def draw_compacted(messages: int, summary: str) -> None:
    """Draws from where on the model reads, and the summary of what is before that."""
    instead = "reads a summary of them instead" if summary else "leaves them out"
    st.caption(
        f":material/compress: The conversation is too long for the model: from here on it no "
        f"longer reads the first {messages:,} messages, and {instead}."
    )
    if summary:
        with st.expander("The summary"):
            st.text(drawable(summary))


def _draw_note(slot: Any, kind: str, text: str) -> None:
    if kind == "error":
        slot.error(drawable(text), icon=":material/error:")
    elif kind == "interrupted":
        slot.caption(f":material/power_off: {text}")
    elif kind == "stopped":
        slot.caption(f":material/stop_circle: {text}")
    else:
        slot.info(drawable(text), icon=":material/info:")
