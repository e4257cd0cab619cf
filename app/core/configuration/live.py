"""Settings that hold without a restart, put into those that the app goes by."""

from __future__ import annotations

from dataclasses import fields, replace

from app.core.configuration.groups import effect_of, names_of
from app.core.settings import Loaded, Settings

BROWSING = {"search", "brave_key", "tavily_key", "zhipu_key", "serper_key", "browser_allow"}
"""The settings of which the search and the web reader are made."""
MODEL = names_of("model")
"""The settings with which the model of the settings is loaded, or its server asked."""


def merged(held: Loaded, written: Loaded) -> Loaded:
    """`held`, with all of `written` that holds without a restart."""
    live = [item.name for item in fields(Settings) if effect_of(item.name) != "restart"]
    values = {name: getattr(written.settings, name) for name in live}
    sources = {name: written.sources.get(name, "default") for name in live}
    return Loaded(replace(held.settings, **values), {**held.sources, **sources}, written.problems)
