"""Rows of a sheet, however many, into pages; a table that goes on has its header on each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from app.core.documents.readers.blocks import PAGE_END, SIZE, Block
from app.core.documents.readers.tables import table

SHEET = 2 * SIZE  # characters; a sheet up to here is one page
LARGEST = 10 * SHEET
"""Of a page with a single row that is longer than a page."""

Row = tuple[int, Mapping[int, str]]
"""A row's number, from 1, and the texts of those of its cells that have one, by column."""


def sheet(rows: Iterable[Row], title: str = "") -> Iterator[Block]:
    """The blocks of a sheet, with page ends. Rows and columns without text are left out.

    Rows after an empty one are a table of their own where they begin with a header, that is with
    words alone; a row of one cell there is a line of text.
    """
    columns: dict[int, None] = {}
    header: Mapping[int, str] = {}
    body: list[Mapping[int, str]] = []
    length = last = 0
    told = False  # whether the page has anything yet

    def tabled() -> Iterator[Block]:
        nonlocal body
        if body:
            used = sorted({*columns})
            yield from table([[row.get(at, "") for at in used] for row in body], size=None)
        body = []

    for number, cells in rows:
        size = sum(len(text) + 3 for text in cells.values())
        if told and length + size > SHEET:
            yield from tabled()
            yield Block(PAGE_END)
            columns, length, told = dict.fromkeys(header), 0, False
            body = [header] if header else []
        if not told and title:
            yield Block(f"# {title}" if not last else f"# {title} (from row {number:,})")
        apart = number > last + 1 or not header
        if apart and len(cells) == 1:
            yield from () if body == [header] else tabled()
            header, body, columns = {}, [], {}
            yield Block(" ".join(next(iter(cells.values())).split()), tight=True)
        else:
            if apart and _is_header(cells, header):
                yield from tabled()
                header, columns = cells, {}
            body.append(cells)
            columns |= dict.fromkeys(cells)
        told, last = True, number
        length += size
    yield from tabled()


def _is_header(cells: Mapping[int, str], before: Mapping[int, str]) -> bool:
    if not before:
        return True
    return not any(text[:1].isdigit() or text[:2].lstrip("-+").isdigit() for text in cells.values())
