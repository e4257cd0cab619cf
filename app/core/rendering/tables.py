"""A table that code displayed, or the first rows of a file, as data for the page. Pure.

The model's code wrote both, so the data is untrusted.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Cell = str | int | float | bool | None

ROWS, COLUMNS = 500, 60  # limits of a drawn table; its index counts as columns
PREVIEW_ROWS, PREVIEW_COLUMNS, PREVIEW_BYTES = 20, 30, 64 * 1024  # limits for a file
MAX_CELL_CHARS = 300
_ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")


@dataclass(frozen=True)
class Column:
    """A column's name and cells: all numbers or all texts, except empty cells (None)."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table, possibly shortened.

    The columns have the same length; the first `index` of them are the index. `rows` and `width`
    are the numbers of rows and columns of the whole table; `rows` is None if unknown. `text` is
    the table's text in the prompt.
    """

    columns: tuple[Column, ...]
    index: int = 0
    rows: int | None = None
    width: int = 0
    text: str = ""

    @property
    def height(self) -> int:
        """The number of rows in `columns`."""
        return len(self.columns[0].cells) if self.columns else 0

    @property
    def size(self) -> str:
        """A text on the part of the table in `columns`."""
        width = len(self.columns) - self.index
        if self.rows is None:
            return f"The first {self.height:,} rows"
        rows = _part_of(self.height, self.rows, "row")
        return f"{rows}, {_part_of(width, self.width, 'column')}"


def displayed_table(data: bytes) -> Table | None:
    """The table in data of the type `tools.media.TABLE`; None for invalid data."""
    try:
        table = json.loads(data)
        columns = [_column(item["name"], item["cells"]) for item in table["index"]]
        index = len(columns)
        columns += [_column(item["name"], item["cells"]) for item in table["values"]]
        rows, width, text = int(table["rows"]), int(table["columns"]), str(table.get("text", ""))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    columns = columns[:COLUMNS]
    if not columns or len({len(column.cells) for column in columns}) > 1:
        return None
    return Table(_with_unique_names(columns), min(index, len(columns)), rows, width, text)


def file_table(data: bytes, whole: bool) -> Table | None:
    """The first rows of a file with separated values; None where it is none. `whole` says whether
    `data` is the complete file."""
    text = _decoded(data if whole else data[: data.rfind(b"\n") + 1])
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows: list[list[str]] = []
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        rows = list(itertools.islice(reader, PREVIEW_ROWS + 2))
    except csv.Error:
        return None
    if not rows or not any(rows[0]):
        return None
    names, body = rows[0][:PREVIEW_COLUMNS], rows[1 : PREVIEW_ROWS + 1]
    columns = [
        _column(name, [row[index] if index < len(row) else None for row in body])
        for index, name in enumerate(names)
    ]
    known = len(rows) - 1 if whole and len(rows) < PREVIEW_ROWS + 2 else None
    return Table(_with_unique_names(columns), 0, known, len(rows[0]))


def _part_of(shown: int, total: int, what: str) -> str:
    if shown == total:
        return f"{shown:,} {what}{'' if shown == 1 else 's'}"
    return f"{shown:,} of {total:,} {what}s"


def _column(name: Any, cells: Any) -> Column:
    if not isinstance(cells, list):
        raise TypeError("a column has a list of cells")
    kept = [_cell(cell) for cell in cells[:ROWS]]
    if any(isinstance(cell, str | bool) for cell in kept):
        kept = [None if cell is None else str(cell) for cell in kept]
    return Column(str(name)[:MAX_CELL_CHARS], tuple(kept))


def _cell(cell: Any) -> Cell:
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, int) and abs(cell) <= 2**53:
        return cell
    if isinstance(cell, float) and cell - cell == 0:
        return cell
    return str(cell)[:MAX_CELL_CHARS]


def _with_unique_names(columns: list[Column]) -> tuple[Column, ...]:
    """The columns with unique names, which a data frame needs to be drawn."""
    taken: set[str] = set()
    return tuple(_renamed(column, taken) for column in columns)


def _renamed(column: Column, taken: set[str]) -> Column:
    name = next(name for name in _names(column.name) if name not in taken)
    taken.add(name)
    return Column(name, column.cells)


def _names(name: str) -> Iterator[str]:
    yield name
    for number in itertools.count(2):
        yield f"{name} ({number})" if name else f"({number})"


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""
