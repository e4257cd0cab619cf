"""The page that shows the handbook: one of its pages at a time, with a chooser above it.

Which page is open stands in the address (`?page=models`), so that it can be linked to, reloaded,
and left with the browser's Back.
"""

from __future__ import annotations

from html import escape

import streamlit as st

from app.core.handbook import HandbookPage, pages, with_links
from app.ui.elements.markdown import prepared
from app.ui.service import PAINTED, load_model_soon, service
from app.ui.sidebar import draw_model

VIEW = "views/help.py"
"""The view as `st.page_link` names it, from the folder of `app/main.py`."""
PARAMETER = "page"
"""The address's parameter that names the open page."""
CHOICE = "help-page"


def show_help() -> None:
    """The page of the handbook that the address names, else the first."""
    load_model_soon(PAINTED)
    with st.sidebar:
        draw_model(service().model)
    book = {page.name: page for page in pages()}
    if not book:
        st.info("The handbook is not installed: `assets/handbook/` is missing.")
        return
    asked = st.query_params.get(PARAMETER, "")
    if asked not in book:
        asked = next(iter(book))
    # The address holds, not the widget: links and Back change only it.
    st.session_state[CHOICE] = asked
    st.selectbox(
        "Page of the handbook",
        list(book),
        key=CHOICE,
        format_func=lambda name: book[name].title,
        on_change=_open_chosen,
    )
    page = book[asked]
    with st.container(key="handbook"):
        # Its text is the app's own; the HTML in it are the links that `_link` makes.
        st.markdown(with_links(prepared(page.text), _link), unsafe_allow_html=True)
    _draw_neighbours(list(book.values()), page)


def draw_help_link(name: str, label: str) -> None:
    """A link to the page `name` of the handbook, for other pages of the app."""
    st.page_link(VIEW, label=label, icon=":material/help:", query_params={PARAMETER: name})


def _open_chosen() -> None:
    st.query_params[PARAMETER] = st.session_state[CHOICE]


def _link(words: str, name: str) -> str:
    """A link to another page of the handbook. Streamlit opens those of Markdown in a new tab."""
    return f'<a href="?{PARAMETER}={name}" target="_self">{escape(words)}</a>'


def _draw_neighbours(book: list[HandbookPage], page: HandbookPage) -> None:
    """Links to the pages before and after `page`. They load the page anew, so that it is read
    from its top; a button would leave it scrolled to its end."""
    at = book.index(page)
    st.divider()
    before, after = st.columns(2)
    if at > 0:
        before.markdown(_neighbour("Before this", book[at - 1]), unsafe_allow_html=True)
    if at + 1 < len(book):
        after.markdown(_neighbour("Next", book[at + 1]), unsafe_allow_html=True)


def _neighbour(label: str, page: HandbookPage) -> str:
    return f"{label}: {_link(page.title, page.name)}"
