"""Pages cut into chunks: a few paragraphs each, with the headings above them.

The chunks of a page, one after another, are its text without blank lines at the cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.core.document_qa.retrieval.numbered_pages import NumberedPage, harmless
from tools.citations import WIDE

MIN_CHUNK_CHARS, TARGET_CHUNK_CHARS, MAX_CHUNK_CHARS = 200, 700, 1400
"""Characters of a chunk. A heading begins a new chunk once this one has the minimum; a chunk ends
with its paragraph from the target on, and with its line at the maximum. Half as many in Chinese,
Japanese and Korean."""

Outline = tuple[tuple[int, str], ...]
"""Nested headings, the outermost first: level and text."""

_MAX_HEADING_CHARS = 120
_MARKED = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_UNDERLINE = re.compile(r"([=~-])\1{2,}[ \t]*$")
# Headings of texts without marks: they stand alone on a short line, and no list of contents.
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3})\.?[ \t]+[^\W\d_]")
_NAMED = re.compile(
    r"(?:chapter|part|appendix|annex|section|article|kapitel|chapitre|cap[ií]tulo|глава)"
    r"[ \t]+(?:\d+|[IVXLC]+|[A-Z])\b(?!,)",
    re.I,
)
_CHINESE = re.compile(r"第[一二三四五六七八九十百零〇\d]{1,5}([篇部编卷章节節条條])(?=[\s:：]|$)")
_LEADERS = re.compile(r"\.{4,}|(?:[.·…] ?){4,}|\s\d+\s*$")
_SENTENCE = re.compile(r"[.!?:;][\"')\]]?\s*$|[。！？：；]\s*$")
_WIDE = re.compile(f"[{WIDE}]+")


@dataclass(frozen=True)
class Chunk:
    """A stretch of a page, from offset `start` to `end` of its text. `headings` are those above it
    that it does not contain; `lead` is the first row of the table whose rows it continues."""

    page: NumberedPage
    start: int
    end: int
    headings: tuple[str, ...] = ()
    lead: str = ""

    @property
    def text(self) -> str:
        return self.page.text[self.start : self.end]


@dataclass(frozen=True)
class Heading:
    """A heading, and the page it stands on."""

    level: int
    text: str
    page: NumberedPage


def chunk_pages(pages: Sequence[NumberedPage]) -> tuple[tuple[Chunk, ...], tuple[Heading, ...]]:
    """The chunks and the headings of all pages; a heading applies to the end of its document."""
    chunks: list[Chunk] = []
    headings: list[Heading] = []
    under: Outline = ()
    first = None
    for page in pages:
        if page.first != first:
            first, under = page.first, ()
        cutter = _PageCutter(page, under)
        chunks += cutter.chunks()
        headings += cutter.headings
        under = cutter.under
    return tuple(chunks), tuple(headings)


def render_chunks(chunks: Iterable[Chunk]) -> str:
    """Chunks in their order as a model reads them: page by page, with `[…]` where text is left
    out between two chunks of a page."""
    lines: list[str] = []
    before: Chunk | None = None
    for each in chunks:
        goes_on = before is not None and before.page is each.page and before.end == each.start
        if before is None or before.page is not each.page:
            lines += ["", each.page.head] if lines else [each.page.head]
        elif not goes_on:
            lines.append("[…]")
        if not goes_on:
            lines += [f"({harmless(' > '.join(each.headings))})"] if each.headings else []
            lines += [harmless(each.lead)] if each.lead else []
        lines.append(harmless(each.text).strip("\n"))
        before = each
    return "\n".join(lines)


class _PageCutter:
    """Cuts one page; `under` are the headings that apply where the page begins, then where it
    ends."""

    def __init__(self, page: NumberedPage, under: Outline) -> None:
        self.under = under
        self.headings: list[Heading] = []
        self._page = page
        text = page.text
        wide = sum(map(len, _WIDE.findall(text))) > len(text) / 4
        self._min_chars, self._target_chars, self._max_chars = (
            size // 2 if wide else size
            for size in (MIN_CHUNK_CHARS, TARGET_CHUNK_CHARS, MAX_CHUNK_CHARS)
        )

    def chunks(self) -> Iterator[Chunk]:
        lines = self._page.text.splitlines(keepends=True)
        start = offset = 0
        above, lead = self._names(), ""
        blank = empty = True  # whether a paragraph may begin here; whether the chunk is blank
        row = ""  # the first row of the table that this line is in
        fenced = False
        for number, line in enumerate(lines):
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            after = lines[number + 1] if number + 1 < len(lines) else ""
            heading = None if fenced else _heading(line, after, blank)
            length = offset - start
            if not empty and (
                (heading and length >= self._min_chars)
                or (blank and length >= self._target_chars)
                or length + len(line) > self._max_chars
            ):
                yield Chunk(self._page, start, offset, above, lead)
                start, above, lead, empty = offset, self._names(), row, True
            elif empty and length + len(line) > self._max_chars:
                start = offset  # without the empty lines
            if heading:
                self._take(*heading)
                above = self._names(heading[0]) if empty else above
            offset += len(line)
            empty = empty and not line.strip()
            for end in _breaks(line, self._max_chars):
                yield Chunk(self._page, start, offset - len(line) + end, above, lead)
                start, above = offset - len(line) + end, self._names()
                empty = not line[end:].strip()
            table = line.lstrip().startswith("|")
            row = (row or line.strip()[: self._target_chars]) if table else ""
            blank = not line.strip() or (not table and _SENTENCE.search(line) is not None)
        if self._page.text[start:].strip():
            yield Chunk(self._page, start, offset, above, lead)

    def _take(self, level: int, text: str) -> None:
        self.under = (*(each for each in self.under if each[0] < level), (level, text))
        self.headings.append(Heading(level, text, self._page))

    def _names(self, level: int = 99) -> tuple[str, ...]:
        """The headings that apply to a heading of that level."""
        return tuple(text for above, text in self.under if above < level)


def _heading(line: str, after: str, alone: bool) -> tuple[int, str] | None:
    """The level and the text of a line that is a heading, else None. `after` is the next line;
    `alone` says that a paragraph may begin with this one."""
    if len(line) > _MAX_HEADING_CHARS:
        return None
    if marked := _MARKED.match(line):
        return (len(marked[1]), marked[2]) if marked[2] else None
    text = line.strip()
    if not text or not alone:
        return None
    under = _UNDERLINE.match(after)
    if under and abs(len(after.strip()) - len(text)) <= 2 and "|" not in text:
        return "=-~".index(under[1]) + 1, text
    if _SENTENCE.search(text) or _LEADERS.search(text):
        return None
    if numbered := _NUMBERED.match(text):
        return numbered[1].count(".") + 1, text
    if chinese := _CHINESE.match(text):
        return (1 if chinese[1] in "篇部编卷" else 2 if chinese[1] == "章" else 3), text
    return (1, text) if _NAMED.match(text) else None


def _breaks(line: str, max_chars: int) -> Iterator[int]:
    """Offsets at which a line over `max_chars` is broken: after a sentence, at a blank, or
    anywhere."""
    start = 0
    while len(line) - start > max_chars:
        middle, last = start + max_chars // 2, start + max_chars
        sentence = max(line.rfind(mark, middle, last) for mark in (". ", "。", "! ", "? "))
        start = (sentence if sentence >= 0 else line.rfind(" ", middle, last)) + 1 or last
        yield start
