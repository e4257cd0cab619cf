"""The rows of a table that holds data, each cell in its column, also where cells span several."""

from __future__ import annotations

from collections.abc import Iterator

from lxml.html import HtmlElement

CELL = 400  # characters from which on a cell is a part of the page's layout, not of a table
MAX_COLSPAN = 200  # columns that a cell may span
TALLEST = 1000  # rows that a cell may span

Row = list[tuple[HtmlElement | None, bool]]
"""The cell in each column; whether it began in a row above. None where one spans from the left."""


def data_rows(table: HtmlElement) -> list[Row]:
    """The rows of a table that holds data; none where it only lays out the page."""
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
    long = sum(1 for row in rows for cell in row if len(cell.text_content()) > CELL)
    return list(_placed(rows)) if long <= sum(len(row) for row in rows) / 4 else []


def _placed(rows: list[list[HtmlElement]]) -> Iterator[Row]:
    spanning: dict[int, tuple[int, HtmlElement | None]] = {}  # by column: rows more, and the cell
    for row in rows:
        placed: Row = []
        for cell in [*row, None]:
            while len(placed) in spanning:
                at = len(placed)
                more, above = spanning.pop(at)
                if more > 1:
                    spanning[at] = more - 1, above
                placed.append((above, True))
            if cell is None:
                break
            at, width = len(placed), _span(cell, "colspan", MAX_COLSPAN)
            height = _span(cell, "rowspan", TALLEST)
            placed += [(cell, False), *[(None, False)] * (width - 1)]
            if height > 1:
                for column in range(at, at + width):
                    spanning[column] = height - 1, cell if column == at else None
        yield placed


def _span(cell: HtmlElement, attribute: str, most: int) -> int:
    said = cell.get(attribute, "1").strip()
    return min(max(int(said[:6]), 1), most) if said.isascii() and said.isdigit() else 1
