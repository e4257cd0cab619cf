"""Divides paragraphs into pages; for a format without pages, a page ends at a paragraph's end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from tools.documents.base import Options, Page, ReaderEvent, Remark

PAGE_CHARS = 3000  # of a page of a format without pages; about one printed page
PAGE_END = "\f"
"""Marks a page end in a block's text."""

PICTURE = "picture"
Scan = Callable[[], str]

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s|[。！？；]")


@dataclass(frozen=True)
class Block:
    """A paragraph, list item or table in Markdown.

    Attributes:
        text: its text.
        tight: whether it continues the list or lines of a tight block before it.
        notes: texts for the end of the page.
        unread: a noun ("picture") for each part without readable text.
        scans: functions that recognise the text of a picture each; called for pages without
            text of their own.
        own: whether the text counts as the page's own (headers and image descriptions don't).
    """

    text: str = ""
    tight: bool = False
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    scans: tuple[Scan, ...] = ()
    own: bool = True


def pages(
    blocks: Iterable[Block | Remark], options: Options, size: int | None = PAGE_CHARS
) -> Iterator[ReaderEvent]:
    """Divide `blocks` into pages of about `size` characters; None: at `PAGE_END` only."""
    return numbered(_filled(blocks, size), options)


def numbered(
    unnumbered: Iterable[Page | Scanned | Remark], options: Options
) -> Iterator[ReaderEvent]:
    """Number the pages, up to `options.max_pages`; a remark tells of further ones."""
    number = 0
    for piece in unnumbered:
        if isinstance(piece, Remark):
            yield piece
            continue
        if number == options.max_pages:
            yield Remark(f"Only the first {number:,} pages were read.")
            return
        number += 1
        if isinstance(piece, Scanned):
            piece = piece.recognised() if options.ocr else piece.page
        yield replace(piece, number=number)


def one_page(blocks: Iterable[Block]) -> Page | Scanned:
    """One page with all `blocks`, not yet numbered (see `numbered`)."""
    sheet = _Sheet()
    for block in blocks:
        sheet.add(replace(block, text=block.text.replace(PAGE_END, "")))
    return sheet.page()


def joined(blocks: Iterable[Block]) -> str:
    """The text of `blocks`, without their notes."""
    text, tight = "", False
    for block in blocks:
        if block.text:
            separator = "\n" if tight and block.tight else "\n\n"
            text += (separator if text else "") + block.text
            tight = block.tight
    return text


def pieces(text: str, size: int = PAGE_CHARS) -> Iterator[str]:
    """`text` in pieces of at most `size` characters, see `cut_off`."""
    while len(text) > size:
        piece, text = cut_off(text, size)
        yield piece
    if text.rstrip():
        yield text.rstrip()


def cut_off(text: str, size: int = PAGE_CHARS) -> tuple[str, str]:
    """A first piece of at most `size` characters of a longer text, and the rest."""
    end = _cut(text[:size])
    return text[:end].rstrip(), text[end:].lstrip("\n")


def counted(nouns: Iterable[str]) -> tuple[str, ...]:
    """`picture, picture, chart` as "2 pictures", "1 chart"."""
    return tuple(
        f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in Counter(nouns).items()
    )


@dataclass(frozen=True)
class Scanned:
    """A page without text of its own, and the functions that recognise text in its pictures."""

    page: Page
    scans: tuple[Scan, ...]
    unread: tuple[str, ...]

    def recognised(self) -> Page:
        """The page with the text of its pictures; unchanged if none is recognised."""
        found = [text for text in (scan() for scan in self.scans) if text]
        if not found:
            return self.page
        unread = [*self.unread]
        for _ in range(min(len(found), unread.count(PICTURE))):
            unread.remove(PICTURE)
        texts = [*found, *filter(None, [self.page.text])]
        return replace(self.page, text="\n\n".join(texts), unreadable=counted(unread), ocr=True)


@dataclass
class _Sheet:
    """The blocks of a page that is being filled, and the length of their text in characters."""

    blocks: list[Block] = field(default_factory=list)
    length: int = 0

    def add(self, block: Block) -> None:
        self.blocks.append(block)
        self.length += len(block.text) + sum(map(len, block.notes))

    def page(self) -> Page | Scanned:
        notes = [note for block in self.blocks for note in block.notes]
        parts = [joined(self.blocks), "\n\n".join(notes)]
        unread = tuple(noun for block in self.blocks for noun in block.unread)
        page = Page(0, "\n\n".join(part for part in parts if part), counted(unread))
        scans = tuple(scan for block in self.blocks for scan in block.scans)
        bare = not any(block.own and block.text.strip() for block in self.blocks)
        return Scanned(page, scans, unread) if bare and scans else page

    def parted(self) -> tuple[_Sheet, _Sheet]:
        """The sheet without the headings at its end, and these, which belong to the next page."""
        last = len(self.blocks)
        while last and _is_heading(self.blocks[last - 1]):
            last -= 1
        if not last:
            return self, _Sheet()
        this, following = _Sheet(), _Sheet()
        for index, block in enumerate(self.blocks):
            (this if index < last else following).add(block)
        return this, following


def _filled(
    blocks: Iterable[Block | Remark], size: int | None
) -> Iterator[Page | Scanned | Remark]:
    sheet = _Sheet()
    for item in blocks:
        if isinstance(item, Remark):
            yield item
            continue
        for block in _parts(item, size):
            if block.text == PAGE_END:
                if sheet.blocks:
                    yield sheet.page()
                sheet = _Sheet()
                continue
            if size and sheet.length and sheet.length + len(block.text) > size:
                sheet, following = sheet.parted()
                yield sheet.page()
                sheet = following
            sheet.add(block)
    if sheet.blocks:
        yield sheet.page()


def _parts(block: Block, size: int | None) -> Iterator[Block]:
    """A block, cut at its page ends and to the size of a page; notes stay with the last part."""
    if PAGE_END not in block.text and (size is None or len(block.text) <= size):
        if block.text or block.notes or block.unread or block.scans:
            yield block
        return
    found: list[str] = []
    for index, part in enumerate(block.text.split(PAGE_END)):
        if index:
            found.append(PAGE_END)
        if part.strip():
            found += [part] if size is None else pieces(part, size)
    last = max((index for index, part in enumerate(found) if part != PAGE_END), default=-1)
    for index, part in enumerate(found):
        if index == last:
            yield replace(block, text=part)
        else:
            yield Block(part, block.tight, own=block.own)
    if last < 0 and (block.notes or block.unread or block.scans):
        yield replace(block, text="")


def _is_heading(block: Block) -> bool:
    return block.text.startswith("#") and "\n" not in block.text


def _cut(text: str) -> int:
    """The index in the second half of `text` at which to cut it: after a paragraph, a line, a
    sentence or a word, in this order; its length if there is none."""
    for mark in ("\n\n", "\n"):
        index = text.rfind(mark, len(text) // 2)
        if index >= 0:
            return index + len(mark)
    ends = [found.end() for found in _SENTENCE_END.finditer(text, len(text) // 2)]
    if ends:
        return ends[-1]
    index = text.rfind(" ", len(text) // 2)
    return index + 1 if index >= 0 else len(text)
