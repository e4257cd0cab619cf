"""HTML -> a title and lines of Markdown: the main text, without navigation and banners."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import unicodedata
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from lxml.html import HtmlElement

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link
from tools.browser.html.links import NumberedLinks
from tools.browser.html.page_signals import PageSignal, signs_of
from tools.documents.readers.html.segments import Segment, Segments
from tools.documents.readers.html.tree import clean, parse, title_of
from tools.documents.readers.layout.fences import fenced

log = logging.getLogger(__name__)

LINE = 600  # characters of a line, so that a window of lines is a window of tokens
MAX_LINES = 20_000  # of one page
LAID_OUT = 3_000_000  # characters from which on JSON is laid out no further
JUDGED = 8_000  # runs of text from which on a page is too large to be judged
MAIN_SHARE = 0.3
PAGE_SHARE = 0.1
"""The guard: what is shown when too little was kept, of `<main>` and of a page without one.
The first is the highest one by which an article among teasers and comments in `<main>` stays alone
(half to a third of its words are the article's) and lists, forums, FAQs and shops stay whole; the
second was found best on 200 real pages."""

# A page can forge neither a citation nor a link: the brackets of both are none in its text.
# Out come as well what is never seen: zero-width characters, direction overrides, and the tags
# block (U+E0000), in which whole sentences hide.
_FORGED = {ord("【"): "〔", ord("】"): "〕", ord(LINK_OPENS): None, ord(LINK_CLOSES): None}
_UNSEEN = (0xAD, 0x200B, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(9), 0x0B, *range(0x0E, 0x20), 0x7F)
PLAIN: dict[int, str | None] = {
    **_FORGED,
    **dict.fromkeys((*_UNSEEN, *_CONTROLS, *range(0xE0000, 0xE0080))),
}
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；])")
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\u3040-\u9fff\uac00-\ud7af]+"
)
_NAMES = ("heading", "label")  # of what follows
# One character a run of text: CJK Extension B, which no library takes for a control.
_MARKS = range(0x20000, 0x20000 + JUDGED)


@dataclass(frozen=True)
class Text:
    """A page's text: lines and links as in `Page`, how many words it has, and what its HTML says
    about itself."""

    title: str
    lines: tuple[str, ...]
    links: tuple[Link, ...]
    words: int
    signs: tuple[PageSignal, ...] = ()


def count_words(text: str) -> int:
    """Words; two characters of Chinese, Japanese or Korean count as one."""
    return sum(1 for _ in _WORD.finditer(text))


def html_text(html: str, url: str) -> Text:
    """The main text of a page that was read at `url`."""
    tree = parse(html)
    if tree is None:
        return Text("", (), (), 0)
    signs = signs_of(tree, html)
    base = tree.xpath("string(//base/@href)")
    title = " ".join(title_of(tree).translate(PLAIN).split())[:300]
    clean(tree, web=True)
    body = tree.find("body")
    if body is None:
        return Text(title, (), (), 0, signs)
    links = NumberedLinks(_joined(url, base))
    try:
        found = Segments(body, PLAIN, links).found
    except RecursionError:
        return replace(plain_text(body.text_content().splitlines(), title), signs=signs)
    counted = [_Counted(one, count_words(links.spoken(_text(one)))) for one in found]
    shown = _shown(tree, counted)
    lines = [line for one in shown for line in _lines(one.segment)][:MAX_LINES]
    lines, kept = links.renumbered(lines)
    return Text(title, tuple(lines), tuple(kept), sum(one.words for one in shown), signs)


def plain_text(lines: list[str], title: str = "") -> Text:
    """A text without any markup."""
    plain = [line.translate(PLAIN).expandtabs(4).rstrip() for line in lines]
    shown = [part for line in plain if line.strip() for part in _wrapped(line)][:MAX_LINES]
    return Text(title.translate(PLAIN), tuple(shown), (), sum(count_words(one) for one in shown))


def json_lines(text: str) -> list[str]:
    """JSON laid out, as far as it goes; what is none, as it is."""
    pieces: list[str] = []
    with contextlib.suppress(ValueError, RecursionError):
        size = 0
        # Piece by piece: deep brackets on lines of their own are a thousand times as long.
        for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(json.loads(text)):
            pieces.append(piece)
            size += len(piece)
            if size > LAID_OUT:
                break
        return "".join(pieces).splitlines()
    return text.splitlines()


def _joined(url: str, base: str) -> str:
    try:
        return urljoin(url, base.strip())
    except ValueError:
        return url


@dataclass(frozen=True)
class _Counted:
    """A run of a page and how many words it has."""

    segment: Segment
    words: int

    @property
    def side(self) -> bool:
        return self.segment.place.side


def _shown(tree: HtmlElement, found: list[_Counted]) -> list[_Counted]:
    """What of a page is its main text: what trafilatura keeps, unless that is too little."""
    main = [one for one in found if one.segment.place.main]
    main = main or [one for one in found if one.segment.place.article]
    kept = _kept(tree, found) if len(found) <= JUDGED else []
    kept = [one for one in kept if not one.side] or kept
    words = sum(one.words for one in kept)
    if main:
        if words < MAIN_SHARE * sum(one.words for one in main):
            return [one for one in main if not one.side] or main
    elif words < PAGE_SHARE * sum(one.words for one in found):
        return [one for one in found if not one.side] or found
    return kept


def _kept(tree: HtmlElement, found: list[_Counted]) -> list[_Counted]:
    """The runs that trafilatura keeps. Each is marked with a character of its own, and those
    whose mark comes out are kept: it chooses, but words and layout stay the page's."""
    import trafilatura  # takes a while to import

    taken = re.compile(f"[{chr(_MARKS.start)}-{chr(_MARKS.stop)}]")
    for mark, one in zip(_MARKS, found, strict=False):
        element, where = one.segment.spot
        text = taken.sub("", getattr(element, where) or "")
        setattr(element, where, f"{chr(mark)} {text}")
    try:
        kept = trafilatura.extract(
            tree, favor_recall=True, include_comments=True, include_tables=True, output_format="txt"
        )
    except Exception:  # whatever a page does to it, the guard has an answer
        log.warning("trafilatura could not read a page", exc_info=True)
        kept = None
    seen = {ord(mark) - _MARKS.start for mark in taken.findall(kept or "")}
    segments = [one.segment for one in found]
    return [one for index, one in enumerate(found) if _belongs(index, segments, seen)]


def _belongs(index: int, found: list[Segment], seen: set[int]) -> bool:
    """Kept, or the heading or label of what is kept, or code and rows that follow on it."""
    if index in seen:
        return True
    kind = found[index].kind
    if kind in _NAMES and not found[index].place.side:
        after = index + 1
        while after < len(found) and found[after].kind in _NAMES:
            after += 1
        return after in seen and after - index <= 2
    return kind in ("code", "row") and index - 1 in seen and not found[index].place.side


def _text(segment: Segment) -> str:
    return " | ".join(segment.cells) if segment.kind == "row" else segment.text


def _lines(segment: Segment) -> list[str]:
    if segment.kind not in ("code", "row"):
        return [part for line in segment.text.split("\n") for part in _wrapped(line)]
    text = fenced(segment.text, segment.language) if segment.kind == "code" else _row(segment)
    return [part for line in text.split("\n") for part in _cut(line, 2 * LINE)]


def _row(segment: Segment) -> str:
    cells = " | ".join(cell.replace("|", "\\|") for cell in segment.cells)
    text = f"| {cells} |"
    return f"{text}\n|{'---|' * len(segment.cells)}" if segment.head else text


def _wrapped(line: str) -> list[str]:
    """`line` in parts of at most `LINE` characters, which end with a sentence where they can."""
    if len(line) <= LINE:
        return [line]
    parts = [""]
    for sentence in _SENTENCE.split(line):
        for piece in _cut(sentence, LINE):
            if parts[-1] and len(parts[-1]) + len(piece) >= LINE:
                parts.append(piece)
            else:
                gap = " " if parts[-1] and parts[-1][-1].isascii() else ""
                parts[-1] += gap + piece
    return parts


def _cut(line: str, most: int) -> list[str]:
    """`line` in parts of at most `most` characters, cut at a space where there is one."""
    parts, start = [], 0
    while len(line) - start > most:
        end = line.rfind(" ", start + most // 2, start + most)
        end = end if end > 0 else start + most
        # Not in the middle of a link, nor between a letter and its mark.
        while end > start + 1 and (
            line.rfind(LINK_OPENS, start, end) > line.rfind(LINK_CLOSES, start, end)
            or unicodedata.combining(line[end])
        ):
            end -= 1
        parts.append(line[start:end])
        start = end + (line[end] == " ")
    return [*parts, line[start:]]
