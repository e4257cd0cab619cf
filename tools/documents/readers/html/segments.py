"""A page's tree -> its runs of text as Markdown, each with the place that it has in the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lxml.html import HtmlElement

from tools.documents.readers.html.controls import filled_in
from tools.documents.readers.html.mathml import DISPLAYED, formula, in_dollars
from tools.documents.readers.html.place import Place
from tools.documents.readers.html.tables import Row, data_rows
from tools.documents.readers.layout.symbols import lowered, raised
from tools.documents.readers.tables.markdown import repeated

INDENTS = 6  # levels of lists that are indented

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
_ORDINAL = re.compile(r".[^\W\d]{2,}|[\dIVXLCN][eoa]")  # 1st, XXe, Mme, No: no powers
Spot = tuple[HtmlElement, Literal["text", "tail"]]


class Links:
    """What stands in the text for the links of a page: their own words."""

    def address(self, href: str) -> str:
        """Where a link leads; empty where nothing stands for it but its own words."""
        return ""

    def worded(self, text: str, address: str) -> str:
        """A link with this text, in one piece without spaces at its ends."""
        return text


def alone(alt: str, in_link: bool) -> str:
    """A picture is its words where it stands for a link, and nothing else."""
    return alt if in_link else ""


@dataclass(frozen=True)
class Segment:
    """One run of text: its Markdown, the lines of code as they stand, or the `cells` of a row.

    `spot` is the element and the attribute that its first text stands in. `group` is the same for
    the rows of a table and for the items of a list, 0 for what is in neither. `head` tells that
    it is the first row of a table, `item` that it begins an item of a list.
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
    """Reads a page's body. `found` are its runs in order. `plain` is what becomes of characters;
    `picture` says what stands for one, by its words and whether it is in a link or a cell."""

    def __init__(
        self,
        body: HtmlElement,
        plain: Mapping[int, str | None],
        links: Links | None = None,
        picture: Callable[[str, bool], str] = alone,
    ) -> None:
        self.found: list[Segment] = []
        self._plain = dict(plain)
        self._links = links or Links()
        self._picture = picture
        self._pieces: list[str] = []
        self._spot: Spot | None = None
        self._in_line = 0  # > 0 in a cell or a link, where blocks begin no new run
        self._card = ""  # address of a link around blocks that has not been set yet
        self._groups = 0
        length = len(body.text_content())
        forms = body.iter("form")
        self._form_is_page = any(2 * len(form.text_content()) > length for form in forms)
        place = Place()
        self._children(body, place)
        self._flush(place)

    def _children(self, element: HtmlElement, place: Place) -> None:
        self._say(element.text, element, "text")
        number = _number(element, "start", 1)
        for child in element:
            if child.tag == "li" and not self._in_line:
                self._flush(place)
                number = _number(child, "value", number)
                self._item(child, place, f"{number}. " if element.tag == "ol" else "- ")
                number += 1
            else:
                self._visit(child, place)
            self._say(child.tail, child, "tail")

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
        deeper = len(place.indent) < 2 * INDENTS
        indent = f"{place.indent}{' ' * len(bullet)}" if deeper else place.indent
        inner = replace(place.inside(element, True), indent=indent, bullet=[bullet])
        self._children(element, inner)
        self._flush(inner)

    def _put(self, element: HtmlElement, said: str) -> None:
        """Say what an element has no text of its own for."""
        self._pieces.append(said)
        if said.strip():
            self._spot = self._spot or (element, "tail")

    def _say(self, text: str | None, element: HtmlElement, where: Literal["text", "tail"]) -> None:
        if not text:
            return
        said = _SPACE.sub(" ", text.translate(self._plain))
        if self._spot is None and not said.isspace():
            self._spot = (element, where)
        self._pieces.append(said)

    def _taken(self, start: int) -> str:
        """What was said since there were `start` pieces, taken back."""
        said = "".join(self._pieces[start:])
        del self._pieces[start:]
        return " ".join(said.split())

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
        said = "".join(self._pieces[start:])
        text = self._taken(start)
        if text in ("¶", "#", "§", ""):  # the permanent link of a heading, a picture
            label = element.get("aria-label") or element.get("title") or ""
            text = " ".join(label.translate(self._plain).split()) if url and not text else ""
        if not text:
            return
        before, after = said[:1].isspace(), said[-1:].isspace()
        token = self._links.worded(text, url) if url else text
        self._pieces.append(f"{' ' * before}{token}{' ' * after}")
        if self._spot is None:
            self._spot = (element, "text")

    def _holds_blocks(self, element: HtmlElement) -> bool:
        return not self._in_line and any(one.tag in _BLOCKS for one in element.iterdescendants())

    def _image(self, element: HtmlElement) -> None:
        alt = " ".join((element.get("alt") or "").translate(self._plain).split())
        if alt.startswith(DISPLAYED):  # a formula of Wikipedia
            self._put(element, in_dollars(alt))
        elif said := self._picture(alt, bool(self._in_line)):
            self._put(element, said)

    def _around(self, element: HtmlElement, place: Place) -> None:
        """Say what is in an element whose look has a meaning: a power, what was struck out."""
        before = "".join(self._pieces[-1:])
        start = len(self._pieces)
        self._children(element, place)
        said = "".join(self._pieces[start:])
        text = said.strip()
        if not text:
            return
        del self._pieces[start:]
        shown = _shown(element.tag, text, before)
        gaps = said[:1].isspace(), said[-1:].isspace()
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
            lines[0] = self._links.worded(lines[0], self._card)
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
    """What the text of an element of `_AROUND` looks like."""
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


def _number(element: HtmlElement, attribute: str, otherwise: int) -> int:
    said = element.get(attribute, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else otherwise


def _first_text(element: HtmlElement) -> tuple[HtmlElement, Literal["text", "tail"]]:
    for one in element.iter():
        if one.text and not one.text.isspace():
            return one, "text"
    return element, "text"
