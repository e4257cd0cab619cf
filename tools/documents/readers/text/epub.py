"""Books in EPUB 2 and 3: the documents of the spine, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.encoding.detect import decode_markup
from tools.documents.readers.html.reader import blocks
from tools.documents.readers.layout.pagination import PAGE_END, Block, pages
from tools.documents.readers.safe_xml import Element, inside, parse
from tools.documents.readers.safe_zip import DAMAGED, Archive, beside

_CONTAINER, _LOCKS = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")
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
    for at, part in enumerate(_spine(root, package)):
        if part in locked:
            raise DocumentError(_LOCKED)
        if part not in archive:
            missing += 1
            continue
        if at:  # the title stands above the first part
            yield Block(PAGE_END)
        yield from blocks(decode_markup(archive.read(part)))
    if missing:
        yield Remark(f"{missing:,} of the book's parts are missing in the file.")


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


def _spine(root: Element, package: str) -> list[str]:
    items = {one.get("id"): one for one in inside(root, "opf:item")}
    listed = [items.get(one.get("idref")) for one in inside(root, "opf:itemref")]
    chosen = [one for one in listed if one is not None] or list(items.values())
    return [
        beside(package, one.get("href", ""))
        for one in chosen
        if one.get("media-type", "") in _PAGES and "nav" not in one.get("properties", "").split()
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
