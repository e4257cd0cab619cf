"""What a person saves under a name: presets, and prompts with fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.presets.generation import chosen
from tools.text import encodable

MAX_NAME_CHARS = 60
MAX_TEXT_CHARS = 100_000
"""Characters of a system prompt or a saved prompt."""
MAX_TOOLS = 200

_FIELD = re.compile(r"\{\{[ \t]*([^{}\n]{1,60}?)[ \t]*\}\}")


class NotTaken(ValueError):
    """Something can't be saved; the message is one sentence for the user."""


@dataclass(frozen=True)
class Preset:
    """Settings of a conversation under a name. `system` is the system prompt, None for the mode's
    own; `values` are generation settings, `off` the tools that are switched off, None where the
    preset says nothing about tools."""

    name: str
    system: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    off: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        off = None if self.off is None else list(self.off)
        return {"system": self.system, "values": dict(self.values), "off": off}

    @classmethod
    def from_json(cls, name: str, body: Mapping[str, Any]) -> Preset:
        """Reads what was stored; what is none of a preset is left out."""
        system, values, off = body.get("system"), body.get("values"), body.get("off")
        return cls(
            name,
            system if isinstance(system, str) else None,
            chosen(values) if isinstance(values, Mapping) else {},
            tuple(each for each in off if isinstance(each, str))[:MAX_TOOLS]
            if isinstance(off, list)
            else None,
        )


@dataclass(frozen=True)
class SavedPrompt:
    """A text that is written often; `{{name}}` in it is a field that is filled in before."""

    name: str
    text: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, each once, in their order."""
        return tuple(dict.fromkeys(_FIELD.findall(self.text)))

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with the values of its fields; one without a value stays empty."""
        return _FIELD.sub(lambda found: values.get(found[1], ""), self.text)

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text}

    @classmethod
    def from_json(cls, name: str, body: Mapping[str, Any]) -> SavedPrompt:
        text = body.get("text")
        return cls(name, text if isinstance(text, str) else "")


def name_of(text: str) -> str:
    """A name as it is kept, on one line. Raises `NotTaken` for none, or one that is too long."""
    name = " ".join(encodable(text).replace("\0", "").split())
    if not name:
        raise NotTaken("Give it a name.")
    if len(name) > MAX_NAME_CHARS:
        raise NotTaken(f"A name has at most {MAX_NAME_CHARS} characters.")
    return name


def checked_text(text: str) -> str:
    """A text as it is kept. Raises `NotTaken` for one that is too long."""
    if len(text) > MAX_TEXT_CHARS:
        raise NotTaken(f"A saved text has at most {MAX_TEXT_CHARS:,} characters.")
    return encodable(text).replace("\0", "")
