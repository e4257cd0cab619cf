"""Rows of cells into a Markdown table, a long one into several, each with the header."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.core.documents.readers.blocks import PAGE_END, SIZE, Block

REPEATED = 60  # characters up to which the text of a cell that spans rows stands in each of them


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
