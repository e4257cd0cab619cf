"""Converts a page's tree to segments of Markdown, each with its context in the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lxml.html import HtmlElement

from tools.documents.readers.html.controls import filled_in
from tools.documents.readers.html.mathml import DISPLAY_STYLE, formula, in_dollars
from tools.documents.readers.html.place import Place
from tools.documents.readers.html.tables import Row, data_rows
from tools.documents.readers.layout.symbols import lowered, raised
from tools.documents.readers.tables.markdown import repeated

MAX_INDENTS = 6  # levels of nested lists that are indented further

Kind = Literal["text", "heading", "label", "code", "row"]

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "  # noqa: SIM905
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr legend li main "
    "menu nav ol p search section summary table tbody td tfoot th thead tr ul".split()
)
_AROUND = frozenset(("sub", "sup", "q", "rt", "del", "s", "strike"))
_SPACE = re.compile(r"[^\S\n]+|\s*\n\s*")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight(?:-source)?|brush)[-:]\s*([\w+#]{1,20})"
)
_ORDINAL = re.compile(r".[^\W\d]{2,}|[\dIVXLCN][eoa]")  # superscripts that aren't powers: 1st, XXe
Spot = tuple[HtmlElement, Literal["text", "tail"]]
"""A position in the tree: an element, and the attribute that has the text."""


class Links:
    """Renders links as their text text_in_links; subclasses add addresses."""

    def address(self, href: str) -> str:
        """The address of a link from its `href`; empty for a link that is rendered as text."""
        return ""

    def render(self, text: str, address: str) -> str:
        """The rendering of a link with this text and address, without spaces at its ends."""
        return text


def text_in_links(alt: str, in_link: bool) -> str:
    """The alternative text of an image in a link or table cell; empty for other images."""
    return alt if in_link else ""


@dataclass(frozen=True)
class Segment:
    """A run of text: a paragraph, heading or list item, a code block, or a row of a table.

    Attributes:
        kind: the kind of the run.
        text: its Markdown, or the unchanged lines of code; empty for a row.
        place: its context in the page.
        spot: the position of its first text in the tree.
        cells: the Markdown of each cell of a row.
        language: the programming language of code, or empty.
        group: a number that all rows of a table, or all items of a list, share; 0 for others.
        head: whether it is the first row of a table.
        item: whether it begins an item of a list.
    """

    kind: Kind
    text: str
    place: Place
    spot: Spot
    cells: tuple[str, ...] = ()
    language: str = ""
    group: int = 0
    head: bool = False
    item: bool = False


class Segments:
    """Converts a page's body; `found` has its segments in order.

    Arguments:
        body: the `body` element, see `tree.clean`. Line breaks in code are changed in place.
        plain: a table for `str.translate`, which is applied to all text.
        links: renders links.
        picture: renders an image, given its alternative text and whether it is in a link or cell.
    """

    def __init__(
        self,
        body: HtmlElement,
        plain: Mapping[int, str | None],
        links: Links | None = None,
        picture: Callable[[str, bool], str] = text_in_links,
    ) -> None:
        self.found: list[Segment] = []
        self._plain = dict(plain)
        self._links = links or Links()
        self._picture = picture
        self._pieces: list[str] = []
        self._spot: Spot | None = None
        self._in_line = 0  # depth of cells and links, where blocks begin no new segment
        self._card = ""  # address of a link around blocks, for the first line of the next segment
        self._groups = 0
        length = len(body.text_content())
        forms = body.iter("form")
        self._form_is_page = any(2 * len(form.text_content()) > length for form in forms)
        place = Place()
        self._children(body, place)
        self._flush(place)

    def _children(self, element: HtmlElement, place: Place) -> None:
        self._add_text(element.text, element, "text")
        number = _number(element, "start", 1)
        for child in element:
            if child.tag == "li" and not self._in_line:
                self._flush(place)
                number = _number(child, "value", number)
                self._item(child, place, f"{number}. " if element.tag == "ol" else "- ")
                number += 1
            else:
                self._visit(child, place)
            self._add_text(child.tail, child, "tail")

    def _visit(self, element: HtmlElement, place: Place) -> None:
        tag = element.tag
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "img":
            self._image(element)
        elif tag == "math":
            self._put(element, formula(element).translate(self._plain))
        elif tag in ("input", "select", "textarea"):
            self._put(element, f" {filled_in(element).translate(self._plain)} ")
        elif tag == "a" and element.get("href"):
            self._link(element, place)
        elif tag in _AROUND and not self._holds_blocks(element):
            self._around(element, place)
        elif self._in_line or tag not in (*_BLOCKS, "pre"):
            if tag in _BLOCKS:
                self._pieces.append(" ")
            self._children(element, place)
            if tag in _BLOCKS:
                self._pieces.append(" ")
        else:
            self._block(element, place)

    def _block(self, element: HtmlElement, place: Place) -> None:
        self._flush(place)
        inner = place.inside(element, self._form_is_page)
        if element.tag == "pre":
            self._code(element, inner)
        elif element.tag == "table" and (rows := data_rows(element)):
            for caption in element.iterchildren("caption"):
                self._block(caption, inner)
            self._table(rows, inner)
        else:
            if element.tag in ("ul", "ol") and not inner.group:
                inner = replace(inner, group=self._next_group())
            self._children(element, inner)
            self._flush(inner)

    def _next_group(self) -> int:
        self._groups += 1
        return self._groups

    def _item(self, element: HtmlElement, place: Place, bullet: str) -> None:
        deeper = len(place.indent) < 2 * MAX_INDENTS
        indent = f"{place.indent}{' ' * len(bullet)}" if deeper else place.indent
        inner = replace(place.inside(element, True), indent=indent, bullet=[bullet])
        self._children(element, inner)
        self._flush(inner)

    def _put(self, element: HtmlElement, text: str) -> None:
        """Add the text for an element that has none of its own, such as an image."""
        self._pieces.append(text)
        if text.strip():
            self._spot = self._spot or (element, "tail")

    def _add_text(
        self, text: str | None, element: HtmlElement, where: Literal["text", "tail"]
    ) -> None:
        if not text:
            return
        piece = _SPACE.sub(" ", text.translate(self._plain))
        if self._spot is None and not piece.isspace():
            self._spot = (element, where)
        self._pieces.append(piece)

    def _taken(self, start: int) -> str:
        """Remove the pieces from index `start` on, and return their text on one line."""
        text = "".join(self._pieces[start:])
        del self._pieces[start:]
        return " ".join(text.split())

    def _link(self, element: HtmlElement, place: Place) -> None:
        url = self._links.address(element.get("href", ""))
        if self._holds_blocks(element):
            self._flush(place)
            self._card = url
            self._children(element, place)
            self._flush(place)
            self._card = ""
            return
        start = len(self._pieces)
        self._in_line += 1
        self._children(element, place)
        self._in_line -= 1
        whole = "".join(self._pieces[start:])
        text = self._taken(start)
        if text in ("¶", "#", "§", ""):  # a heading's permalink, an icon
            label = element.get("aria-label") or element.get("title") or ""
            text = " ".join(label.translate(self._plain).split()) if url and not text else ""
        if not text:
            return
        before, after = whole[:1].isspace(), whole[-1:].isspace()
        token = self._links.render(text, url) if url else text
        self._pieces.append(f"{' ' * before}{token}{' ' * after}")
        if self._spot is None:
            self._spot = (element, "text")

    def _holds_blocks(self, element: HtmlElement) -> bool:
        return not self._in_line and any(one.tag in _BLOCKS for one in element.iterdescendants())

    def _image(self, element: HtmlElement) -> None:
        alt = " ".join((element.get("alt") or "").translate(self._plain).split())
        if alt.startswith(DISPLAY_STYLE):  # a formula on Wikipedia
            self._put(element, in_dollars(alt))
        elif text := self._picture(alt, bool(self._in_line)):
            self._put(element, text)

    def _around(self, element: HtmlElement, place: Place) -> None:
        """Add an element whose rendering has a meaning, such as a superscript or deleted text."""
        before = "".join(self._pieces[-1:])
        start = len(self._pieces)
        self._children(element, place)
        whole = "".join(self._pieces[start:])
        text = whole.strip()
        if not text:
            return
        del self._pieces[start:]
        shown = _shown(element.tag, text, before)
        gaps = whole[:1].isspace(), whole[-1:].isspace()
        self._pieces.append(f"{' ' * gaps[0]}{shown}{' ' * gaps[1]}")

    def _code(self, element: HtmlElement, place: Place) -> None:
        for line_break in element.iter("br"):
            line_break.text = "\n"
        lines = element.text_content().translate(self._plain).expandtabs(4).splitlines()
        code = "\n".join(line.rstrip() for line in lines).strip("\n")
        if code.strip():
            parts = (element, *element.iterchildren("code"))
            found = _LANGUAGE.search(" ".join(one.get("class", "") for one in parts))
            language = found.group(1) if found else ""
            spot = _first_text(element)
            self.found.append(Segment("code", code, place, spot, language=language))
        self._spot = None

    def _table(self, rows: list[Row], place: Place) -> None:
        width = max(len(row) for row in rows)
        group = self._next_group()
        texts: dict[HtmlElement, str] = {}
        for row in rows:
            cells = []
            for cell, again in row:
                if cell is not None and not again:
                    texts[cell] = self._cell(cell, place)
                text = texts[cell] if cell is not None else ""
                cells.append(repeated(text) if again else text)
            spot, self._spot = self._spot, None
            if spot is not None:
                cells += [""] * (width - len(cells))
                head = row is rows[0]
                self.found.append(Segment("row", "", place, spot, tuple(cells), "", group, head))

    def _cell(self, cell: HtmlElement, place: Place) -> str:
        start = len(self._pieces)
        self._in_line += 1
        self._children(cell, place)
        self._in_line -= 1
        return self._taken(start)

    def _flush(self, place: Place) -> None:
        lines = [" ".join(line.split()) for line in "".join(self._pieces).split("\n")]
        lines = [line for line in lines if line]
        self._pieces.clear()
        spot, self._spot = self._spot, None
        if not lines or spot is None:
            return
        if place.heading:
            text = f"{'#' * place.heading} {' '.join(lines)}"
            self.found.append(Segment("heading", text, place, spot))
            return
        if self._card:
            lines[0] = self._links.render(lines[0], self._card)
            self._card = ""
        indent = place.indent
        item = bool(place.bullet)
        first = indent
        if item:
            bullet = place.bullet.pop()
            first = f"{indent[: -len(bullet)]}{bullet}"
        starts = [first] + [indent] * (len(lines) - 1)
        text = "\n".join(
            f"{place.quote}{start}{line}" for start, line in zip(starts, lines, strict=True)
        )
        kind: Kind = "label" if place.label else "text"
        self.found.append(Segment(kind, text, place, spot, group=place.group, item=item))


def _shown(tag: str, text: str, before: str) -> str:
    """The Markdown of an element of `_AROUND`; `before` is the text in front of it."""
    match tag:
        case "sub":
            return lowered(text)
        case "sup":
            power = raised(text)
            if power != text or not text.isalnum() or len(text) > 3 or not before.strip():
                return power
            return text if _ORDINAL.fullmatch(before[-1] + text) else f"^{text}"
        case "q":
            return f"“{text}”"
        case "rt":
            return f"({text})"
        case _:
            return f"~~{text}~~"


def _number(element: HtmlElement, attribute: str, default: int) -> int:
    value = element.get(attribute, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else default


def _first_text(element: HtmlElement) -> tuple[HtmlElement, Literal["text", "tail"]]:
    for one in element.iter():
        if one.text and not one.text.isspace():
            return one, "text"
    return element, "text"
