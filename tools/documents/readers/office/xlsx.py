"""Workbooks: xlsx, xlsm (macros are ignored), xltx; Transitional and Strict.

Rows are read as a stream, so that a sheet of a million rows takes no more memory than its shared
strings. Values are those saved in the file; formulas are not calculated.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from openpyxl.utils.escape import unescape

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.readers.layout.pagination import PAGE_END, Block, pages
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.office.chart_data import chart
from tools.documents.readers.office.drawingml import paragraphs
from tools.documents.readers.office.opc import Package
from tools.documents.readers.safe_xml import (
    Element,
    Malformed,
    child,
    children,
    forget,
    get,
    inside,
    name,
    stream,
    whole,
)
from tools.documents.readers.safe_zip import DAMAGED, Archive
from tools.documents.readers.tables.markdown import MAX_TABLE_CHARS, Row, repeated, sheet
from tools.documents.readers.tables.number_formats import Formats, format_code, moment

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref=[\"']([A-Z]+)(\d+):[A-Z]+(\d+)[\"']")
_DRAWN = ("c:chart", "cx:chart", "xdr:sp", "xdr:pic")


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        yield from pages(_Workbook(Package(archive)).blocks(), options, MAX_TABLE_CHARS)


class _Workbook:
    def __init__(self, package: Package) -> None:
        self._package, self._main = package, package.main()
        root = package.part(self._main)
        if root is None:
            raise DocumentError(DAMAGED)
        self._root = root
        self._formats = self._read_formats()
        self._texts = list(self._read_texts())
        self._without_value = 0  # formulas without a value

    def blocks(self) -> Iterator[Block | Remark]:
        """The blocks of all sheets, each beginning on a new page."""
        relations = self._package.relations(self._main)
        for one in children(child(self._root, "x:sheets")):
            relation = relations.get(get(one, "r:id"))
            title = " ".join(one.get("name", "").split())
            hidden = " (hidden sheet)" if one.get("state", "visible") != "visible" else ""
            if relation is None or relation.target not in self._package:
                yield Remark(f"The sheet “{title}” is missing in the file.")
                continue
            yield Block(PAGE_END)
            drawn = list(self._beside(relation.target))
            if relation.kind == "chartsheet":
                yield from [Block(f"# {title}{hidden}"), *drawn] if drawn else ()
                continue
            begun = False
            try:
                for block in sheet(self._rows(relation.target), title + hidden):
                    begun = True
                    yield block
            except Malformed:
                yield Remark(f"The sheet “{title}” is damaged; its last rows could not be read.")
            if drawn:
                yield from () if begun else (Block(f"# {title}{hidden}"),)
                yield from drawn
        if self._without_value:
            yield Remark(
                f"{self._without_value:,} formulas have no saved value; they are shown as formulas."
            )

    def _rows(self, part: str) -> Iterator[Row]:
        merged = dict(self._merged(part))
        spanning: dict[int, tuple[int, str]] = {}
        at = 0
        with self._package.open(part) as source:
            for row in stream(source, "x:row"):
                at = whole(row.get("r"), at + 1)
                cells = dict(self._cells(row))
                for column, (last, text) in list(spanning.items()):
                    if at > last:
                        del spanning[column]
                    elif column not in cells and cells:
                        cells[column] = text
                for column, text in cells.items() if merged else ():
                    if (at, column) in merged:
                        spanning[column] = (merged[at, column], repeated(text))
                filled = {column: text for column, text in sorted(cells.items()) if text}
                forget(row)
                if filled:
                    yield at, filled

    def _cells(self, row: Element) -> Iterator[tuple[int, str]]:
        column = 0
        for cell in row:
            if name(cell) == "x:c":
                column = _column(cell.get("r", "")) or column + 1
                text = self._text(cell).strip()
                if text:
                    yield column, text

    def _text(self, cell: Element) -> str:
        parts = {name(one): one for one in cell}
        kind, raw = cell.get("t", "n"), _text_of(parts.get("x:v"))
        if kind == "inlineStr":
            return _string(parts.get("x:is"))
        if not raw:
            self._without_value += "x:f" in parts
            formula = _text_of(parts.get("x:f"))
            return f"={formula}" if formula else ""
        match kind:
            case "s":
                index = whole(raw, -1)
                return self._texts[index] if 0 <= index < len(self._texts) else ""
            case "b":
                return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
            case "n":
                return self._formats.number(raw.strip(), whole(cell.get("s")))
            case "d":
                return _iso(raw)
            case _:
                return tidy(_unescaped(raw))

    def _beside(self, part: str) -> Iterator[Block]:
        """The charts, text boxes and pictures on a sheet, and the comments on its cells."""
        for drawing in self._package.related(part, "drawing"):
            for one in inside(
                self._package.part(drawing), "c:chart", "cx:chart", "xdr:sp", "xdr:pic"
            ):
                match name(one):
                    case "xdr:sp":
                        yield from paragraphs(child(one, "xdr:txBody"))
                    case "xdr:pic":
                        yield Block(unread=("picture",))
                    case _ if get(one, "r:id"):
                        found = chart(self._package.referred(drawing, get(one, "r:id")))
                        yield from found or [Block(unread=("chart",))]
        threads = [
            self._package.part(one) for one in self._package.related(part, "threadedComment")
        ]
        threaded = [one for root in threads for one in inside(root, "threaded:threadedComment")]
        for comment in threaded:
            yield _comment(comment.get("ref", ""), _text_of(child(comment, "threaded:text")))
        known = {comment.get("ref") for comment in threaded}
        for other in self._package.related(part, "comments"):
            for comment in inside(self._package.part(other), "x:comment"):
                if comment.get("ref") not in known:
                    yield _comment(comment.get("ref", ""), _string(child(comment, "x:text")))

    def _merged(self, part: str) -> Iterator[tuple[tuple[int, int], int]]:
        """Cells that span rows, by row and column, with the last row of each. In the file they come
        after all cells, so that this needs a pass of its own."""
        rest = b""
        with self._package.open(part) as source:
            while data := source.read(1 << 18):
                window = rest + data
                for found in _MERGED.finditer(window):
                    first, last = int(found[2]), int(found[3])
                    if last > first:
                        yield (first, _column(found[1].decode())), last
                rest = window[-200:]

    def _read_texts(self) -> Iterator[str]:
        for part in self._package.related(self._main, "sharedStrings"):
            if part in self._package:
                with self._package.open(part) as source:
                    try:
                        for one in stream(source, "x:si"):
                            yield _string(one)
                            forget(one)
                    except Malformed as error:
                        raise DocumentError(DAMAGED) from error

    def _read_formats(self) -> Formats:
        parts = self._package.related(self._main, "styles")
        root = self._package.part(parts[0]) if parts else None
        own = {
            whole(one.get("numFmtId")): one.get("formatCode", "")
            for one in children(child(root, "x:numFmts"))
        }
        codes = [
            format_code(whole(one.get("numFmtId")), own)
            for one in children(child(root, "x:cellXfs"))
        ]
        properties = child(self._root, "x:workbookPr")
        since = properties.get("date1904") if properties is not None else None
        return Formats(tuple(codes), since in ("1", "true"))


def _text_of(element: Element | None) -> str:
    return element.text or "" if element is not None else ""


def _string(element: Element | None) -> str:
    """A text, plain or in runs, without the reading aids of East Asian ones."""
    parts = []
    for one in children(element):
        if name(one) == "x:t":
            parts.append(one.text or "")
        elif name(one) == "x:r":
            parts.append(_text_of(child(one, "x:t")))
    return tidy(_unescaped("".join(parts)))


def _unescaped(text: str) -> str:
    return str(unescape(text)) if "_x" in text else text


def _comment(place: str, text: str) -> Block:
    return Block(f"Comment on {place}: {' '.join(text.split())}")


def _column(place: str) -> int:
    """The number of the column in a cell's name: 1 for `A7`; 0 without a column."""
    return _column_number(place.rstrip("0123456789"))


@functools.lru_cache(maxsize=20_000)
def _column_number(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or len(letters) > 3:
            return 0
        column = 26 * column + ord(letter) - ord("A") + 1
    return column


def _iso(raw: str) -> str:
    from openpyxl.utils.datetime import from_ISO8601

    try:
        found = from_ISO8601(raw)
    except ValueError:
        return raw
    return moment(found) if found is not None else ""
