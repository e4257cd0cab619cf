"""HTML as a person sees it: without scripts, styles, hidden parts and the addresses of links.

Emphasis has no marks in the text: a passage must be found again by its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from tools.documents.base import Options, Piece, Remark
from tools.documents.encoding.detect import decode_markup
from tools.documents.readers.layout.pagination import Block, pages, pieces
from tools.documents.readers.layout.symbols import lowered, raised, tidy
from tools.documents.readers.tables.markdown import repeated, table
from tools.documents.readers.text.plain import fenced

MOST = 10_000_000  # characters of markup that are read
MOST_RAW = 6 * MOST  # characters, with embedded pictures and scripts
WIDEST = 200  # columns that a cell may span
TALLEST = 1000  # rows that a cell may span

_UNSEEN = frozenset(
    {"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "canvas"}
    | {"audio", "video", "embed", "select", "rp"}
)
_CELLS = ("td", "th")
_PARTS = ("thead", "tbody", "tfoot", "tr", *_CELLS)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_EMBEDDED = re.compile(r"data:[\w/+.-]{1,80};base64,[A-Za-z0-9+/=%\s]{100,}")
_SCRIPTS = re.compile(r"<(script|style)\b(?:.*?</\1\s*>|.*)", re.I | re.S)
_PICTURE = "\ue000"
"""Stands in the converted text where a picture without words stands."""
_ONE_SPACE = re.compile(r"^ (?=\S)")
_FENCE = re.compile(r"^ {0,3}(`{3,})", re.M)

Parents = set[str]


def read(path: Path, options: Options) -> Iterator[Piece]:
    """See `base.Reader`."""
    with path.open("rb") as file:
        data = file.read(MOST_RAW + 1)
    yield from pages(blocks(decode_markup(data)), options)


def blocks(html: str) -> Iterator[Block | Remark]:
    """The paragraphs, lists and tables of a page; its title first, where it has no heading."""
    cut = len(html) > MOST_RAW
    html = html[:MOST_RAW].replace("\0", "").replace(_PICTURE, "")
    html = _SCRIPTS.sub(" ", _EMBEDDED.sub("data:,", html))
    if cut or len(html) > MOST:
        yield Remark("The page is very long; only its beginning was read.")
    soup = BeautifulSoup(html[:MOST], "lxml")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    _clean(soup)
    if title and soup.find("h1") is None:
        yield Block(f"# {' '.join(title.split())}")
    try:
        text = _Converter().convert_soup(soup)
    except RecursionError:
        text = soup.get_text("\n\n", strip=True)
    yield from _split(tidy(text))


def _split(text: str) -> Iterator[Block]:
    """Markdown by its empty lines, but for those inside of fences."""
    fence, part = "", ""
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", text):
        part = f"{part}\n\n{paragraph}" if fence else paragraph
        for found in _FENCE.finditer(paragraph):
            fence = "" if found[1] == fence else fence or found[1]
        if not fence:
            yield _block(part)
            part = ""
    if fence:
        yield _block(part)


def _block(text: str) -> Block:
    lines = text.replace(_PICTURE, "").strip("\n").split("\n")
    shown = "\n".join(_ONE_SPACE.sub("", line.rstrip()) for line in lines)
    return Block(shown, unread=("picture",) * text.count(_PICTURE))


def _clean(soup: BeautifulSoup) -> None:
    """Takes out what nobody sees, and makes tables that only place things into plain boxes."""
    waiting: list[tuple[Tag, Tag | None]] = [(soup, None)]  # each with the table that it is in
    grids: list[Tag] = []
    outer: set[int] = set()
    while waiting:
        parent, around = waiting.pop()
        for element in [one for one in parent.contents if isinstance(one, Tag)]:
            if element.name in _UNSEEN or _is_hidden(element):
                element.decompose()
            elif element.name != "table":
                waiting.append((element, around))
            else:
                waiting.append((element, element))
                grids.append(element)
                outer |= {id(around)}
    for grid in grids:
        if id(grid) in outer or _is_layout(grid):
            for element in [grid, *_own(grid)]:
                element.name = "div"


def _is_hidden(element: Tag) -> bool:
    style = element.get("style")
    return "hidden" in element.attrs or (style is not None and bool(_HIDDEN.search(str(style))))


def _is_layout(grid: Tag) -> bool:
    """Whether a table says that it only places things, or has one column; one that holds another
    does so too."""
    if grid.get("role") in ("presentation", "none"):
        return True
    return all(len(_cells(row)) < 2 for row in _rows(grid))


def _own(grid: Tag) -> Iterator[Tag]:
    """The sections, rows and cells of a table, but not of one within it."""
    for one in grid.children:
        if isinstance(one, Tag) and one.name in _PARTS:
            yield one
            if one.name not in _CELLS:
                yield from _own(one)


def _rows(grid: Tag) -> list[Tag]:
    return [one for one in _own(grid) if one.name == "tr"]


def _cells(row: Tag) -> list[Tag]:
    return [one for one in row.children if isinstance(one, Tag) and one.name in _CELLS]


class _Converter(MarkdownConverter):
    """`text` is what the element's children have been converted to."""

    def __init__(self) -> None:
        super().__init__(
            heading_style=ATX,
            bullets="-",
            escape_asterisks=False,
            escape_underscores=False,
            escape_misc=False,
        )
        self._texts: dict[int, str] = {}  # of the cells of tables
        self._numbers: dict[int, int] = {}  # of the items of lists

    def convert_a(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return text

    convert_b = convert_strong = convert_em = convert_i = convert_u = convert_a

    def convert_br(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return f" {text}" if "_inline" in parent_tags else f"\n{text}"

    def convert_img(self, el: Tag, text: str, parent_tags: Parents) -> str:
        said = " ".join(str(el.get("alt", "")).split())
        return f"[Picture: {said}]" if said else _PICTURE

    def convert_sup(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return raised(text)

    def convert_sub(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return lowered(text)

    def convert_rt(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return f"({text})" if text.strip() else ""

    def convert_math(self, el: Tag, text: str, parent_tags: Parents) -> str:
        tex = el.find("annotation", attrs={"encoding": "application/x-tex"})
        return f"${tex.get_text(strip=True)}$" if isinstance(tex, Tag) else " ".join(text.split())

    def convert_pre(self, el: Tag, text: str, parent_tags: Parents) -> str:
        code = text.strip("\n")
        return "\n\n" + "\n\n".join(map(fenced, pieces(code))) + "\n\n" if code.strip() else ""

    def convert_li(self, el: Tag, text: str, parent_tags: Parents) -> str:
        text = text.strip()
        if not text:
            return "\n"
        parent = el.parent
        mark = "-"
        if parent is not None and parent.name == "ol":
            start = str(parent.get("start", "1"))
            before = self._numbers.get(id(parent), int(start) - 1 if start.isdecimal() else 0)
            own = str(el.get("value", ""))
            self._numbers[id(parent)] = int(own[:9]) if own.isdecimal() else before + 1
            mark = f"{self._numbers[id(parent)]}."
        indented = text.replace("\n", "\n" + " " * (len(mark) + 1))
        return f"{mark} {indented}\n"

    def convert_td(self, el: Tag, text: str, parent_tags: Parents) -> str:
        self._texts[id(el)] = " ".join(text.split())
        return ""

    convert_th = convert_td

    def convert_tr(self, el: Tag, text: str, parent_tags: Parents) -> str:
        return ""

    convert_thead = convert_tbody = convert_tfoot = convert_tr

    def convert_table(self, el: Tag, text: str, parent_tags: Parents) -> str:
        caption = text.strip()
        found = [block.text for block in table(self._texts_of(el))]
        return "\n\n" + "\n\n".join([caption, *found] if caption else found) + "\n\n"

    def _texts_of(self, grid: Tag) -> list[list[str]]:
        rows = []
        spanning: dict[int, tuple[int, str]] = {}  # by column: how many rows more, and what
        for row in _rows(grid):
            filled: list[str] = []
            for cell in [*_cells(row), None]:
                while len(filled) in spanning:
                    more, text = spanning.pop(len(filled))
                    if more > 1:
                        spanning[len(filled)] = more - 1, text
                    filled.append(text)
                if cell is None:
                    break
                text, at = self._texts.get(id(cell), ""), len(filled)
                width, height = _span(cell, "colspan", WIDEST), _span(cell, "rowspan", TALLEST)
                filled += [text] + [""] * (width - 1)
                if height > 1:
                    for column in range(at, at + width):
                        spanning[column] = height - 1, repeated(text) if column == at else ""
            rows.append(filled)
        return rows


def _span(cell: Tag, attribute: str, most: int) -> int:
    said = str(cell.get(attribute, "1"))
    return min(max(int(said[:6]), 1), most) if said.isdecimal() else 1
