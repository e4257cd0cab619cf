"""The modes: their system prompts, generation settings and example questions (starters)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from app.core.models.selection import find_choice
from app.core.settings import Settings
from backends.base import GenerationConfig

Mode = Literal["chat", "tools", "documents", "vision"]

PICTURE_MODES: tuple[Mode, ...] = ("tools", "vision")
FILE_MODES: tuple[Mode, ...] = ("tools", "documents")


@dataclass(frozen=True)
class Defaults:
    """A mode's initial generation settings, system prompt and example questions."""

    generation: GenerationConfig
    system: str
    starters: tuple[str, ...]


CHAT_SYSTEM = "You are a helpful AI assistant. Answer clearly and briefly."

CHAT_STARTERS = (
    "Explain what a black hole is in two sentences.",
    "Give me three tips for better sleep.",
    "Write a Python function that reverses a string.",
    "What is photosynthesis?",
)

TOOLS_STARTERS = (
    "Plot sin(x) from 0 to 10",
    "How many days until 2027-03-01?",
    "Convert 26.2 miles to kilometres",
    "Draw a bar chart: apples 3, pears 5, plums 2",
)

DOCUMENTS_STARTERS = (
    "Summarise the document.",
    "What are the key figures?",
    "Which dates and deadlines are named?",
    "What does it say about risks?",
)

VISION_SYSTEM = (
    "You are a helpful AI assistant. Answer from what the pictures show, and say where something "
    "can't be made out."
)


def chat_system() -> str:
    """Chat's system prompt. Only the date changes, so a cached prefix lasts for a day."""
    return f"{CHAT_SYSTEM} Today is {date.today().isoformat()}."


def tools_system() -> str:
    """The Tools mode's system prompt. Only the date changes, so a cached prefix lasts for a day."""
    return f"You are a helpful assistant. Today is {date.today().isoformat()}."


def model_settings(mode: Mode, settings: Settings) -> Settings:
    """The settings of `mode`: in Vision, `vision_model` and its key replace the model's."""
    if mode != "vision" or settings.vision_model in ("", settings.model):
        return settings
    key = settings.vision_key or settings.api_key
    # The protocol and the adapter belong to the other model.
    return replace(settings, model=settings.vision_model, api_key=key, adapter="", protocol="auto")


def unfit(mode: Mode, files: bool, images: bool) -> str | None:
    """Why `mode` does not take files or pictures, a sentence for the user; None where it does."""
    if files and mode not in FILE_MODES:
        return f"The mode {mode} reads no files; use --mode {' or '.join(FILE_MODES)}."
    if images and mode not in PICTURE_MODES:
        return f"The mode {mode} takes no pictures; use --mode {' or '.join(PICTURE_MODES)}."
    return None


def defaults(mode: Mode, settings: Settings) -> Defaults:
    """The defaults of `mode` for the model that the settings name.

    A small model needs nearly greedy sampling, and in Chat and Vision a repetition penalty, without
    which it repeats itself without end.
    """
    choice = find_choice(model_settings(mode, settings).model)
    small = choice is not None and choice.profile == "small"
    if mode == "chat":
        generation = GenerationConfig(temperature=0.7, top_p=0.9, max_tokens=settings.max_tokens)
        if small:
            generation = replace(generation, temperature=0.2, repetition_penalty=1.1)
        # The bundled model was trained on the plain prompt.
        return Defaults(generation, CHAT_SYSTEM if small else chat_system(), CHAT_STARTERS)
    if mode == "vision":
        generation = GenerationConfig(temperature=0.5, top_p=0.9, max_tokens=settings.max_tokens)
        if small:
            generation = replace(generation, temperature=0.2, repetition_penalty=1.1)
        return Defaults(generation, VISION_SYSTEM, ())
    generation = GenerationConfig(temperature=0.3, top_p=0.9, max_tokens=settings.max_tokens)
    if small:
        generation = replace(generation, temperature=0.0)
    if mode == "documents":
        return Defaults(generation, "", DOCUMENTS_STARTERS)
    return Defaults(generation, tools_system(), TOOLS_STARTERS)
