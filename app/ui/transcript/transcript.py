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
    Exchange,
    NoteBlock,
    SourcesBlock,
    TextBlock,
    ThinkingBlock,
    WaitBlock,
    answer_blocks,
    exchanges,
    latest,
    latest_blocks,
    starts,
    tick,
)
from app.ui.transcript.sources import Pictures, no_pictures, sources_html
from app.ui.transcript.tool_call import Answer, draw_call

# Between two checks while nothing is new; a click on Stop takes effect at the next check.
POLL_INTERVAL_S = 0.15
# Exchanges on the page, and how many earlier ones a click adds; a page with more than both together
# takes seconds to draw.
SHOWN, MORE = 20, 50
# Characters of a user's message that are drawn; the rest is folded away.
MAX_QUESTION_CHARS = 4000
NOTHING = Exchange(0, None, ())

# Earlier messages come in above what is read: that stays where it is, while those are laid out.
KEEP = """<div id="kept-in-view" style="scroll-margin-top: 5rem"></div><script>
const keep = () => document.getElementById("kept-in-view")?.scrollIntoView()
for (const wait of [0, 100, 300, 600]) setTimeout(keep, wait)
</script>"""


class Board:
    """A column of placeholders; `draw` sends only the blocks that changed since the last draw.

    `answer` takes the user's decision on a waiting call; `pictures` returns the addresses of page
    images of documents."""

    def __init__(
        self, place: Any, answer: Answer | None = None, pictures: Pictures = no_pictures
    ) -> None:
        self._place, self._answer, self._pictures = place, answer, pictures
        self._slots: list[Any] = []
        self._drawn: list[Block | None] = []

    def draw(self, blocks: Sequence[Block]) -> bool:
        """Updates the page to `blocks`; returns whether anything was sent."""
        changed = False
        for at, block in enumerate(blocks):
            if at == len(self._slots):
                self._slots.append(self._place.empty())
                self._drawn.append(None)
            if self._drawn[at] != block:
                _draw(self._slots[at], block, self._answer, self._pictures)
                self._drawn[at] = block
                changed = True
        for at in range(len(blocks), len(self._slots)):
            if self._drawn[at] is not None:
                self._slots[at].empty()
                self._drawn[at] = None
                changed = True
        return changed


def draw_history(
    mode: str,
    view: View,
    lookup: CitationLookup | None,
    under: Callable[[Exchange], None],
    pictures: Pictures = no_pictures,
) -> Exchange | None:
    """What was said before the last exchange, which is returned: the latest of it, or the page of
    earlier exchanges that was asked for. `under` draws what stands under an answer; for `pictures`
    see `Board`."""
    messages = view.conversation.messages
    last = latest(messages)
    if last is None:
        # A new conversation: the content of both placeholders is removed at once.
        st.empty()
        st.empty()
        return None
    before = len(starts(messages)) - 1
    at, first = st.session_state.get(earlier_key(mode), (None, 0))
    # With a new question the page goes back to the latest. What was shown goes at once then, for
    # it stood in the other one of two places; see `answer_place`.
    paging = at == last.at
    if paging:
        st.empty()
    else:
        first = max(0, before + 1 - SHOWN)
    with st.container(gap="small"):
        end = min(before, first + SHOWN + MORE)
        if first:
            _earlier_button(mode, last.at, first)
        for nth, exchange in enumerate(exchanges(messages, slice(first, end)), first):
            _keep_in_view(mode, nth)
            _draw_exchange(exchange, lookup, under, pictures)
        if end < before:
            st.button(
                f"Skip {before - end:,} messages to the latest",
                key="show_latest",
                type="tertiary",
                on_click=lambda: st.session_state.pop(earlier_key(mode), None),
            )
    if not paging:
        st.empty()
    return last


def _earlier_button(mode: str, at: int, first: int) -> None:
    more = min(MORE, first)
    st.button(
        f"Show {more} earlier messages" + (f" of {first:,}" if more < first else ""),
        key="show_earlier",
        type="tertiary",
        on_click=_show,
        args=(mode, at, first - more, first),
    )


def _draw_exchange(
    exchange: Exchange,
    lookup: CitationLookup | None,
    under: Callable[[Exchange], None],
    pictures: Pictures,
) -> None:
    draw_question(exchange)
    with st.chat_message("assistant", avatar=":material/neurology:"):
        with st.container(gap="small"):
            Board(st.container(gap="small"), pictures=pictures).draw(
                answer_blocks(exchange.answers, lookup, exchange.at)
            )
            under(exchange)
            # Takes the place of the actions that stood here while this was the last exchange.
            st.empty()
        st.empty()  # and of its other place, see `answer_place`


def earlier_key(mode: str) -> str:
    """The key in the session state that says which earlier exchanges are shown."""
    return f"earlier-{mode}"


def _show(mode: str, at: int, first: int, keep: int) -> None:
    """Have the exchanges from `first` on shown, until the last one no longer stands at `at`, and
    the one that was on top so far, `keep`, stay where the reader has it."""
    st.session_state[earlier_key(mode)] = (at, first)
    st.session_state[f"keep-{mode}"] = keep


def _keep_in_view(mode: str, nth: int) -> None:
    """Before the exchange that was on top until earlier ones were asked for: what scrolls to it."""
    if st.session_state.get(f"keep-{mode}") == nth:
        del st.session_state[f"keep-{mode}"]
        st.html(KEEP, unsafe_allow_javascript=True)


def draw_question(exchange: Exchange) -> None:
    """A user's message, as text: what a user types is not Markdown."""
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


def answer_place(view: View) -> Any:
    """Where the last answer and all under it are drawn: the other one of two places with each turn.

    What an earlier answer left goes at once then. In its own place Streamlit would keep it, greyed,
    until the page has been drawn to its end, which is the turn's.
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
    """Draws the running turn until it ends, or until what is drawn `beside` it is no longer the
    same. A rerun of the page interrupts this at any draw."""
    with watching():
        return _watch(session, board, beside)


def _watch(session: Session, board: Board, beside: Callable[[], object]) -> View:
    before = beside()
    pulse = st.empty()
    shown = -1
    while True:
        began = time.monotonic()
        view = session.view()
        last = latest(view.conversation.messages) or NOTHING
        blocks = latest_blocks(view, last.answers, session.citations, last.at)
        changed = board.draw(blocks)
        if view.live is None or beside() != before:
            pulse.empty()
            return view
        second = int(began - view.began)
        # Something is sent at every check: only then does Streamlit notice a click or a closed tab.
        # Waiting and running blocks have clocks, which are sent.
        if tick(blocks):
            pulse.empty()
        elif second != shown or not changed:
            pulse.caption(f"{second} s")
            shown = second
        session.wait(view.version, POLL_INTERVAL_S)
        time.sleep(max(0.0, draw_interval() - (time.monotonic() - began)))


def look_again(session: Session, board: Board, last: Exchange) -> None:
    """Draws the running turn as it is now, and the whole page anew when there is more. While a
    dialog is open the page is not watched: until a watch ended, nothing in the dialog would be
    heard."""
    view = session.view()
    board.draw(latest_blocks(view, last.answers, session.citations, last.at))

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
        case NoteBlock(kind, text):
            _draw_note(slot, kind, text)
        case WaitBlock(text, seconds):
            shown = f"{text}…" if text else "…"
            slot.caption(shown if seconds < 2 else f"{shown} {seconds} s")


def _draw_note(slot: Any, kind: str, text: str) -> None:
    if kind == "error":
        slot.error(drawable(text), icon=":material/error:")
    elif kind == "stopped":
        slot.caption(f":material/stop_circle: {text}")
    else:
        slot.info(drawable(text), icon=":material/info:")
