"""One document: its chip above the message box, and the dialog with its pages and actions."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.document_qa import status_text
from app.core.document_qa.retrieval.token_counter import Tokens
from app.core.document_qa.session_documents import SessionDocuments
from app.core.document_qa.store import Entry
from app.ui.documents.page_viewer import draw_pages, show_page
from app.ui.elements.keys import stable_key
from app.ui.elements.markdown import escaped
from backends.messages import Document
from tools.base import file_size
from tools.documents.base import DocumentError

ICONS = {
    "waiting": ":material/hourglass_top:",
    "reading": ":material/hourglass_bottom:",
    "ready": ":material/description:",
    "locked": ":material/lock:",
    "failed": ":material/error:",
    "cancelled": ":material/stop_circle:",
}
REMARKED = ":material/draft_orders:"
MAX_NAME_CHARS = 28
_OPEN = "open-document"

CurrentDocuments = Callable[[], SessionDocuments | None]
"""Returns the documents of the current session, which may be a new one when a button is
pressed."""


def draw_chip(entry: Entry, tokens: Tokens | None) -> None:
    """Draws the file's name and state as a button that opens its dialog. `tokens` are those of the
    selected pages, None while they aren't counted."""
    name = entry.document.name
    shown = [status_text.state_of(entry)]
    if tokens is not None and entry.state == "ready":
        shown.append(f"{_in_thousands(tokens.count)} tokens")
    icon = ICONS[entry.state]
    if entry.state == "ready" and status_text.unread(entry):
        icon = REMARKED
    with st.container(width="content", gap=None):
        st.button(
            f"{escaped(_short(name))} :gray[{' · '.join(shown)}]",
            icon=icon,
            key=stable_key(f"document {name}"),
            on_click=open_document,
            args=(name, 1),
        )
        if entry.state == "reading":
            st.progress(_share(entry))


def open_document(name: str, page: int) -> None:
    """Opens the dialog at the next draw, on the page with that number in the document."""
    st.session_state[_OPEN] = name
    show_page(page)


def is_open() -> bool:
    """Whether a document's dialog is open."""
    return _OPEN in st.session_state


def draw_open_document(
    current_documents: CurrentDocuments, tokens: Callable[[Entry], Tokens | None], watched: bool
) -> None:
    """Draws the dialog, where one is open. `watched` says that a fragment redraws it."""
    name = st.session_state.get(_OPEN)
    entry = _entry(current_documents, name)
    if entry is None:
        _close()
        return
    title = escaped(entry.document.name, 120)
    st.dialog(title, width="large", on_dismiss=_close)(_draw)(
        entry.document.name, current_documents, tokens, watched
    )


def _close() -> None:
    st.session_state.pop(_OPEN, None)


def _entry(current_documents: CurrentDocuments, name: str | None) -> Entry | None:
    documents = current_documents()
    entries = () if documents is None else documents.store.entries()
    return next((each for each in entries if each.document.name == name), None)


def _draw(
    name: str,
    current_documents: CurrentDocuments,
    tokens: Callable[[Entry], Tokens | None],
    watched: bool,
) -> None:
    entry = _entry(current_documents, name)
    # It was removed, here or in another tab; or a password was given, and it is read from now on.
    if entry is None or not is_open() or (entry.pending and not watched):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_facts(entry, tokens(entry)), width="stretch")
        if entry.state in ("waiting", "reading"):
            _button(
                "Stop reading", "stop_circle", name, lambda: _act(current_documents, "cancel", name)
            )
        if entry.state in ("failed", "cancelled"):
            _button(
                "Read again", "refresh", name, lambda: _again(current_documents, entry.document)
            )
        _button("Remove", "delete", name, lambda: _remove(current_documents, name))
    if entry.state == "reading":
        st.progress(_share(entry))
    if entry.state == "failed":
        st.error(escaped(entry.error or "It can't be read.", 400), icon=":material/error:")
    elif lines := status_text.unread(entry):
        st.markdown("\n".join(f"- {escaped(line, 400)}" for line in lines))
    if entry.state == "locked":
        _draw_password(name, current_documents)
    if entry.reading is not None and entry.reading.pages:
        draw_pages(
            entry,
            lambda page: _picture(current_documents, entry, page),
            lambda: _draw_choice(entry, current_documents),
        )


def _facts(entry: Entry, tokens: Tokens | None) -> str:
    parts = [file_size(entry.document.size), status_text.state_of(entry)]
    if tokens is not None and entry.state == "ready":
        parts.append(f"{'' if tokens.exact else 'about '}{tokens.count:,} tokens")
    return " · ".join(parts)


def _button(label: str, icon: str, name: str, action: Callable[[], None]) -> None:
    key = stable_key(f"{label} {name}")
    st.button(label, key=key, icon=f":material/{icon}:", on_click=action)


def _draw_password(name: str, current_documents: CurrentDocuments) -> None:
    key = stable_key(f"password {name}")

    def given() -> None:
        password = st.session_state.get(key, "")
        if password and (documents := current_documents()) is not None:
            documents.unlock(name, password)

    st.text_input(
        "Password",
        key=key,
        type="password",
        placeholder="Its password, then Enter",
        label_visibility="collapsed",
        autocomplete="off",
        on_change=given,
    )


def _draw_choice(entry: Entry, current_documents: CurrentDocuments) -> None:
    """Draws the input for the selected pages."""
    name = entry.document.name
    key = stable_key(f"pages {name}")
    st.session_state[key] = (
        "" if entry.selected is None else status_text.ranges(status_text.chosen(entry))
    )
    st.text_input(
        "Pages that take part",
        key=key,
        placeholder="All pages take part; or 1-5, 9",
        label_visibility="collapsed",
        on_change=lambda: _act(current_documents, "select", name, st.session_state.get(key, "")),
    )


def _picture(current_documents: CurrentDocuments, entry: Entry, page: int) -> bytes | None:
    documents = current_documents()
    return None if documents is None else documents.picture(entry, page)


def _remove(current_documents: CurrentDocuments, name: str) -> None:
    if (documents := current_documents()) is not None:
        documents.remove(name)
    _close()


def _again(current_documents: CurrentDocuments, document: Document) -> None:
    if (documents := current_documents()) is not None:
        documents.store.add(document)


def _act(current_documents: CurrentDocuments, what: str, *arguments: str) -> None:
    """Calls the store's method `what`, and shows its `DocumentError` as a toast."""
    documents = current_documents()
    if documents is None:
        return
    try:
        getattr(documents.store, what)(*arguments)
    except DocumentError as error:
        st.toast(escaped(str(error), 400), icon=":material/error:", duration="long")


def _share(entry: Entry) -> float:
    return min(1.0, entry.done / entry.total) if entry.total else 0.0


def _in_thousands(count: int) -> str:
    if count < 1_000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 99_950 else f"{count / 1000:,.0f}k"


def _short(name: str) -> str:
    """A name that fits a chip, with its ending."""
    if len(name) <= MAX_NAME_CHARS:
        return name
    return f"{name[: MAX_NAME_CHARS - 9]}…{name[-8:]}"
