"""Reads data tables: each cell in its column, also with cells that span rows or columns."""

from __future__ import annotations

from collections.abc import Iterator

from lxml.html import HtmlElement

MAX_CELL_CHARS = 400  # of a cell in a data table; longer ones are a sign of a layout table
MAX_COLSPAN = 200  # columns that a cell may span
MAX_ROWSPAN = 1000  # rows that a cell may span

Row = list[tuple[HtmlElement | None, bool]]
"""For each column: the cell, and whether it continues from a row above. The cell is None in
columns that are covered by the colspan of one to the left."""


def data_rows(table: HtmlElement) -> list[Row]:
    """The rows of a data table; an empty list for a table that only lays out the page.

    A layout table is declared as one (`role`), contains another table or `pre`, has one column,
    or has no `th` and more than a quarter of its cells over `MAX_CELL_CHARS`.
    """
    if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
        return []
    rows = [list(row.iterchildren("td", "th")) for row in table.iter("tr")]
    rows = [row for row in rows if row]
    if not rows or max(len(row) for row in rows) < 2:
        return []
    if any(cell.find(".//pre") is not None for row in rows for cell in row):
        return []
    if any(cell.tag == "th" for row in rows for cell in row):
        return list(_placed(rows))
    long = sum(1 for row in rows for cell in row if len(cell.text_content()) > MAX_CELL_CHARS)
    return list(_placed(rows)) if long <= sum(len(row) for row in rows) / 4 else []


def _placed(rows: list[list[HtmlElement]]) -> Iterator[Row]:
    # By column: the number of further rows that a cell covers, and the cell.
    spanning: dict[int, tuple[int, HtmlElement | None]] = {}
    for row in rows:
        placed: Row = []
        for cell in [*row, None]:
            while len(placed) in spanning:
                column = len(placed)
                rows_left, above = spanning.pop(column)
                if rows_left > 1:
                    spanning[column] = rows_left - 1, above
                placed.append((above, True))
            if cell is None:
                break
            first, width = len(placed), _span(cell, "colspan", MAX_COLSPAN)
            height = _span(cell, "rowspan", MAX_ROWSPAN)
            placed += [(cell, False), *[(None, False)] * (width - 1)]
            if height > 1:
                for column in range(first, first + width):
                    spanning[column] = height - 1, cell if column == first else None
        yield placed


def _span(cell: HtmlElement, attribute: str, maximum: int) -> int:
    value = cell.get(attribute, "1").strip()
    return min(max(int(value[:6]), 1), maximum) if value.isascii() and value.isdigit() else 1
