"""Pages cut into passages: a few paragraphs each, with the headings that they stand under.

The passages of a page, one after another, are its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.core.document_qa.retrieval.numbered_pages import NumberedPage, harmless
from tools.citations import WIDE

LEAST, TARGET, LONGEST = 200, 700, 1400
"""Characters of a passage: below the least the next heading begins no new one, at the target it
ends with its paragraph, at the longest with its line. In Chinese and the like half as many."""

Outline = tuple[tuple[int, str], ...]
"""Headings, each under the one before: level and words."""

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
    """A stretch of a page. `headings` are those it stands under and does not hold itself, `lead`
    is the first row of the table that it goes on with."""

    sheet: NumberedPage
    start: int
    end: int
    headings: tuple[str, ...] = ()
    lead: str = ""

    @property
    def text(self) -> str:
        return self.sheet.text[self.start : self.end]


@dataclass(frozen=True)
class Heading:
    """A heading, and the page it stands on."""

    level: int
    text: str
    sheet: NumberedPage


def chunk_pages(sheets: Sequence[NumberedPage]) -> tuple[tuple[Chunk, ...], tuple[Heading, ...]]:
    """The passages and the headings of all pages; headings hold to the end of their document."""
    passages: list[Chunk] = []
    headings: list[Heading] = []
    under: Outline = ()
    first = None
    for sheet in sheets:
        if sheet.first != first:
            first, under = sheet.first, ()
        page = _Page(sheet, under)
        passages += page.passages()
        headings += page.headings
        under = page.under
    return tuple(passages), tuple(headings)


def render_chunks(passages: Iterable[Chunk]) -> str:
    """Passages in their order as a model reads them: page by page, with a mark where text is
    left out between two of them."""
    lines: list[str] = []
    before: Chunk | None = None
    for each in passages:
        goes_on = before is not None and before.sheet is each.sheet and before.end == each.start
        if before is None or before.sheet is not each.sheet:
            lines += ["", each.sheet.head] if lines else [each.sheet.head]
        elif not goes_on:
            lines.append("[…]")
        if not goes_on:
            lines += [f"({harmless(' > '.join(each.headings))})"] if each.headings else []
            lines += [harmless(each.lead)] if each.lead else []
        lines.append(harmless(each.text).strip("\n"))
        before = each
    return "\n".join(lines)


class _Page:
    """One page while it is cut."""

    def __init__(self, sheet: NumberedPage, under: Outline) -> None:
        self.under = under
        self.headings: list[Heading] = []
        self._sheet = sheet
        text = sheet.text
        wide = sum(map(len, _WIDE.findall(text))) > len(text) / 4
        self._least, self._target, self._longest = (
            size // 2 if wide else size for size in (LEAST, TARGET, LONGEST)
        )

    def passages(self) -> Iterator[Chunk]:
        lines = self._sheet.text.splitlines(keepends=True)
        begin = at = 0
        above, lead = self._names(), ""
        blank = empty = True  # whether a paragraph may begin here; whether the passage is blank
        row = ""  # the first row of the table that this line is in
        fenced = False
        for number, line in enumerate(lines):
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            after = lines[number + 1] if number + 1 < len(lines) else ""
            heading = None if fenced else _heading(line, after, blank)
            held = at - begin
            if not empty and (
                (heading and held >= self._least)
                or (blank and held >= self._target)
                or held + len(line) > self._longest
            ):
                yield Chunk(self._sheet, begin, at, above, lead)
                begin, above, lead, empty = at, self._names(), row, True
            elif empty and held + len(line) > self._longest:
                begin = at  # without the empty lines
            if heading:
                self._take(*heading)
                above = self._names(heading[0]) if empty else above
            at += len(line)
            empty = empty and not line.strip()
            for end in _breaks(line, self._longest):
                yield Chunk(self._sheet, begin, at - len(line) + end, above, lead)
                begin, above = at - len(line) + end, self._names()
                empty = not line[end:].strip()
            table = line.lstrip().startswith("|")
            row = (row or line.strip()[: self._target]) if table else ""
            blank = not line.strip() or (not table and _SENTENCE.search(line) is not None)
        if self._sheet.text[begin:].strip():
            yield Chunk(self._sheet, begin, at, above, lead)

    def _take(self, level: int, text: str) -> None:
        self.under = (*(each for each in self.under if each[0] < level), (level, text))
        self.headings.append(Heading(level, text, self._sheet))

    def _names(self, level: int = 99) -> tuple[str, ...]:
        """The headings above what has that level."""
        return tuple(text for above, text in self.under if above < level)


def _heading(line: str, after: str, alone: bool) -> tuple[int, str] | None:
    """The level and the words of a line that is a heading."""
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


def _breaks(line: str, longest: int) -> Iterator[int]:
    """Where a line that is too long is broken: after a sentence, at a blank, or anywhere."""
    begin = 0
    while len(line) - begin > longest:
        middle, last = begin + longest // 2, begin + longest
        sentence = max(line.rfind(mark, middle, last) for mark in (". ", "。", "! ", "? "))
        begin = (sentence if sentence >= 0 else line.rfind(" ", middle, last)) + 1 or last
        yield begin
