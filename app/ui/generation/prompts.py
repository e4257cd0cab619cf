"""Saved prompts: a menu at `/` in the message box, a form for their fields, and a dialog in which
they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import person_key
from app.core.modes import Mode
from app.core.presets.library import Library
from app.core.presets.saved import MAX_NAME_CHARS, MAX_TEXT_CHARS, NotTaken, SavedPrompt
from app.core.service import Service
from app.ui.elements.component import Component
from app.ui.elements.markdown import drawable, escaped
from app.ui.http.visitor import known_visitor

_FOLDER = Path(__file__).parent
_MENU = Component(
    "saved_prompts",
    html='<div class="saved-prompts" role="listbox" aria-label="Saved prompts" popover="manual">'
    "</div>",
    css=(_FOLDER / "prompts.css").read_text("utf-8"),
    js=(_FOLDER / "prompts.js").read_text("utf-8"),
    isolate_styles=False,
)
KEY = "saved-prompts"
NEW = "New prompt"
_FILLING, _WRITING, _PROBLEM = "prompt-filling", "prompt-writing", "prompt-problem"
"""Keys in the session state: the prompt whose fields are filled in, whether prompts are written,
and why one was not kept."""


def draw_menu(service: Service, visitor: str, mode: Mode) -> None:
    """Draws the menu, which shows once `/` begins the text in the message box of `mode`."""
    prompts = _prompts(service, visitor)
    if prompts is None:
        return

    def heard() -> None:
        asked = st.session_state[KEY].get("chosen")
        if isinstance(asked, Mapping):
            _open(asked, prompts, mode)

    rows = [{"name": each.name, "hint": ", ".join(each.fields)} for each in prompts]
    with st.container(key="saved-prompts-place"):
        _MENU.draw({"prompts": rows, "all": "Saved prompts…"}, key=KEY, on_chosen_change=heard)


def open_dialog() -> None:
    """Opens the dialog in which prompts are written, at the next draw."""
    st.session_state[_WRITING] = True


def has_dialog() -> bool:
    """Whether one of the dialogs is open."""
    return _FILLING in st.session_state or _WRITING in st.session_state


def draw_dialog(service: Service, visitor: str, mode: Mode) -> None:
    """Draws the open dialog, where one is."""
    if service.library is None:
        return
    if _FILLING in st.session_state:
        prompt: SavedPrompt = st.session_state[_FILLING]
        st.dialog(escaped(prompt.name), on_dismiss=_close)(_fill)(prompt, mode)
    elif _WRITING in st.session_state:
        write = st.dialog("Saved prompts", width="medium", on_dismiss=_close)(_write)
        write(service.library, person_key(visitor), mode)


def _prompts(service: Service, visitor: str) -> list[SavedPrompt] | None:
    """The visitor's prompts; None where nothing can be kept for them."""
    if service.library is None or known_visitor() is None:
        return None
    try:
        return service.library.prompts(person_key(visitor))
    except HistoryError:
        return None  # the list of conversations says so


def _open(asked: Mapping[str, Any], prompts: list[SavedPrompt], mode: Mode) -> None:
    if asked.get("manage") is True:
        _put(mode, "")
        open_dialog()
        return
    prompt = next((each for each in prompts if each.name == asked.get("name")), None)
    if prompt is None:
        return
    if prompt.fields:
        st.session_state[_FILLING] = prompt
        st.session_state.pop(_WRITING, None)
    else:
        _put(mode, prompt.text)


def _put(mode: Mode, text: str) -> None:
    """Writes `text` into the message box."""
    st.session_state[f"prompt-{mode}"] = drawable(text)


def _close() -> None:
    for key in (_FILLING, _WRITING, _PROBLEM):
        st.session_state.pop(key, None)


def _fill(prompt: SavedPrompt, mode: Mode) -> None:
    if _FILLING not in st.session_state:
        st.rerun()

    def done() -> None:
        values = {
            name: str(st.session_state.get(f"field-{at}-{prompt.name}", ""))
            for at, name in enumerate(prompt.fields)
        }
        _put(mode, prompt.filled(values))
        _close()

    with st.form("prompt-fields", border=False):
        for at, name in enumerate(prompt.fields):
            st.text_area(escaped(name), key=f"field-{at}-{prompt.name}", height=68)
        st.form_submit_button("Put into the message", type="primary", on_click=done)


def _write(library: Library, person: str, mode: Mode) -> None:
    if _WRITING not in st.session_state:
        st.rerun()
    try:
        prompts = {each.name: each for each in library.prompts(person)}
    except HistoryError as error:
        st.error(str(error), icon=":material/error:")
        return
    chosen = st.selectbox("Prompt", [NEW, *prompts], key="prompt-chosen") or NEW
    known = prompts.get(chosen)
    name_key, text_key = f"prompt-name-{chosen}", f"prompt-text-{chosen}"
    st.text_input(
        "Name",
        known.name if known else "",
        max_chars=MAX_NAME_CHARS,
        key=name_key,
        disabled=known is not None,
    )
    st.text_area(
        "Text",
        known.text if known else "",
        max_chars=MAX_TEXT_CHARS,
        height=200,
        key=text_key,
        placeholder="Write a polite letter to {{name}} about {{matter}}.",
        help="`{{name}}` is a field that you fill in each time.",
    )

    def keep() -> None:
        name = known.name if known else str(st.session_state.get(name_key, ""))
        prompt = SavedPrompt(name, str(st.session_state.get(text_key, "")))
        if _carried_out(lambda: library.save(person, prompt)) and known is None:
            st.session_state[name_key] = st.session_state[text_key] = ""

    def remove() -> None:
        if _carried_out(lambda: library.delete(person, "prompt", chosen)):
            st.session_state["prompt-chosen"] = NEW

    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(drawable(problem), icon=":material/error:")
    with st.container(horizontal=True):
        st.button("Save prompt", key="save-prompt", type="primary", on_click=keep)
        if known is not None:
            st.button("Use it", key="use-prompt", on_click=_use, args=(known, mode))
            st.button("Delete", key="delete-prompt", icon=":material/delete:", on_click=remove)


def _use(prompt: SavedPrompt, mode: Mode) -> None:
    _close()
    _open({"name": prompt.name}, [prompt], mode)


def _carried_out(act: Callable[[], None]) -> bool:
    try:
        act()
    except (HistoryError, NotTaken) as error:
        st.session_state[_PROBLEM] = str(error)
        return False
    return True
