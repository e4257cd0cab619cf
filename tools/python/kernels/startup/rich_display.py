"""Startup code of every kernel that sends displayed tables and sounds as data; see `session`.

Libraries are used only if the code has imported them, so that startup does not wait for pandas.
"""

from __future__ import annotations

import base64
import contextlib
import sys
from typing import Any

TABLE = "application/vnd.glm-table+json"

MAX_ROWS, MAX_COLUMNS, MAX_CELL_CHARS = 500, 50, 300  # of a shown table
MAX_EXACT_INTEGER = 2**53  # largest integer that JavaScript represents exactly (IEEE 754)


def prepare(shell: Any, keep: int) -> None:
    """Send the values of displayed tables, and the data of sounds. `keep` is not used."""
    formatter = shell.display_formatter
    format_plainly = formatter.format

    def format_richly(thing: Any, *args: Any, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = format_plainly(thing, *args, **more)
        # An error in a class of the user's code must not suppress the display.
        with contextlib.suppress(Exception):
            table, sound = _table(thing), _sound(thing)
            if table is not None:
                data[TABLE] = table
                data.pop("text/html", None)
            elif sound is not None:
                data.update(sound)
                data.pop("text/html", None)
        return data, metadata

    formatter.format = format_richly


def _table(thing: Any) -> dict[str, Any] | None:
    """The values of a pandas DataFrame or Series; of a long one its first and last rows."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(thing, (pandas.DataFrame, pandas.Series)):
        return None
    if isinstance(thing, pandas.Series):
        thing = thing.to_frame("value" if thing.name is None else thing.name)
    rows, columns = thing.shape
    part = thing.iloc[:, :MAX_COLUMNS]
    if rows > MAX_ROWS:
        part = pandas.concat([part.iloc[: MAX_ROWS // 2], part.iloc[-MAX_ROWS // 2 :]])
    index = part.index
    plain = index.nlevels == 1 and index.name is None and isinstance(thing.index, pandas.RangeIndex)
    shown = (
        []
        if plain and rows <= MAX_ROWS
        else [_level(index, level) for level in range(index.nlevels)]
    )
    return {
        "rows": rows,
        "columns": columns,
        "index": shown,
        "values": [
            _column(part.columns[number], part.iloc[:, number]) for number in range(part.shape[1])
        ],
    }


def _level(index: Any, level: int) -> dict[str, Any]:
    return _column(index.names[level] or "", index.get_level_values(level).to_series())


def _column(name: Any, values: Any) -> dict[str, Any]:
    if isinstance(name, tuple):
        name = " / ".join(str(part) for part in name)
    days = False
    if getattr(values.dtype, "kind", "") == "M":
        known = values.dropna()
        days = bool((known.dt.normalize() == known).all())
    missing = values.isna()
    cells = [
        None if is_missing else str(value)[:10] if days else _cell(value)
        for value, is_missing in zip(values, missing)  # noqa: B905  both are the same column
    ]
    return {"name": str(name)[:MAX_CELL_CHARS], "cells": cells}


def _cell(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, (bool, str)):
        return value[:MAX_CELL_CHARS] if isinstance(value, str) else value
    if isinstance(value, int) and abs(value) <= MAX_EXACT_INTEGER:
        return value
    if isinstance(value, float) and value - value == 0:  # finite: no infinity, no NaN
        return value
    return str(value)[:MAX_CELL_CHARS]


def _sound(thing: Any) -> dict[str, str] | None:
    """The data of an `IPython.display.Audio`, which otherwise sends HTML with a player."""
    module = sys.modules.get("IPython.lib.display")
    if module is None or not isinstance(thing, module.Audio) or not isinstance(thing.data, bytes):
        return None
    mime = thing.mimetype or "audio/wav"
    return {mime: base64.b64encode(thing.data).decode("ascii"), "text/plain": ""}
