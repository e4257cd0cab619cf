"""A page's tree -> its runs of text as Markdown, each with the place that it has in the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from lxml.html import HtmlElement

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link
from tools.browser.html.element_context import Place, absolute, data_rows

LINKS = 2000  # of one page that get a number; the rest is plain text
INDENTS = 6  # levels of lists that are indented

Kind = Literal["text", "heading", "code", "row"]

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "  # noqa: SIM905
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr legend li main "
    "menu nav ol p search section summary table tbody td tfoot th thead tr ul".split()
)
_SPACE = re.compile(r"[^\S\n]+|\s*\n\s*")
_TOKEN = re.compile(f"{LINK_OPENS}(\\d+){LINK_CLOSES}")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight(?:-source)?|brush)[-:]\s*([\w+#]{1,20})"
)
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\u3040-\u9fff\uac00-\ud7af]+"
)


def count_words(text: str) -> int:
    """Words; two characters of Chinese, Japanese or Korean count as one."""
    return sum(1 for _ in _WORD.finditer(text))


@dataclass(frozen=True)
class Segment:
    """One run of text. `spot` is the element and the attribute that its first text stands in."""

    kind: Kind
    text: str
    words: int
    place: Place
    spot: tuple[HtmlElement, Literal["text", "tail"]]


class Segments:
    """Reads a page's body. `found` are its runs in order, `links` what their numbers mean."""

    def __init__(self, body: HtmlElement, base: str, clean_text: dict[int, str | None]) -> None:
        self.found: list[Segment] = []
        self.links: list[Link] = []
        self._base = base
        self._plain = clean_text
        self._numbers: dict[Link, int] = {}
        self._pieces: list[str] = []
        self._spot: tuple[HtmlElement, Literal["text", "tail"]] | None = None
        self._in_line = 0  # > 0 in a cell or a link, where blocks begin no new run
        self._card = ""  # address of a link around blocks that has not been set yet
        length = len(body.text_content())
        forms = body.iter("form")
        self._form_is_page = any(2 * len(form.text_content()) > length for form in forms)
        place = Place()
        self._children(body, place)
        self._flush(place)

    def _children(self, element: HtmlElement, place: Place) -> None:
        self._say(element.text, element, "text")
        number = _start(element) if element.tag == "ol" else 0
        for child in element:
            if child.tag == "li" and not self._in_line:
                self._flush(place)
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
            self._math(element)
        elif tag == "a" and element.get("href"):
            self._link(element, place)
        elif tag == "sup":
            self._sup(element, place)
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
                self._children(caption, inner)
                self._flush(inner)
            self._table(rows, inner)
        else:
            self._children(element, inner)
            self._flush(inner)

    def _item(self, element: HtmlElement, place: Place, bullet: str) -> None:
        indent = f"{place.indent}  " if len(place.indent) < 2 * INDENTS else place.indent
        inner = replace(place.inside(element, True), indent=indent, bullet=[bullet])
        self._children(element, inner)
        self._flush(inner)

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
        room = len(self.links) < LINKS
        url = absolute(self._base, element.get("href", "")) if room else ""
        if not self._in_line and any(child.tag in _BLOCKS for child in element.iterdescendants()):
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
        token = self._numbered(text, url) if url else text
        self._pieces.append(f"{' ' * before}{token}{' ' * after}")
        if self._spot is None:
            self._spot = (element, "text")

    def _numbered(self, text: str, url: str) -> str:
        if LINK_OPENS in text:  # a link in a link
            return text
        link = Link(text[:200], url)
        if link not in self._numbers:
            self._numbers[link] = len(self.links)
            self.links.append(link)
        return f"{LINK_OPENS}{self._numbers[link]}{LINK_CLOSES}"

    def _image(self, element: HtmlElement) -> None:
        alt = " ".join((element.get("alt") or "").translate(self._plain).split())
        if alt.startswith("{\\displaystyle"):  # a formula of Wikipedia
            self._pieces.append(f"${alt[14:-1].strip()}$")
        elif self._in_line and alt:
            self._pieces.append(alt)

    def _math(self, element: HtmlElement) -> None:
        tex = element.xpath('.//*[local-name()="annotation"][contains(@encoding, "tex")]')
        text = tex[0].text_content() if tex else element.get("alttext") or element.text_content()
        self._pieces.append(f" ${' '.join(text.translate(self._plain).split())}$ ")
        self._spot = self._spot or (element, "tail")

    def _sup(self, element: HtmlElement, place: Place) -> None:
        text = element.text_content().strip()
        if 0 < len(text) <= 3 and element.find(".//a") is None and text[-1:].isalnum():
            self._pieces.append("^")
        self._children(element, place)

    def _code(self, element: HtmlElement, place: Place) -> None:
        for line_break in element.iter("br"):
            line_break.text = "\n"
        lines = element.text_content().translate(self._plain).expandtabs(4).splitlines()
        code = "\n".join(line.rstrip() for line in lines).strip("\n")
        if code.strip():
            classes = " ".join(
                one.get("class", "") for one in (element, *element.iterchildren("code"))
            )
            language = _LANGUAGE.search(classes)
            fence = "````" if "```" in code else "```"
            text = f"{fence}{language.group(1) if language else ''}\n{code}\n{fence}"
            self.found.append(Segment("code", text, count_words(code), place, _first_text(element)))
        self._spot = None

    def _table(self, rows: list[list[HtmlElement]], place: Place) -> None:
        width = max(len(row) for row in rows)
        for index, row in enumerate(rows):
            self._in_line += 1
            cells = []
            for cell in row:
                start = len(self._pieces)
                self._children(cell, place)
                cells.append(self._taken(start).replace("|", "\\|"))
            self._in_line -= 1
            spot, self._spot = self._spot, None
            if spot is None:
                continue
            cells += [""] * (width - len(cells))
            text = f"| {' | '.join(cells)} |"
            if index == 0:
                text += "\n|" + "---|" * width
            self.found.append(Segment("row", text, self._count(text), place, spot))

    def _flush(self, place: Place) -> None:
        lines = [" ".join(line.split()) for line in "".join(self._pieces).split("\n")]
        lines = [line for line in lines if line]
        self._pieces.clear()
        spot, self._spot = self._spot, None
        if not lines or spot is None:
            return
        if place.heading:
            text = f"{'#' * place.heading} {' '.join(lines)}"
            self._add("heading", text, place, spot)
            return
        if self._card:
            lines[0] = self._numbered(lines[0], self._card)
            self._card = ""
        indent = place.indent
        first = f"{indent[:-2]}{place.bullet.pop()}" if place.bullet else indent
        starts = [first] + [indent] * (len(lines) - 1)
        text = "\n".join(
            f"{place.quote}{start}{line}" for start, line in zip(starts, lines, strict=True)
        )
        self._add("text", text, place, spot)

    def _add(
        self, kind: Kind, text: str, place: Place, spot: tuple[HtmlElement, Literal["text", "tail"]]
    ) -> None:
        self.found.append(Segment(kind, text, self._count(text), place, spot))

    def _count(self, text: str) -> int:
        return count_words(_TOKEN.sub(lambda match: self.links[int(match.group(1))].text, text))


def _start(element: HtmlElement) -> int:
    start = element.get("start", "")
    return int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 1


def _first_text(element: HtmlElement) -> tuple[HtmlElement, Literal["text", "tail"]]:
    for one in element.iter():
        if one.text and not one.text.isspace():
            return one, "text"
    return element, "text"
