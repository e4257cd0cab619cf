"""Word documents: docx, docm (its macros are left alone), dotx; Transitional and Strict.

The body comes paragraph by paragraph and is never held in whole, so that a book of a thousand
pages takes hardly more memory than a letter. A document that Word saved says where its pages ended;
another is cut at its own page breaks and at paragraph ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.readers.layout.pagination import SIZE, Block, pages
from tools.documents.readers.office.opc import Package
from tools.documents.readers.office.word_parts import Comment, Notes, Numbering, Styles
from tools.documents.readers.office.wordprocessingml import Story
from tools.documents.readers.safe_xml import Element, Malformed, children, forget, get, name, stream
from tools.documents.readers.safe_zip import DAMAGED, Archive

_BLOCKS = ("w:p", "w:tbl", "w:sdt", "w:customXml", "w:ins", "w:moveTo", "w:altChunk")
_RENDERED = b"lastRenderedPageBreak"
_MAX_CHARS = 10 * SIZE
"""Of a page as Word had it, in characters; where its breaks were lost it would be a whole book."""


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        package = Package(archive)
        main = package.main()
        size = _size(package, main)
        yield from pages(_blocks(package, main, size), options, size)


def _blocks(package: Package, main: str, size: int) -> Iterator[Block | Remark]:
    styles = Styles(_first(package, main, "styles"))
    numbering = Numbering(_first(package, main, "numbering"))

    def told(part: str, element: Element) -> str:
        story = Story(package, part, styles, numbering, Notes(), size)
        texts = (block.text.replace("\f", " ").lstrip("# ") for block in story.blocks(element))
        return " ".join(" ".join(texts).split())

    lost: list[str] = []

    def roots(kind: str) -> Iterator[tuple[str, Element]]:
        for part in package.related(main, kind):
            root = package.part(part)
            if root is None:
                lost.append(f"{kind}s" if kind in ("header", "footer") else kind)
            else:
                yield part, root

    def notes(kind: str, short: str) -> dict[str, str]:
        return {
            get(note, "w:id"): told(part, note)
            for part, root in roots(kind)
            for note in children(root)
            if name(note) == short and get(note, "w:type", "normal") == "normal"
        }

    def edges(kind: str) -> list[str]:
        texts = [told(part, root) for part, root in roots(kind)]
        return list(dict.fromkeys(text for text in texts if text))

    comments = {
        get(one, "w:id"): Comment(get(one, "w:author"), told(part, one))
        for part, root in roots("comments")
        for one in children(root)
        if name(one) == "w:comment"
    }
    hanging = Notes(notes("footnotes", "w:footnote"), notes("endnotes", "w:endnote"), comments)
    yield from (Block(f"Header: {text}", own=False) for text in edges("header"))
    story = Story(package, main, styles, numbering, hanging, size)
    begun = False
    try:
        for element in _body(package, main):
            begun = True
            yield from story.blocks(element)
    except Malformed as error:
        if not begun:
            raise DocumentError(DAMAGED) from error
        yield Remark("The document is damaged: what comes after the last page could not be read.")
    yield from map(Block, hanging.at_end)
    yield from (Block(f"Footer: {text}", own=False) for text in edges("footer"))
    if lost:
        missing = " and ".join(dict.fromkeys(lost))
        yield Remark(f"The document's {missing} are missing or damaged and were not read.")


def _body(package: Package, main: str) -> Iterator[Element]:
    """What stands directly in the body, one by one."""
    with package.open(main) as source:
        for element in stream(source, *_BLOCKS):
            parent = element.getparent()
            if parent is not None and name(parent) == "w:body":
                yield element
                forget(element)
            elif parent is None:
                raise DocumentError(DAMAGED)


def _first(package: Package, main: str, kind: str) -> Element | None:
    parts: Iterable[str] = package.related(main, kind)
    return next((root for root in map(package.part, parts) if root is not None), None)


def _size(package: Package, main: str) -> int:
    """How long a page may get: with Word's own page ends, as long as those make it."""
    overlap = b""
    with package.open(main) as source:
        while data := source.read(1 << 20):
            if _RENDERED in overlap + data:
                return _MAX_CHARS
            overlap = data[-len(_RENDERED) :]
    return SIZE
