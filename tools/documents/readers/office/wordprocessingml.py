"""WordprocessingML: paragraphs, tables and the notes, fields and drawings in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tools.documents.readers.layout.pagination import PAGE_END, PICTURE, Block, Scan
from tools.documents.readers.layout.symbols import lowered, raised, symbol, tidy
from tools.documents.readers.office.chart_data import chart
from tools.documents.readers.office.drawingml import diagram
from tools.documents.readers.office.omml import latex
from tools.documents.readers.office.opc import Package
from tools.documents.readers.office.scanned_pages import Scans
from tools.documents.readers.office.word_parts import Notes, Numbering, Styles
from tools.documents.readers.safe_xml import (
    Element,
    child,
    children,
    get,
    inside,
    name,
    switched_on,
    value,
    whole,
)
from tools.documents.readers.tables.markdown import flat, repeated, table

_PAGE_HEIGHT_EMU = 9_000_000  # usable height of a page; 914,400 EMU are an inch
MAX_COLUMNS = 63  # of a table, the limit of Word
_GONE = frozenset(
    ("w:del", "w:moveFrom", "w:delText", "w:instrText", "w:delInstrText", "w:rt", "w:sectPr")
)
_SIGNS = {"w:tab": "\t", "w:ptab": "\t", "w:cr": "\n", "w:noBreakHyphen": "-"}
_SIGNS["w:lastRenderedPageBreak"] = PAGE_END


class Story:
    """Reads one part - the body, a header, the footnotes - from its first paragraph to its last.

    `size` bounds a block of a table, in characters.
    """

    def __init__(
        self,
        package: Package,
        part: str,
        styles: Styles,
        numbering: Numbering,
        notes: Notes,
        size: int,
    ) -> None:
        self._package, self._part, self._size = package, part, size
        self._styles, self._numbering, self._notes = styles, numbering, notes
        self._scans = Scans(package)
        self._unread: list[str] = []
        self._pictures: list[Scan] = []
        self._picture_height = self._stacked_height = 0
        self._after: list[Element | Block] = []
        self._fields: list[str] = []
        self._anchors: dict[str, int] = {}

    def blocks(self, element: Element) -> Iterator[Block]:
        """The blocks of a paragraph, a table, or an element that contains some."""
        for block in self._texts(element):
            unread, self._unread = tuple(self._unread), []
            scans, self._pictures = tuple(self._pictures), []
            notes = (*block.notes, *self._notes.taken())
            yield replace(block, notes=notes, unread=(*block.unread, *unread), scans=scans)

    def _texts(self, element: Element) -> Iterator[Block]:
        match name(element):
            case "w:p":
                yield from self._paragraph(element)
            case "w:tbl":
                yield from self._table(element)
            case "w:altChunk":
                self._unread.append("embedded document")
                yield Block()
            case short if short in _GONE or short.endswith("Pr"):
                return
            case _:
                for one in children(element):
                    yield from self._texts(one)

    def _paragraph(self, paragraph: Element) -> Iterator[Block]:
        properties = child(paragraph, "w:pPr")
        self._anchors, self._picture_height = {}, 0
        parts = self._runs(paragraph, "").split(PAGE_END)
        text = PAGE_END.join(part.strip(" \t\n") for part in parts)
        text = self._with_page_end(text)
        # A field whose code has no end would hide the rest of the document.
        self._fields = [state for state in self._fields if state == "result"]
        after, self._after = self._after, []
        if switched_on(properties, "w:pageBreakBefore"):
            text = PAGE_END + text
        bare = text.lstrip(PAGE_END + " \t\n")
        breaks = PAGE_END if PAGE_END in text[: len(text) - len(bare)] else ""
        if bare:
            yield self._labelled(properties, bare, breaks)
        else:
            yield Block(breaks)
        for one in after:
            if isinstance(one, Block):
                yield one
            else:
                yield from self._texts(one)

    def _with_page_end(self, text: str) -> str:
        """The text, after a page end if successive pictures without text fill the page."""
        if text:
            self._stacked_height = 0
        elif (
            self._stacked_height and self._stacked_height + self._picture_height > _PAGE_HEIGHT_EMU
        ):
            text, self._stacked_height = PAGE_END + text, 0
        self._stacked_height += self._picture_height
        return text

    def _labelled(self, properties: Element | None, text: str, breaks: str) -> Block:
        heading, place = self._styles.heading(properties), self._styles.place(properties)
        label = self._numbering.label(place) if place else ""
        if heading:
            text = " ".join([label.removeprefix("-"), *text.split("\n")]).strip()
            return Block(f"{breaks}{'#' * heading} {text}")
        if not place or not label:
            return Block(breaks + text)
        listed = label == "-" or label.rstrip(".)").isdigit()
        indent = "   " * place.level if listed else ""
        return Block(f"{breaks}{indent}{label} {text}", tight=listed)

    def _runs(self, parent: Element, before: str) -> str:
        """The text of a paragraph, link or insertion; `before`: the paragraph's text so far."""
        text = ""
        for one in children(parent):
            match name(one):
                case "w:r":
                    text += self._run(one, before + text)
                case "m:oMath" | "m:oMathPara":
                    text += latex(one)
                case "w:commentRangeStart":
                    self._anchors[get(one, "w:id")] = len(before + text)
                case short if short in _GONE or short.endswith("Pr"):
                    pass
                case _:
                    text += self._runs(one, before + text)
        return text

    def _run(self, run: Element, before: str) -> str:
        text = ""
        for one in children(run):
            match name(one):
                case "w:fldChar":
                    self._field(get(one, "w:fldCharType"))
                    text += _check_box(one)
                case "w:commentReference":
                    reference = get(one, "w:id")
                    anchor = before[self._anchors.get(reference, len(before)) :]
                    self._notes.comment(reference, anchor)
                case short if "code" not in self._fields:
                    text += self._sign(one, short)
        properties = child(run, "w:rPr")
        if properties is None:
            return text
        if switched_on(properties, "w:vanish"):
            return ""
        raise_or_lower = value(properties, "w:vertAlign")
        if raise_or_lower == "superscript":
            return raised(text)
        return lowered(text) if raise_or_lower == "subscript" else text

    def _sign(self, element: Element, short: str) -> str:
        match short:
            case "w:t":
                return tidy(element.text or "").replace("\n", " ")
            case "w:br":
                return PAGE_END if get(element, "w:type") == "page" else "\n"
            case "w:sym":
                code = get(element, "w:char")
                return symbol(get(element, "w:font"), int(code, 16)) if _is_hex(code) else ""
            case "w:footnoteReference":
                return self._notes.footnote(get(element, "w:id"))
            case "w:endnoteReference":
                return self._notes.endnote(get(element, "w:id"))
            case "w:drawing" | "w:pict":
                self._drawn(element)
                return ""
            case "w:object":
                self._unread.append("embedded object")
                return ""
            case "w:ruby":
                above = "".join(self._runs(one, "") for one in inside(element, "w:rt"))
                base = child(element, "w:rubyBase")
                under = self._runs(base, "") if base is not None else ""
                return f"{under}({above})" if above else under
            case _:
                return _SIGNS.get(short, "")

    def _field(self, state: str) -> None:
        if state == "begin":
            self._fields.append("code")
        elif state == "separate" and self._fields:
            self._fields[-1] = "result"
        elif state == "end" and self._fields:
            self._fields.pop()

    def _drawn(self, element: Element) -> None:
        """Defer drawings with text to the end of the paragraph, and count those without."""
        for one in children(element):
            match name(one):
                case "w:txbxContent":
                    self._after.append(one)
                case "pic:pic" | "v:imagedata":
                    self._unread.append(PICTURE)
                    self._pictures += self._scanned(one)
                case "wp:docPr" if alt := " ".join(one.get("descr", "").split()):
                    self._after.append(Block(f"[Picture: {alt}]", own=False))
                case "wp:extent":
                    self._picture_height = max(self._picture_height, whole(one.get("cy")))
                case "c:chart" | "cx:chart" as short:
                    self._found("chart", chart(self._referred(one, "r:id")), short)
                case "dgm:relIds" as short:
                    self._found("diagram", diagram(self._referred(one, "r:dm")), short)
                case "v:textpath" if one.get("string"):
                    self._after.append(Block(str(one.get("string"))))
                case _:
                    self._drawn(one)

    def _scanned(self, picture: Element) -> Iterator[Scan]:
        for one in inside(picture, "a:blip", "v:imagedata"):
            reference = get(one, "r:embed") or get(one, "r:id")
            yield partial(self._scans.text, self._part, reference)

    def _found(self, noun: str, blocks: list[Block], short: str) -> None:
        self._after += blocks
        if not blocks:
            self._unread.append(noun)

    def _referred(self, element: Element, reference: str) -> Element | None:
        return self._package.referred(self._part, get(element, reference))

    def _table(self, element: Element) -> Iterator[Block]:
        rows = list(_below(element, "w:tr"))
        only = list(_below(rows[0], "w:tc")) if len(rows) == 1 else []
        if len(only) == 1:  # a table of one cell is a frame around text
            for one in children(only[0]):
                yield from self._texts(one)
        else:
            yield from table(self._rows(element), self._size) or [Block()]

    def _rows(self, element: Element) -> list[list[str]]:
        above: dict[int, str] = {}
        rows = []
        for row in _below(element, "w:tr"):
            properties = child(row, "w:trPr")
            if child(properties, "w:del") is not None:
                continue
            filled = [""] * min(whole(value(properties, "w:gridBefore")), MAX_COLUMNS)
            for cell in _below(row, "w:tc"):
                column = len(filled)
                own = child(cell, "w:tcPr")
                if child(own, "w:cellDel") is not None:
                    continue
                merged = value(own, "w:vMerge")
                if merged is not None and merged != "restart":
                    text = repeated(above.get(column, ""))
                else:
                    text = above[column] = " ".join(self._cell(cell)).strip(" ")
                width = min(max(whole(value(own, "w:gridSpan"), 1), 1), MAX_COLUMNS)
                filled += [text] + [""] * (width - 1)
            rows.append(filled)
        return rows

    def _cell(self, element: Element) -> Iterator[str]:
        for one in children(element):
            match name(one):
                case "w:p":
                    yield from (block.text.strip(" ") for block in self._paragraph(one))
                case "w:tbl":
                    yield flat(self._rows(one))
                case short if short in _GONE or short.endswith("Pr"):
                    pass
                case _:
                    yield from self._cell(one)


def _below(element: Element, short: str) -> Iterator[Element]:
    """The rows of a table or cells of a row, also inside content controls and insertions."""
    for one in children(element):
        if name(one) == short:
            yield one
        elif name(one) in ("w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo"):
            yield from _below(one, short)


def _check_box(field: Element) -> str:
    box = child(field, "w:ffData", "w:checkBox")
    if box is None:
        return ""
    state = "w:checked" if child(box, "w:checked") is not None else "w:default"
    return "☒" if switched_on(box, state) else "☐"


def _is_hex(code: str) -> bool:
    return 0 < len(code) <= 6 and all(digit in "0123456789abcdefABCDEF" for digit in code)
