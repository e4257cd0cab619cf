"""The Help page: one page of the handbook at a time, with a select box above it.

The address names the open page (`?page=models`), so that links, reloads and the browser's Back
work.
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
    name = st.query_params.get(PARAMETER, "")
    if name not in book:
        name = next(iter(book))
    # The address decides, not the widget: links and Back change only the address.
    st.session_state[CHOICE] = name
    st.selectbox(
        "Page of the handbook",
        list(book),
        key=CHOICE,
        format_func=lambda name: book[name].title,
        on_change=_open_chosen,
    )
    page = book[name]
    with st.container(key="handbook"):
        # The text is part of the app; its only HTML are the links made by `_link`.
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
    """Draw links to the pages before and after `page`.

    Links reload the page, so that it begins at its top; with buttons it would stay scrolled down.
    """
    index = book.index(page)
    st.divider()
    before, after = st.columns(2)
    if index > 0:
        before.markdown(_neighbour("Before this", book[index - 1]), unsafe_allow_html=True)
    if index + 1 < len(book):
        after.markdown(_neighbour("Next", book[index + 1]), unsafe_allow_html=True)


def _neighbour(label: str, page: HandbookPage) -> str:
    return f"{label}: {_link(page.title, page.name)}"
