"""Presets in the sidebar: settings of a conversation that are kept under a name."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.core.history.database import HistoryError
from app.core.history.history import person_key
from app.core.modes import Defaults
from app.core.presets.generation import NAMES, chosen
from app.core.presets.library import Library
from app.core.presets.saved import MAX_NAME_CHARS, NotTaken, Preset
from app.core.service import Service
from app.core.sessions.session import Session
from app.ui.elements.markdown import drawable, escaped
from app.ui.generation import prompts
from app.ui.generation.controls import SYSTEM
from app.ui.http.visitor import known_visitor

NO_COOKIES = "Your browser takes no cookies: presets and prompts would be lost with this page."
_NAME, _PROBLEM = "preset-name", "preset-problem"


def draw_presets(
    service: Service, visitor: str, current: Callable[[], Session], defaults: Defaults
) -> None:
    """Draws the presets in an expander; they are looked up once it is open."""
    library = service.library
    if library is None:
        return
    with (
        part := st.expander("Presets", icon=":material/bookmark:", on_change="rerun", key="presets")
    ):
        if part.open:
            if known_visitor() is None:
                st.caption(NO_COOKIES)
            else:
                _draw(library, person_key(visitor), current, defaults)


def _draw(
    library: Library, person: str, current: Callable[[], Session], defaults: Defaults
) -> None:
    try:
        presets = library.presets(person)
    except HistoryError as error:
        st.error(str(error), icon=":material/error:")
        return
    for preset in presets:
        with st.container(horizontal=True, gap="xsmall", key=f"preset-{preset.name}"):
            st.button(
                escaped(preset.name),
                key=f"use-preset-{preset.name}",
                width="stretch",
                on_click=lambda preset=preset: apply(current(), preset),
                help=drawable(described(preset)),
            )
            st.button(
                "Delete",
                key=f"delete-preset-{preset.name}",
                icon=":material/delete:",
                type="tertiary",
                on_click=_delete,
                args=(library, person, preset.name),
            )
    if not presets:
        st.caption("System prompt, settings and tools of a conversation, for the next one.")

    def keep() -> None:
        name = st.session_state.get(_NAME, "")
        if _carried_out(lambda: library.save(person, preset_of(current(), name, defaults))):
            st.session_state[_NAME] = ""

    st.text_input(
        "Keep these settings as",
        key=_NAME,
        max_chars=MAX_NAME_CHARS,
        placeholder="Name",
    )
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(drawable(problem), icon=":material/error:")
    st.button("Save preset", key="save-preset", icon=":material/bookmark_add:", on_click=keep)
    st.button(
        "Saved prompts…",
        key="open-prompts",
        icon=":material/edit_note:",
        on_click=prompts.open_dialog,
        help="Texts that you write often; `/` in the message box offers them.",
    )


def _delete(library: Library, person: str, name: str) -> None:
    _carried_out(lambda: library.delete(person, "preset", name))


def _carried_out(act: Callable[[], None]) -> bool:
    try:
        act()
    except (HistoryError, NotTaken) as error:
        st.session_state[_PROBLEM] = str(error)
        return False
    return True


def preset_of(session: Session, name: str, defaults: Defaults) -> Preset:
    """The session's settings as a preset; its tools where it has some."""
    system = session.choices.get(SYSTEM)
    tools = session.registry.tools
    return Preset(
        name,
        system if isinstance(system, str) and system != defaults.system else None,
        chosen(session.choices),
        tuple(tool.name for tool in tools if not session.registry.enabled(tool.name))
        if tools
        else None,
    )


def apply(session: Session, preset: Preset) -> None:
    """Gives a session the settings of a preset; what the preset does not set is as at first."""
    for name in (*NAMES, SYSTEM):
        session.choices.pop(name, None)
    session.choices.update(preset.values)
    if preset.system is not None:
        session.choices[SYSTEM] = preset.system
    if preset.off is not None:
        for tool in session.registry.tools:
            session.registry.switch(tool.name, tool.name not in preset.off)
    session.save()


def described(preset: Preset) -> str:
    """What a preset sets, on a few lines."""
    values = [f"{name.replace('_', ' ')} {value}" for name, value in preset.values.items()]
    lines = [", ".join(values)] if values else []
    if preset.system:
        lines.append(f"“{preset.system[:200]}{'…' if len(preset.system) > 200 else ''}”")
    if preset.off:
        lines.append(f"without {', '.join(preset.off)}")
    return "\n\n".join(escaped(line) for line in lines) or "The settings as at first."
