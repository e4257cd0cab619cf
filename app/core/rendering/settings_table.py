"""The settings as a table, for a page: nothing that visitors must not see."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path

from app.core.settings import Loaded, Settings

_LISTS = ("search", "browser_allow", "remote_code", "origins")
SEPARATORS = {"tools_path": os.pathsep, **dict.fromkeys(_LISTS, ",")}
"""The separators of the settings that are lists."""


def _redacted(value: str) -> str:
    """A value without what visitors must not see: folders of this machine, passwords in URLs."""
    if value.startswith("local:"):
        return f"local:{_redacted(value.removeprefix('local:').strip())}"
    if value.startswith(("/", "~", ".")):
        return f"…/{Path(value).name}"
    return without_passwords(value)


def without_passwords(value: str) -> str:
    """A value without names and passwords in its addresses."""
    return re.sub(r"(?<=://)[^/@]*@", "", value)


def shown(loaded: Loaded) -> list[dict[str, str]]:
    """A row for each setting, for a page: variable, value (secrets hidden), source, meaning."""
    rows = []
    for item in fields(Settings):
        # A file name may have bytes that are not UTF-8.
        value = str(getattr(loaded.settings, item.name)).encode("utf-8", "replace").decode()
        if item.metadata["secret"] and value:
            value = "••••••"
        else:
            separator = SEPARATORS.get(item.name)
            parts = [value] if separator is None else value.split(separator)
            value = (separator or "").join(_redacted(part.strip()) for part in parts)
        rows.append(
            {
                "Setting": item.metadata["env"],
                "Value": value,
                "From": loaded.sources[item.name],
                "Meaning": item.metadata["help"],
            }
        )
    return rows
