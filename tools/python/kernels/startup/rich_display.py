"""What every kernel runs once so that tables and sounds are shown as such; see `session`.

A library is looked at only where the code has loaded it: nothing waits for pandas here.
"""

from __future__ import annotations

import base64
import contextlib
import sys
from typing import Any

TABLE = "application/vnd.glm-table+json"

ROWS, COLUMNS, CELL = 500, 50, 300  # of a table that is shown; characters of a cell
LARGEST_EXACT = 2**53  # whole numbers that JavaScript holds exactly (IEEE 754)


def prepare(shell: Any, keep: int) -> None:
    """Send with a displayed table its values, and with a sound its data. `keep` is not used."""
    formatter = shell.display_formatter
    format_plainly = formatter.format

    def format_richly(thing: Any, *args: Any, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = format_plainly(thing, *args, **more)
        # What a class of the user's own making does wrong is no reason to show nothing.
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
    """The values of a pandas DataFrame or Series: of a long one its first and last rows."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(thing, (pandas.DataFrame, pandas.Series)):
        return None
    if isinstance(thing, pandas.Series):
        thing = thing.to_frame("value" if thing.name is None else thing.name)
    rows, columns = thing.shape
    part = thing.iloc[:, :COLUMNS]
    if rows > ROWS:
        part = pandas.concat([part.iloc[: ROWS // 2], part.iloc[-ROWS // 2 :]])
    index = part.index
    plain = index.nlevels == 1 and index.name is None and isinstance(thing.index, pandas.RangeIndex)
    shown = [] if plain and rows <= ROWS else [_level(index, at) for at in range(index.nlevels)]
    return {
        "rows": rows,
        "columns": columns,
        "index": shown,
        "values": [_column(part.columns[at], part.iloc[:, at]) for at in range(part.shape[1])],
    }


def _level(index: Any, at: int) -> dict[str, Any]:
    return _column(index.names[at] or "", index.get_level_values(at).to_series())


def _column(name: Any, values: Any) -> dict[str, Any]:
    if isinstance(name, tuple):
        name = " / ".join(str(part) for part in name)
    days = False
    if getattr(values.dtype, "kind", "") == "M":
        known = values.dropna()
        days = bool((known.dt.normalize() == known).all())
    missing = values.isna()
    cells = [
        None if gone else str(value)[:10] if days else _cell(value)
        for value, gone in zip(values, missing)  # noqa: B905  both are the same column
    ]
    return {"name": str(name)[:CELL], "cells": cells}


def _cell(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, (bool, str)):
        return value[:CELL] if isinstance(value, str) else value
    if isinstance(value, int) and abs(value) <= LARGEST_EXACT:
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor no number
        return value
    return str(value)[:CELL]


def _sound(thing: Any) -> dict[str, str] | None:
    """An `IPython.display.Audio`, which would otherwise send a page with a player."""
    module = sys.modules.get("IPython.lib.display")
    if module is None or not isinstance(thing, module.Audio) or not isinstance(thing.data, bytes):
        return None
    mime = thing.mimetype or "audio/wav"
    return {mime: base64.b64encode(thing.data).decode("ascii"), "text/plain": ""}
