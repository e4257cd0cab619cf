"""The generation settings and the system prompt of a conversation, in the sidebar.

The conversation has the values, not the widgets: it may be another one by now, or have been given
a preset, and another tab may have changed it.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.core.models.host import ModelHost
from app.core.modes import Defaults
from app.core.presets.generation import MAX_SEED, generation, is_valid
from app.core.sessions.session import Session
from backends.base import Capabilities, GenerationConfig

SYSTEM = "system"
"""The name of the system prompt among a conversation's choices."""
THINKING = {"auto": "As it likes", "on": "On", "off": "Off"}
EFFORT = {"": "As it likes", "low": "Low", "medium": "Medium", "high": "High"}
OWN = "The engine's own"


def draw_generation(session: Session, defaults: Defaults, host: ModelHost) -> GenerationConfig:
    """Draws the generation settings in an expander: those that the model has."""
    able = _able(host)
    config = generation(defaults.generation, session.choices, able)
    with st.expander("Generation", icon=":material/tune:"):
        if able is not None:
            _draw_thinking(session, config, able)
        st.slider(
            "Temperature", 0.0, 2.0, step=0.05,
            help="0 always takes the likeliest word; higher is more varied.",
            **_kept(session, "temperature", config.temperature),
        )  # fmt: skip
        st.slider(
            "Top p", 0.05, 1.0, step=0.05,
            help="Only the likeliest words that make up this share are considered.",
            **_kept(session, "top_p", config.top_p),
        )  # fmt: skip
        longest = able.context if able is not None and able.context else 1_000_000
        st.number_input(
            "Longest answer (tokens)", 1, max(longest, config.max_tokens), step=64,
            **_kept(session, "max_tokens", config.max_tokens),
        )  # fmt: skip
        if able is not None:
            _draw_sampling(session, config, able)
    return config


def draw_system(session: Session, defaults: Defaults) -> None:
    """Draws the editable system prompt."""
    with st.expander("System prompt", icon=":material/person_edit:"):
        st.text_area(
            "System prompt",
            height=120,
            label_visibility="collapsed",
            help="Who the assistant is and how it answers.",
            **_kept(session, SYSTEM, system_of(session, defaults)),
        )


def generation_of(session: Session, defaults: Defaults, host: ModelHost) -> GenerationConfig:
    """The conversation's generation settings as they are now."""
    return generation(defaults.generation, session.choices, _able(host))


def _able(host: ModelHost) -> Capabilities | None:
    backend = host.backend
    return backend.capabilities if backend is not None else None


def system_of(session: Session, defaults: Defaults) -> str:
    """The conversation's system prompt: what was written, else the mode's own."""
    text = session.choices.get(SYSTEM)
    return text if isinstance(text, str) else defaults.system


def _draw_thinking(session: Session, config: GenerationConfig, able: Capabilities) -> None:
    if "thinking" in able.options:
        st.segmented_control(
            "Thinking",
            list(THINKING),
            required=True,
            format_func=THINKING.__getitem__,
            help="Whether the model thinks before it answers. Not every model can be told.",
            **_kept(session, "thinking", config.thinking),
        )
    if "effort" in able.options:
        st.selectbox(
            "Effort of thinking",
            list(EFFORT),
            format_func=EFFORT.__getitem__,
            help="How long it thinks, where the model has levels.",
            **_kept(session, "effort", config.effort),
        )


def _draw_sampling(session: Session, config: GenerationConfig, able: Capabilities) -> None:
    if "top_k" in able.options:
        st.number_input(
            "Top k", 0, 1000, None, 1, placeholder=OWN,
            help="Only so many of the likeliest words are considered; 0: all.",
            **_kept(session, "top_k", config.top_k),
        )  # fmt: skip
    if "min_p" in able.options:
        st.number_input(
            "Min p", 0.0, 1.0, None, 0.01, placeholder=OWN,
            help="Words are left out that are less likely than this share of the likeliest one.",
            **_kept(session, "min_p", config.min_p),
        )  # fmt: skip
    if "repetition_penalty" in able.options:
        st.number_input(
            "Repetition penalty", 0.5, 2.0, step=0.05,
            help="Above 1, words that were there become less likely.",
            **_kept(session, "repetition_penalty", config.repetition_penalty),
        )  # fmt: skip
    if "seed" in able.options:
        st.number_input(
            "Seed", 0, MAX_SEED, None, 1, placeholder="Another one each time",
            help="The same seed, settings and conversation give the same answer, where the engine "
            "keeps to that.",
            **_kept(session, "seed", config.seed),
        )  # fmt: skip


def _kept(session: Session, name: str, value: Any) -> dict[str, Any]:
    """Key and callback of a widget that shows `value` and whose changes the conversation keeps."""
    key = f"{session.mode}-{name}-{session.id}"

    def keep() -> None:
        chosen = st.session_state[key]
        if name == SYSTEM or is_valid(name, chosen):
            session.choices[name] = chosen
        else:
            session.choices.pop(name, None)  # an emptied box

    st.session_state[key] = value
    return {"key": key, "on_change": keep}
