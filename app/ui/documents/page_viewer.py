"""Shows a document page by page: its image, and the text that the model sees."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.document_qa import status_text
from app.core.document_qa.store import Entry
from app.ui.elements.markdown import shown

_NUMBER = "open-page"
HEIGHT_PX = 480
MAX_PAGE_CHARS = 100_000  # of a page that are shown


def show_page(number: int) -> None:
    """Turn to the page with this number in the document."""
    st.session_state[_NUMBER] = number


def draw_pages(
    entry: Entry, picture_of: Callable[[int], bytes | None], beside: Callable[[], None]
) -> None:
    """Draw the current page, with controls to turn pages.

    Arguments:
        entry: a document that has been read.
        picture_of: renders a page by its number as a PNG; returns None if that isn't possible.
        beside: draws further controls next to those of the pages.
    """
    assert entry.reading is not None
    pages = entry.reading.pages
    last = pages[-1].number
    number = min(max(1, int(st.session_state.get(_NUMBER, 1))), last)
    # Streamlit drops the value of a widget that isn't drawn, so it is set again at each opening.
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
    with left, st.container(height=HEIGHT_PX):
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
    """Draw the text as the model gets it; it is untrusted, so as plain text."""
    if not text.strip():
        st.info("No text was found on this page.", icon=":material/info:")
        return
    st.code(shown(text[:MAX_PAGE_CHARS]), language=None, wrap_lines=True, height=HEIGHT_PX)
    if len(text) > MAX_PAGE_CHARS:
        st.caption(f"The first {MAX_PAGE_CHARS:,} of {len(text):,} characters are shown.")
