"""Converts rows of cells into Markdown tables; a long one is split, with the header repeated.

The rows of a sheet become pages, of which each has the header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tools.documents.readers.layout.pagination import PAGE_CHARS, PAGE_END, Block

MAX_REPEATED_CHARS = 60  # the text of a cell that spans rows is repeated in each, if not longer

MAX_SHEET_PAGE_CHARS = 2 * PAGE_CHARS  # of text on one page of a sheet
MAX_TABLE_CHARS = 10 * MAX_SHEET_PAGE_CHARS
"""Characters of a page with a single long row."""
Row = tuple[int, Mapping[int, str]]
"""A row's number, from 1, and the texts of its non-empty cells by column."""


def table(rows: Iterable[Sequence[str]], size: int | None = PAGE_CHARS) -> list[Block]:
    """A table in blocks of at most `size` characters (a longer row is not split).

    The first row is the header. Rows and columns without text are left out. A page end inside a
    row is moved before the row.
    """
    filled = [list(row) for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return []
    width = max(map(len, filled))
    used = [
        column
        for column in range(width)
        if any(column < len(row) and row[column].strip() for row in filled)
    ]
    lines = [
        (
            line(row[column] if column < len(row) else "" for column in used),
            any(PAGE_END in c for c in row),
        )
        for row in filled
    ]
    top = f"{lines[0][0]}\n{line(['---'] * len(used))}"
    blocks: list[Block] = [Block(PAGE_END)] if lines[0][1] else []
    text = top
    for row, begins_page in lines[1:]:
        if begins_page or (size and len(text) + len(row) > size and text != top):
            blocks.append(Block(text))
            blocks += [Block(PAGE_END)] if begins_page else []
            text = top
        text += f"\n{row}"
    return [*blocks, Block(text)]


def line(cells: Iterable[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(map(cell_text, cells)) + " |"


def cell_text(text: str) -> str:
    """`text` on one line, with bars escaped, for a cell."""
    return " ".join(text.replace(PAGE_END, " ").split()).replace("|", "\\|")


def flat(rows: Iterable[Sequence[str]]) -> str:
    """A nested table on one line, for a cell of the outer one."""
    lines = (", ".join(cell for cell in map(_one_line, row) if cell) for row in rows)
    return "; ".join(text for text in lines if text)


def repeated(text: str) -> str:
    """The text for the further rows of a cell that spans several: a short label is repeated, so
    that each row can be read by itself; a long text is not."""
    return text if len(text) <= MAX_REPEATED_CHARS else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def sheet(rows: Iterable[Row], title: str = "") -> Iterator[Block]:
    """The blocks of a sheet, with page ends. Rows and columns without text are left out.

    Rows after an empty row form a table of their own if they begin with a header (words, no
    numbers). A row of a single cell there becomes a line of text.
    """
    columns: dict[int, None] = {}
    header: Mapping[int, str] = {}
    body: list[Mapping[int, str]] = []
    length = last = 0
    page_has_rows = False

    def end_table() -> Iterator[Block]:
        nonlocal body
        if body:
            used = sorted({*columns})
            yield from table([[row.get(column, "") for column in used] for row in body], size=None)
        body = []

    for number, cells in rows:
        size = sum(len(text) + 3 for text in cells.values())
        if page_has_rows and length + size > MAX_SHEET_PAGE_CHARS:
            yield from end_table()
            yield Block(PAGE_END)
            columns, length, page_has_rows = dict.fromkeys(header), 0, False
            body = [header] if header else []
        if not page_has_rows and title:
            yield Block(f"# {title}" if not last else f"# {title} (from row {number:,})")
        is_separate = number > last + 1 or not header
        if is_separate and len(cells) == 1:
            yield from () if body == [header] else end_table()
            header, body, columns = {}, [], {}
            yield Block(" ".join(next(iter(cells.values())).split()), tight=True)
        else:
            if is_separate and _is_header(cells, header):
                yield from end_table()
                header, columns = cells, {}
            body.append(cells)
            columns |= dict.fromkeys(cells)
        page_has_rows, last = True, number
        length += size
    yield from end_table()


def _is_header(cells: Mapping[int, str], before: Mapping[int, str]) -> bool:
    if not before:
        return True
    return not any(text[:1].isdigit() or text[:2].lstrip("-+").isdigit() for text in cells.values())
