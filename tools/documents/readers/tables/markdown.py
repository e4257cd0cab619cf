"""Rows of cells into a Markdown table, a long one into several, each with the header.

The rows of a sheet, however many, become pages; a table that goes on has its header on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tools.documents.readers.layout.pagination import PAGE_END, SIZE, Block

REPEATED = 60  # characters up to which the text of a cell that spans rows stands in each of them

SHEET = 2 * SIZE  # characters; a sheet up to here is one page
MAX_TABLE_CHARS = 10 * SHEET
"""Of a page with a single row that is longer than a page."""
Row = tuple[int, Mapping[int, str]]
"""A row's number, from 1, and the texts of those of its cells that have one, by column."""


def table(rows: Iterable[Sequence[str]], size: int | None = SIZE) -> list[Block]:
    """A table in blocks of at most `size` characters where its rows allow it.

    The first row is the header. Rows and columns without text are left out; a page that ends
    inside a row ends before it.
    """
    filled = [list(row) for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return []
    width = max(map(len, filled))
    used = [at for at in range(width) if any(at < len(row) and row[at].strip() for row in filled)]
    lines = [
        (line(row[at] if at < len(row) else "" for at in used), any(PAGE_END in c for c in row))
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
    """`text` as it may stand in a cell."""
    return " ".join(text.replace(PAGE_END, " ").split()).replace("|", "\\|")


def flat(rows: Iterable[Sequence[str]]) -> str:
    """A table that stands in a cell of another one, on one line."""
    lines = (", ".join(cell for cell in map(_one_line, row) if cell) for row in rows)
    return "; ".join(text for text in lines if text)


def repeated(text: str) -> str:
    """What stands in the further rows of a cell that spans several: a label is said again, so
    that each row can be read by itself, a long text is not."""
    return text if len(text) <= REPEATED else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
