"""Divides paragraphs into pages; for a format without pages, a page ends at a paragraph's end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from tools.documents.base import Options, Page, ReaderEvent, Remark

SIZE = 3000  # characters; about what stands on a printed page
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
    blocks: Iterable[Block | Remark], options: Options, size: int | None = SIZE
) -> Iterator[ReaderEvent]:
    """Divide `blocks` into pages of about `size` characters; None: at `PAGE_END` only."""
    return numbered(_filled(blocks, size), options)


def numbered(
    unnumbered: Iterable[Page | Scanned | Remark], options: Options
) -> Iterator[ReaderEvent]:
    """Number the pages, up to `options.most_pages`; a remark tells of further ones."""
    number = 0
    for piece in unnumbered:
        if isinstance(piece, Remark):
            yield piece
            continue
        if number == options.most_pages:
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


def pieces(text: str, size: int = SIZE) -> Iterator[str]:
    """`text` in pieces of at most `size` characters, see `cut_off`."""
    while len(text) > size:
        piece, text = cut_off(text, size)
        yield piece
    if text.rstrip():
        yield text.rstrip()


def cut_off(text: str, size: int = SIZE) -> tuple[str, str]:
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
        """What stays, and the headings at its end, which belong to what follows."""
        last = len(self.blocks)
        while last and _is_heading(self.blocks[last - 1]):
            last -= 1
        if not last:
            return self, _Sheet()
        stays, goes = _Sheet(), _Sheet()
        for at, block in enumerate(self.blocks):
            (stays if at < last else goes).add(block)
        return stays, goes


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
    """A block without page ends in it, and none longer than a page; notes stay with the last."""
    if PAGE_END not in block.text and (size is None or len(block.text) <= size):
        if block.text or block.notes or block.unread or block.scans:
            yield block
        return
    found: list[str] = []
    for at, part in enumerate(block.text.split(PAGE_END)):
        if at:
            found.append(PAGE_END)
        if part.strip():
            found += [part] if size is None else pieces(part, size)
    last = max((at for at, part in enumerate(found) if part != PAGE_END), default=-1)
    for at, part in enumerate(found):
        if at == last:
            yield replace(block, text=part)
        else:
            yield Block(part, block.tight, own=block.own)
    if last < 0 and (block.notes or block.unread or block.scans):
        yield replace(block, text="")


def _is_heading(block: Block) -> bool:
    return block.text.startswith("#") and "\n" not in block.text


def _cut(text: str) -> int:
    """Where `text`, too long by what follows it, is best cut."""
    for mark in ("\n\n", "\n"):
        at = text.rfind(mark, len(text) // 2)
        if at >= 0:
            return at + len(mark)
    ends = [found.end() for found in _SENTENCE_END.finditer(text, len(text) // 2)]
    if ends:
        return ends[-1]
    at = text.rfind(" ", len(text) // 2)
    return at + 1 if at >= 0 else len(text)
