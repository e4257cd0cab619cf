"""The text of OpenDocument files: paragraphs, lists, tables, and the notes and drawings in them."""

from __future__ import annotations

from collections.abc import Iterator

from tools.documents.readers.layout.list_numbers import roman
from tools.documents.readers.layout.pagination import PAGE_END, Block
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.opendocument.odf_lists import Lists
from tools.documents.readers.safe_xml import Element, child, children, get, inside, name, whole
from tools.documents.readers.tables.markdown import flat, repeated, table

MAX_REPEATED = 1000  # copies of a repeated cell or row; sheets contain huge numbers of empty ones
_GONE = frozenset(
    {"text:tracked-changes", "text:sequence-decls", "office:forms", "text:variable-decls"}
    | {"text:user-field-decls", "office:settings", "text:note-citation", "office:annotation-end"}
    | {"text:index-title-template", "text:table-of-content-source", "svg:title", "svg:desc"}
    | {"presentation:settings", "text:ruby-text"}
)


class Text:
    """Reads the elements of a document in order. `endnotes`: those read so far, for its end."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self.endnotes: list[str] = []
        self._footnotes = 0
        self._notes: list[str] = []
        self._unread: list[str] = []
        self._after: list[Element] = []

    def blocks(self, element: Element) -> Iterator[Block]:
        """The blocks of a paragraph, a list, a table, or an element that contains some."""
        for block in self._texts(element):
            notes, unread = tuple(self._notes), tuple(self._unread)
            self._notes, self._unread = [], []
            yield Block(block.text, block.tight, notes, unread)

    def rest(self) -> Iterator[Block]:
        """A block with the notes and unreadable parts that belong to no other block."""
        yield Block("", notes=tuple(self._notes), unread=tuple(self._unread))
        self._notes, self._unread = [], []

    def cells(self, grid: Element) -> Iterator[tuple[int, dict[int, str]]]:
        """The rows of a table: how often each is repeated, and its texts by column."""
        spanning: dict[int, tuple[int, str]] = {}
        for row in _rows(grid):
            filled: dict[int, str] = {}
            column = 0
            for cell in children(row):
                repeats = max(whole(get(cell, "table:number-columns-repeated"), 1), 1)
                if name(cell) == "table:table-cell":
                    text = " ".join(self._cell(cell)).strip()
                    for more in range(min(repeats, MAX_REPEATED) if text else 0):
                        filled[column + more] = text
                    height = whole(get(cell, "table:number-rows-spanned"), 1)
                    if height > 1 and text:
                        spanning[column] = height, repeated(text)
                elif name(cell) == "table:covered-table-cell" and column in spanning:
                    filled[column] = spanning[column][1]
                column += repeats
            spanning = {key: (more - 1, text) for key, (more, text) in spanning.items() if more > 1}
            repeats = max(whole(get(row, "table:number-rows-repeated"), 1), 1)
            yield repeats if not filled else min(repeats, MAX_REPEATED), filled

    def _texts(self, element: Element, item: str = "") -> Iterator[Block]:
        match name(element):
            case "text:p" | "text:h":
                yield from self._paragraph(element, item)
            case "text:list":
                yield from self._list(element, 1, get(element, "text:style-name"))
            case "table:table":
                yield from table(self._grid(element))
            case "text:soft-page-break":
                yield Block(PAGE_END)
            case "draw:frame" | "draw:custom-shape" | "draw:rect" | "draw:g":
                self._drawn(element)
                blocks = list(self._later())
                if get(element, "presentation:class") == "title":
                    blocks = [Block(f"# {' '.join(' '.join(one.text for one in blocks).split())}")]
                yield from blocks
            case "office:annotation":
                self._comment(element)
            case "presentation:notes":
                blocks = [block for one in children(element) for block in self._texts(one)]
                yield from [Block("Notes:"), *blocks] if any(one.text for one in blocks) else ()
            case short if short not in _GONE:
                for one in children(element):
                    yield from self._texts(one)

    def _paragraph(self, element: Element, item: str = "") -> Iterator[Block]:
        text = self._runs(element).strip(" \t\n")
        begins = PAGE_END if self._lists.breaks(get(element, "text:style-name")) else ""
        bare = text.lstrip(PAGE_END + " \t\n")
        begins = PAGE_END if PAGE_END in text[: len(text) - len(bare)] else begins
        if name(element) == "text:h" and bare:
            level = min(max(whole(get(element, "text:outline-level"), 1), 1), 6)
            bare = " ".join([self._lists.outline(level), *bare.split()]).strip()
            yield Block(f"{begins}{'#' * level} {bare}")
        elif bare or begins:
            yield Block(f"{begins}{item}{bare}" if bare else begins, tight=bool(item))
        elif self._unread or self._notes:
            yield Block()
        yield from self._later()

    def _later(self) -> Iterator[Block]:
        after, self._after = self._after, []
        for box in after:
            for one in children(box):
                yield from self._texts(one)

    def _list(self, element: Element, level: int, style: str) -> Iterator[Block]:
        goes_on = get(element, "text:continue-numbering") == "true" or level > 1
        goes_on = goes_on or bool(get(element, "text:continue-list"))
        for entry in children(element):
            if name(entry) not in ("text:list-item", "text:list-header"):
                continue
            label = ""
            for one in children(entry):
                if name(one) == "text:list":
                    yield from self._list(one, level + 1, get(one, "text:style-name") or style)
                    continue
                if not label and name(entry) == "text:list-item":
                    start = get(entry, "text:start-value")
                    label = self._lists.label(style, level, goes_on, start)
                    goes_on = True
                    yield from self._texts(one, f"{'   ' * (level - 1)}{label} " if label else "")
                else:
                    yield from self._texts(one)

    def _grid(self, element: Element) -> list[list[str]]:
        rows = []
        for repeats, cells in self.cells(element):
            width = max(cells, default=-1) + 1
            rows += [[cells.get(column, "") for column in range(width)]] * (repeats if cells else 0)
        return rows

    def _cell(self, cell: Element) -> Iterator[str]:
        for one in children(cell):
            if name(one) == "table:table":
                yield flat(self._grid(one))
            else:
                yield from (block.text.strip() for block in self._texts(one))

    def _runs(self, element: Element) -> str:
        text = tidy(element.text or "").replace("\n", " ")
        for one in children(element):
            text += self._run(one) + tidy(one.tail or "").replace("\n", " ")
        return text

    def _run(self, element: Element) -> str:
        match name(element):
            case "text:s":
                return " " * min(max(whole(get(element, "text:c"), 1), 1), 100)
            case "text:tab":
                return "\t"
            case "text:line-break":
                return "\n"
            case "text:soft-page-break":
                return PAGE_END
            case "text:span":
                return self._lists.placed(self._runs(element), get(element, "text:style-name"))
            case "text:note":
                return self._note(element)
            case "office:annotation":
                self._comment(element)
                return ""
            case "text:ruby":
                above = "".join(self._runs(one) for one in inside(element, "text:ruby-text"))
                return self._runs(element) + (f"({above})" if above else "")
            case short if short.startswith("draw:"):
                self._drawn(element)
                return ""
            case short:
                return "" if short in _GONE else self._runs(element)

    def _note(self, note: Element) -> str:
        body = child(note, "text:note-body")
        texts = [block.text for one in children(body) for block in self._texts(one)]
        text = " ".join(" ".join(texts).split())
        if get(note, "text:note-class") == "endnote":
            mark = f"[^{roman(len(self.endnotes) + 1)}]"
            self.endnotes.append(f"{mark}: {text}")
        else:
            self._footnotes += 1
            mark = f"[^{self._footnotes}]"
            self._notes.append(f"{mark}: {text}")
        return mark

    def _comment(self, element: Element) -> None:
        author = child(element, "dc:creator")
        by = f" by {author.text}" if author is not None and author.text else ""
        texts = [self._runs(one) for one in inside(element, "text:p")]
        self._notes.append(f"Comment{by}: {' '.join(' '.join(texts).split())}")

    def _drawn(self, element: Element) -> None:
        """Defer text boxes to the end of the paragraph, and count drawings without text."""
        for one in (element, *children(element)):
            match name(one):
                case "draw:text-box" | "table:table":
                    self._after.append(one)
                case "draw:custom-shape" | "draw:rect" | "draw:ellipse" | "draw:line":
                    if one is element:
                        self._after.append(one)
                case "draw:image":
                    self._unread.append("picture")
                case "draw:object" | "draw:object-ole":
                    self._unread.append("embedded object")
                case "draw:frame" | "draw:g" if one is not element:
                    self._drawn(one)


def _rows(grid: Element) -> Iterator[Element]:
    for one in children(grid):
        if name(one) == "table:table-row":
            yield one
        elif name(one) in ("table:table-rows", "table:table-header-rows", "table:table-row-group"):
            yield from _rows(one)
