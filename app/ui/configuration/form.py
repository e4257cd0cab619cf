"""The settings as a form in groups, which writes `glm.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit import config

from app.core import settings
from app.core.configuration.fields import Field, form_fields
from app.core.configuration.groups import GROUPS, Group
from app.core.configuration.settings_file import BadValues, NotSaved, save
from app.core.rendering.settings_table import shown
from app.core.service import Service
from app.ui.elements.markdown import drawable
from app.ui.people.admins import is_admin
from app.ui.service import service

EFFECTS = {
    "now": "holds at once",
    "model": "holds at once: the model is loaded anew",
    "conversations": "holds in conversations opened from then on",
    "restart": "holds after a restart",
}
WAITS = ":orange[:material/restart_alt: waits for a restart]"
_PROBLEMS, _FAILURE = "setting-problems", "setting-failure"
"""Keys in the session state: sentences about bad values by name, and why nothing was saved."""


def draw_form() -> None:
    """Draws a choice of groups, and the settings of the chosen one."""
    by_title = {group.title: group for group in GROUPS}
    title = st.segmented_control(
        "Group",
        list(by_title),
        default=GROUPS[0].title,
        required=True,
        key="settings-group",
        on_change=_forget_problems,
        label_visibility="collapsed",
    )
    _draw_group(by_title[title or GROUPS[0].title])


def draw_table(app_service: Service) -> None:
    """Draws all settings for those who may not change them: no key, no folder."""
    st.table([row | {"Value": _code(row["Value"])} for row in shown(app_service.loaded)])


def _draw_group(group: Group) -> None:
    every = form_fields(settings.load(), service().loaded)
    own = [every[name] for name in group.names]
    problems: Mapping[str, str] = st.session_state.get(_PROBLEMS, {})
    with st.form("settings", border=False):
        for field in own:
            with st.container(key=f"setting-{field.name}", gap="xxsmall"):
                _draw_box(field)
                if field.name in problems:
                    st.markdown(f":red[:material/error: {drawable(problems[field.name])}]")
                st.caption(_about(field))
        if failure := st.session_state.pop(_FAILURE, ""):
            st.error(drawable(failure), icon=":material/error:")
        st.form_submit_button(
            "Save", type="primary", icon=":material/save:", on_click=_save, args=(own,)
        )


def _draw_box(field: Field) -> None:
    """What a setting is changed with. Its key has the value: one that somebody else has changed
    is another box."""
    key = _key(field)
    if field.choices:
        at = field.choices.index(field.text) if field.text in field.choices else 0
        st.selectbox(field.label, field.choices, at, key=key, disabled=field.fixed)
    elif field.secret:
        st.text_input(
            field.label,
            type="password",
            key=key,
            disabled=field.fixed,
            placeholder="Set; what you write replaces it" if field.has_value else "Not set",
            autocomplete="new-password",
        )
        if field.has_value and field.source == "file":
            st.checkbox("Remove it", key=f"{key}-remove")
    else:
        st.text_input(
            field.label,
            field.text,
            key=key,
            disabled=field.fixed,
            placeholder=field.default,
        )


def _about(field: Field) -> str:
    """The help, the variable, the default, the source and when a change holds, as Markdown."""
    if field.fixed:
        parts = [f"fixed by the {field.source}"]
    else:
        parts = ["set in glm.toml"] if field.source == "file" else []
        parts.append(WAITS if field.waits else EFFECTS[field.effect])
    facts = [f"`{field.env}`", f"default {_code(field.default) or 'empty'}", *parts]
    return f"{drawable(field.help)}  \n{' · '.join(facts)}"


def _forget_problems() -> None:
    st.session_state.pop(_PROBLEMS, None)
    st.session_state.pop(_FAILURE, None)


def _save(own: Sequence[Field]) -> None:
    _forget_problems()
    if not is_admin():  # it was one when the page was drawn
        st.session_state[_FAILURE] = "Only admins may change settings. Nothing was changed."
        return
    changes = _changes(own)
    if not changes:
        st.toast("Nothing was changed.")
        return
    try:
        save(settings.settings_path(), changes)
    except BadValues as bad:
        st.session_state[_PROBLEMS] = bad.problems
        return
    except NotSaved as failure:
        st.session_state[_FAILURE] = str(failure)
        return
    for field in own:
        if field.secret and field.name in changes:
            st.session_state[_key(field)] = ""
    service().apply(settings.load())
    # Streamlit's server turns larger requests away, whatever the message box allows.
    config.set_option("server.maxUploadSize", service().settings.upload_mb)
    late = [field.label for field in own if field.name in changes and field.effect == "restart"]
    st.toast(f"Saved. After a restart: {', '.join(late)}." if late else "Saved.", duration="long")


def _changes(own: Sequence[Field]) -> dict[str, str | None]:
    changes: dict[str, str | None] = {}
    for field in own:
        key = _key(field)
        text = str(st.session_state.get(key, field.text)).strip()
        if field.fixed:
            continue
        if field.secret:
            if text:
                changes[field.name] = text
            elif st.session_state.get(f"{key}-remove"):
                changes[field.name] = None
        elif text != field.text.strip():
            changes[field.name] = text or None
    return changes


def _key(field: Field) -> str:
    return f"set-{field.name}-{field.has_value if field.secret else field.text}"


def _code(value: str) -> str:
    """A value as inline code: cells of a table are Markdown."""
    return f"`{drawable(value).replace('`', chr(39))}`" if value else ""
