"""OpenDocument: texts (odt), sheets (ods) and slides (odp).

Paragraphs, headings, lists with their numbers, tables, notes, comments, text boxes, headers and
footers are read; tracked deletions are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent
from tools.documents.readers.layout.pagination import PAGE_CHARS, PAGE_END, Block, pages
from tools.documents.readers.opendocument.odf_lists import Lists
from tools.documents.readers.opendocument.odf_text import Text
from tools.documents.readers.safe_xml import Element, child, children, get, inside, name, parse
from tools.documents.readers.safe_zip import DAMAGED, Archive
from tools.documents.readers.tables.markdown import MAX_TABLE_CHARS, Row, sheet

_LOCKED = "The document is encrypted. Save it without a password to have it read."
_MANIFEST = "META-INF/manifest.xml"
_FLOW = ("office:text", "office:presentation", "office:drawing")
MAX_ROWS = 2_000_000  # of one sheet, including empty ones


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        if "content.xml" not in archive:
            raise DocumentError(DAMAGED)
        if b"encryption-data" in (archive.read(_MANIFEST) if _MANIFEST in archive else b""):
            raise DocumentError(_LOCKED)
        root = parse(archive.read("content.xml"))
        styles = parse(archive.read("styles.xml")) if "styles.xml" in archive else None
    body = child(root, "office:body")
    if body is None:
        raise DocumentError(DAMAGED)
    spreadsheet = child(body, "office:spreadsheet")
    if spreadsheet is not None:
        yield from pages(_sheets(spreadsheet, Lists(root, styles)), options, MAX_TABLE_CHARS)
        return
    saved = any(True for _ in inside(body, "text:soft-page-break", "draw:page"))
    yield from pages(_flow(body, root, styles), options, 10 * PAGE_CHARS if saved else PAGE_CHARS)


def _flow(body: Element, root: Element, styles: Element | None) -> Iterator[Block]:
    text = Text(Lists(root, styles))
    yield from (Block(f"Header: {line}") for line in _edges(styles, "style:header"))
    for kind in _FLOW:
        for one in children(child(body, kind)):
            if name(one) == "draw:page":
                yield Block(PAGE_END)
            yield from text.blocks(one)
    yield from map(Block, text.endnotes)
    yield from (Block(f"Footer: {line}") for line in _edges(styles, "style:footer"))


def _edges(styles: Element | None, kind: str) -> list[str]:
    text = Text(Lists(None, None))
    lines = [
        " ".join(" ".join(block.text for block in text.blocks(one)).split())
        for short in (kind, f"{kind}-first", f"{kind}-left")
        for one in inside(styles, short)
    ]
    return list(dict.fromkeys(one for one in lines if one))


def _sheets(spreadsheet: Element, lists: Lists) -> Iterator[Block]:
    for one in children(spreadsheet):
        if name(one) == "table:table":
            yield Block(PAGE_END)
            text = Text(lists)
            yield from sheet(_rows(one, text), get(one, "table:name"))
            yield from text.rest()


def _rows(grid: Element, text: Text) -> Iterator[Row]:
    number = 0
    for repeats, cells in text.cells(grid):
        filled = {column: value for column, value in cells.items() if value}
        for more in range(repeats if filled else 0):
            yield number + more + 1, filled
        number += repeats
        if number > MAX_ROWS:
            return
