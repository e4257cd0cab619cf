"""The pages of a document one by one: as they look, and beside it the text that the model sees."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.document_qa import status_text
from app.core.document_qa.store import Entry
from app.ui.elements.markdown import shown

_NUMBER = "open-page"
HEIGHT = 480  # pixels
MAX_PAGE_CHARS = 100_000  # characters of a page that are shown


def show_page(number: int) -> None:
    """Turns to a page by its number in the document."""
    st.session_state[_NUMBER] = number


def draw_pages(
    entry: Entry, picture_of: Callable[[int], bytes | None], beside: Callable[[], None]
) -> None:
    """A page, and what turns to others. `picture_of` draws it where that can be, `beside` what
    stands next to the buttons."""
    assert entry.reading is not None
    pages = entry.reading.pages
    last = pages[-1].number
    number = min(max(1, int(st.session_state.get(_NUMBER, 1))), last)
    # A widget's value goes when it isn't drawn: it is set anew at each opening.
    st.session_state[_NUMBER] = number
    if last > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _turn("Back", "chevron_left", number - 1, number > 1)
            st.number_input(
                "Page", 1, last, key=_NUMBER, label_visibility="collapsed", width=110, step=1
            )
            st.markdown(f"of {status_text.noun(entry, last)}", width="content")
            _turn("Next", "chevron_right", number + 1, number < last)
            beside()
    page = next((each for each in pages if each.number == number), None)
    text = page.text if page is not None else ""
    picture = picture_of(number)
    if picture is None:
        _draw_text(text)
        return
    left, right = st.columns(2)
    with left, st.container(height=HEIGHT):
        st.image(picture, width="stretch", alt=f"Page {number} as it looks")
    with right:
        _draw_text(text)


def _turn(label: str, icon: str, to: int, possible: bool) -> None:
    st.button(
        label,
        key=f"page-{label}",
        icon=f":material/{icon}:",
        disabled=not possible,
        on_click=show_page,
        args=(to,),
    )


def _draw_text(text: str) -> None:
    """The text as the model gets it: plain, for it is a stranger's."""
    if not text.strip():
        st.info("No text was found on this page.", icon=":material/info:")
        return
    st.code(shown(text[:MAX_PAGE_CHARS]), language=None, wrap_lines=True, height=HEIGHT)
    if len(text) > MAX_PAGE_CHARS:
        st.caption(f"The first {MAX_PAGE_CHARS:,} of {len(text):,} characters are shown.")
