"""The settings as fields of a form: what is set, where that comes from, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from app.core.configuration.groups import Effect, effect_of
from app.core.rendering.settings_table import without_passwords
from app.core.settings import Loaded, Settings, Source


@dataclass(frozen=True)
class Field:
    """One setting in a form.

    `text` is what stands in its box: never a key, nor a password in an address. `has_value` says
    whether a key is set. `choices` are all values where there are few. `waits` says that what is
    set holds only after a restart.
    """

    name: str
    env: str
    label: str
    help: str
    text: str
    default: str
    source: Source
    effect: Effect
    secret: bool
    has_value: bool
    choices: tuple[str, ...]
    waits: bool

    @property
    def fixed(self) -> bool:
        """Whether the file can't change it, because a source before it counts."""
        return self.source in ("environment", "command line")


def form_fields(written: Loaded, held: Loaded) -> dict[str, Field]:
    """All settings by name. `written` are the settings as they would be read now, `held` those
    that the app goes by."""
    hints = get_type_hints(Settings, include_extras=True)
    return {
        item.name: _field(item.name, item.metadata, item.default, hints[item.name], written, held)
        for item in fields(Settings)
    }


def _field(
    name: str, metadata: Any, default: Any, hint: Any, written: Loaded, held: Loaded
) -> Field:
    value = getattr(written.settings, name)
    secret = bool(metadata["secret"])
    return Field(
        name=name,
        env=metadata["env"],
        label=_label(name),
        help=metadata["help"],
        text="" if secret else shown_value(value),
        default=shown_value(default),
        source=written.sources.get(name, "default"),
        effect=effect_of(name),
        secret=secret,
        has_value=bool(value),
        choices=tuple(get_args(hint)) if get_origin(hint) is Literal else (),
        waits=value != getattr(held.settings, name),
    )


def shown_value(value: Any) -> str:
    """A value as text; a file name may have bytes that are not UTF-8, an address a password."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return without_passwords(text.encode("utf-8", "replace").decode())


_LABELS = {"models": "Folder of models", "data": "Folder of conversations"}
_WORDS = {"api": "API", "mb": "MB", "cpu": "CPU", "url": "URL", "yarn": "YaRN"}


def _label(name: str) -> str:
    if name in _LABELS:
        return _LABELS[name]
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[0].upper() + words[1:]
