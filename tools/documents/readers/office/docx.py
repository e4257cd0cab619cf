"""Word documents: docx, docm (macros are ignored), dotx; Transitional and Strict.

The body is read as a stream of paragraphs, so that a book of a thousand pages takes hardly more
memory than a letter. A document saved by Word contains its page ends; others are divided at manual
page breaks and at paragraph ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.readers.layout.pagination import PAGE_CHARS, Block, pages
from tools.documents.readers.office.opc import Package
from tools.documents.readers.office.word_parts import Comment, Notes, Numbering, Styles
from tools.documents.readers.office.wordprocessingml import Story
from tools.documents.readers.safe_xml import Element, Malformed, children, forget, get, name, stream
from tools.documents.readers.safe_zip import DAMAGED, Archive

_BLOCKS = ("w:p", "w:tbl", "w:sdt", "w:customXml", "w:ins", "w:moveTo", "w:altChunk")
_RENDERED = b"lastRenderedPageBreak"
_MAX_CHARS = 10 * PAGE_CHARS
"""Characters of one of Word's pages; without a limit, missing breaks would make a huge page."""


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        package = Package(archive)
        main = package.main()
        size = _max_page_chars(package, main)
        yield from pages(_blocks(package, main, size), options, size)


def _blocks(package: Package, main: str, size: int) -> Iterator[Block | Remark]:
    styles = Styles(_first_part(package, main, "styles"))
    numbering = Numbering(_first_part(package, main, "numbering"))

    def text_of(part: str, element: Element) -> str:
        story = Story(package, part, styles, numbering, Notes(), size)
        texts = (block.text.replace("\f", " ").lstrip("# ") for block in story.blocks(element))
        return " ".join(" ".join(texts).split())

    unreadable: list[str] = []

    def roots(kind: str) -> Iterator[tuple[str, Element]]:
        for part in package.related(main, kind):
            root = package.part(part)
            if root is None:
                unreadable.append(f"{kind}s" if kind in ("header", "footer") else kind)
            else:
                yield part, root

    def notes(kind: str, short: str) -> dict[str, str]:
        return {
            get(note, "w:id"): text_of(part, note)
            for part, root in roots(kind)
            for note in children(root)
            if name(note) == short and get(note, "w:type", "normal") == "normal"
        }

    def edges(kind: str) -> list[str]:
        texts = [text_of(part, root) for part, root in roots(kind)]
        return list(dict.fromkeys(text for text in texts if text))

    comments = {
        get(one, "w:id"): Comment(get(one, "w:author"), text_of(part, one))
        for part, root in roots("comments")
        for one in children(root)
        if name(one) == "w:comment"
    }
    note_texts = Notes(notes("footnotes", "w:footnote"), notes("endnotes", "w:endnote"), comments)
    yield from (Block(f"Header: {text}", own=False) for text in edges("header"))
    story = Story(package, main, styles, numbering, note_texts, size)
    begun = False
    try:
        for element in _body(package, main):
            begun = True
            yield from story.blocks(element)
    except Malformed as error:
        if not begun:
            raise DocumentError(DAMAGED) from error
        yield Remark("The document is damaged: what comes after the last page could not be read.")
    yield from map(Block, note_texts.at_end)
    yield from (Block(f"Footer: {text}", own=False) for text in edges("footer"))
    if unreadable:
        missing = " and ".join(dict.fromkeys(unreadable))
        yield Remark(f"The document's {missing} are missing or damaged and were not read.")


def _body(package: Package, main: str) -> Iterator[Element]:
    """The elements directly in the body, one by one."""
    with package.open(main) as source:
        for element in stream(source, *_BLOCKS):
            parent = element.getparent()
            if parent is not None and name(parent) == "w:body":
                yield element
                forget(element)
            elif parent is None:
                raise DocumentError(DAMAGED)


def _first_part(package: Package, main: str, kind: str) -> Element | None:
    parts: Iterable[str] = package.related(main, kind)
    return next((root for root in map(package.part, parts) if root is not None), None)


def _max_page_chars(package: Package, main: str) -> int:
    """The most characters of a page: more if the document has Word's own page ends."""
    overlap = b""
    with package.open(main) as source:
        while data := source.read(1 << 20):
            if _RENDERED in overlap + data:
                return _MAX_CHARS
            overlap = data[-len(_RENDERED) :]
    return PAGE_CHARS
