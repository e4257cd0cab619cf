"""Books in EPUB 2 and 3: the documents of the spine, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.encoding.detect import decode_markup
from tools.documents.readers.html.reader import blocks
from tools.documents.readers.layout.pagination import PAGE_END, PICTURE, Block, pages
from tools.documents.readers.safe_xml import Element, inside, parse
from tools.documents.readers.safe_zip import DAMAGED, Archive, beside

_CONTAINER, _LOCKS = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")
_DRAWN = "image/"
_LOCKED = "The book is protected against copying and can't be read."


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        yield from pages(_blocks(archive), options)


def _blocks(archive: Archive) -> Iterator[Block | Remark]:
    package = _package(archive)
    root = parse(archive.read(package)) if package in archive else None
    if root is None:
        raise DocumentError(DAMAGED)
    yield from _about(root)
    locked, missing = _locked(archive), 0
    for at, (part, media_type) in enumerate(_spine(root, package)):
        if part in locked:
            raise DocumentError(_LOCKED)
        if part not in archive:
            missing += 1
            continue
        if at:  # the title stands above the first part
            yield Block(PAGE_END)
        yield from _page(archive.read(part), media_type)
    if missing:
        yield Remark(f"{missing:,} of the book's parts are missing in the file.")


def _page(data: bytes, media_type: str) -> Iterator[Block | Remark]:
    """A document of the book, or a picture that is a page of its own: SVG by its words."""
    if not media_type.startswith(_DRAWN):
        yield from blocks(decode_markup(data))
        return
    drawn = parse(data)
    words = [] if drawn is None else list(drawn.iter("{*}text", "{*}title", "{*}desc"))
    for one in words:
        yield Block(" ".join("".join(one.itertext()).split()))
    if not words or (drawn is not None and next(drawn.iter("{*}image"), None) is not None):
        yield Block(unread=(PICTURE,))


def _package(archive: Archive) -> str:
    """The name of the package document, which lists all the others."""
    if _CONTAINER in archive:
        for one in inside(parse(archive.read(_CONTAINER)), "container:rootfile"):
            return beside("", one.get("full-path", ""))
    return next((name for name in archive.names if name.lower().endswith(".opf")), "")


def _about(root: Element) -> Iterator[Block]:
    for title in inside(root, "dc:title"):
        authors = [" ".join((one.text or "").split()) for one in inside(root, "dc:creator")]
        by = f"\n\nby {', '.join(authors)}" if any(authors) else ""
        yield Block(f"# {' '.join((title.text or '').split())}{by}")
        return


def _spine(root: Element, package: str) -> list[tuple[str, str]]:
    """The parts in the order of reading, each with its media type."""
    items = {one.get("id"): one for one in inside(root, "opf:item")}
    listed = [items.get(one.get("idref")) for one in inside(root, "opf:itemref")]
    in_spine = [one for one in listed if one is not None]
    return [
        (beside(package, one.get("href", "")), media_type)
        for one in in_spine or items.values()
        if (media_type := one.get("media-type", "")) in _PAGES
        or (in_spine and media_type.startswith(_DRAWN))
        if "nav" not in one.get("properties", "").split()
    ]


def _locked(archive: Archive) -> set[str]:
    """The parts that are encrypted; fonts often are, and don't matter."""
    if _LOCKS not in archive:
        return set()
    root = parse(archive.read(_LOCKS))
    return {
        beside("", one.get("URI", ""))
        for one in (root.iter("{*}CipherReference") if root is not None else ())
    }
