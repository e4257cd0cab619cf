"""Slides: pptx, pptm (macros are ignored), ppsx, potx; Transitional and Strict.

Each slide is a page: its title, its shapes in reading order, the data of charts and diagrams,
comments, and the speaker's notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tools.documents.base import DocumentError, Length, Options, Page, ReaderEvent
from tools.documents.readers.layout.pagination import (
    PICTURE,
    Block,
    Scan,
    Scanned,
    numbered,
    one_page,
)
from tools.documents.readers.layout.reading_order import Box, in_reading_order
from tools.documents.readers.office.chart_data import chart
from tools.documents.readers.office.drawingml import cells, diagram, paragraphs
from tools.documents.readers.office.opc import Package
from tools.documents.readers.office.scanned_pages import Scans
from tools.documents.readers.safe_xml import Element, child, children, get, inside, name, whole
from tools.documents.readers.safe_zip import DAMAGED, Archive
from tools.documents.readers.tables.markdown import table

_TITLES = ("title", "ctrTitle")
_BODIES = ("body", "obj", "subTitle", "")
_FOOTERS = ("dt", "ftr")
"""Types of placeholders at the foot of a slide: date, footer."""


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with Archive(path) as archive:
        package = Package(archive)
        main = package.main()
        root = package.part(main)
        if root is None:
            raise DocumentError(DAMAGED)
        relations = package.relations(main)
        listed = (get(one, "r:id") for one in children(child(root, "p:sldIdLst")))
        slides = [relations[one].target for one in listed if one in relations]
        yield Length(min(len(slides), options.max_pages))
        scans = Scans(package)
        yield from numbered((_page(package, scans, slide) for slide in slides), options)


def _page(package: Package, scans: Scans, slide: str) -> Page | Scanned:
    root = package.part(slide)
    if root is None:
        return Page(0, "", ("this slide",))
    return one_page(_blocks(package, scans, slide, root))


def _blocks(package: Package, scans: Scans, slide: str, root: Element) -> Iterator[Block]:
    if root.get("show") in ("0", "false"):
        yield Block("(hidden slide)", own=False)
    drawn = _Slide(package, scans, slide)
    yield from drawn.background_pictures(child(root, "p:cSld", "p:bg"))
    yield from drawn.blocks(child(root, "p:cSld", "p:spTree"))
    for block in (*_comments(package, slide), *_notes(package, slide)):
        yield replace(block, own=False)


def _notes(package: Package, slide: str) -> Iterator[Block]:
    for part in package.related(slide, "notesSlide"):
        for shape in inside(package.part(part), "p:sp"):
            if _placeholder(shape)[0] == "body":
                blocks = paragraphs(child(shape, "p:txBody"))
                yield from [Block("Notes:"), *blocks] if blocks else ()


def _comments(package: Package, slide: str) -> Iterator[Block]:
    for part in package.related(slide, "comments"):
        root = package.part(part)
        for one in inside(root, "p:text", "p188:txBody"):
            text = " ".join(part.strip() for part in one.itertext() if part.strip())
            if text:
                yield Block(f"Comment: {text}")


@dataclass(frozen=True)
class _Shape:
    element: Element
    kind: str
    """The type of its placeholder; "-" for a shape that is no placeholder."""
    box: Box | None


class _Slide:
    """The shapes of one slide as blocks."""

    def __init__(self, package: Package, scans: Scans, slide: str) -> None:
        self._package, self._scans, self._slide = package, scans, slide
        self._inherited: list[Element] = []  # shapes of the layout and the master
        part = slide
        for kind in ("slideLayout", "slideMaster"):
            part = next(iter(package.related(part, kind)), "")
            tree = child(package.part(part), "p:cSld", "p:spTree") if part else None
            self._inherited += [one for one in children(tree) if name(one) == "p:sp"]

    def blocks(self, tree: Element | None) -> list[Block]:
        """The blocks of the slide: its title, the other shapes in reading order, its footers."""
        shapes = [
            _Shape(one, _placeholder(one)[0], self._box(one))
            for one in children(tree)
            if name(one) in ("p:sp", "p:grpSp", "p:graphicFrame", "p:pic", "p:contentPart")
        ]
        titles = [one for one in shapes if one.kind in _TITLES]
        foot = [one for one in shapes if one.kind in _FOOTERS]
        rest = [one for one in shapes if one.kind not in (*_TITLES, *_FOOTERS, "sldNum")]
        ordered = [*titles, *in_reading_order(rest, lambda one: one.box)]
        found = [block for shape in ordered for block in self._shape(shape)]
        return [*found, *(replace(one, own=False) for each in foot for one in self._shape(each))]

    def background_pictures(self, element: Element | None) -> Iterator[Block]:
        """The pictures that fill the background of the slide, or of a shape."""
        if scans := self._pictures(element):
            yield Block(scans=scans)

    def _shape(self, shape: _Shape) -> Iterator[Block]:
        element = shape.element
        match name(element):
            case "p:sp":
                yield from self.background_pictures(child(element, "p:spPr", "a:blipFill"))
                body = child(element, "p:txBody")
                if shape.kind in _TITLES:
                    title = " ".join(" ".join(one.text for one in paragraphs(body)).split())
                    if title:
                        yield Block(f"# {title}")
                else:
                    yield from _separate(paragraphs(body, self._is_list(element, shape.kind)))
            case "p:grpSp":
                yield from self.blocks(element)
            case "p:graphicFrame":
                yield from self._graphic(element)
            case "p:pic":
                yield replace(_picture(element), scans=self._pictures(element), own=False)

    def _graphic(self, frame: Element) -> Iterator[Block]:
        for one in children(child(frame, "a:graphic", "a:graphicData")):
            match name(one):
                case "a:tbl":
                    yield from table(cells(one), size=None)
                case "c:chart" | "cx:chart":
                    yield from chart(self._referred(one, "r:id")) or [Block(unread=("chart",))]
                case "dgm:relIds":
                    found = diagram(self._referred(one, "r:dm"))
                    yield from found or [Block(unread=("diagram",))]
                case _:
                    yield Block(unread=("embedded object",))

    def _pictures(self, element: Element | None) -> tuple[Scan, ...]:
        return tuple(
            partial(self._scans.text, self._slide, get(one, "r:embed"))
            for one in inside(element, "a:blip")
        )

    def _referred(self, element: Element, reference: str) -> Element | None:
        return self._package.referred(self._slide, get(element, reference))

    def _is_list(self, shape: Element, kind: str) -> bool:
        """Whether the paragraphs are list items without bullets of their own, as mostly in the body
        of a slide, unless its layout removes the bullets."""
        if kind not in _BODIES or kind == "subTitle":
            return False
        for one in (shape, *self._inherited_from(shape)):
            style = child(one, "p:txBody", "a:lstStyle", "a:lvl1pPr")
            if child(style, "a:buNone") is not None:
                return False
            if child(style, "a:buChar") is not None:
                return True
        return len(paragraphs(child(shape, "p:txBody"))) > 1

    def _inherited_from(self, shape: Element) -> list[Element]:
        """The placeholders of the layout and the master that `shape` fills."""
        kind, index = _placeholder(shape)
        if kind == "-":
            return []
        models = [(one, *_placeholder(one)) for one in self._inherited]
        by_index = [one for one, _, number in models if index and number == index]
        same = (kind, "body") if kind in _BODIES else (kind,)
        return by_index or [one for one, other, _ in models if other in same]

    def _box(self, shape: Element) -> Box | None:
        for one in (shape, *self._inherited_from(shape)):
            for path in (("p:spPr", "a:xfrm"), ("p:grpSpPr", "a:xfrm"), ("p:xfrm",)):
                place = child(one, *path)
                offset, extent = child(place, "a:off"), child(place, "a:ext")
                if offset is not None and extent is not None:
                    left, top = whole(offset.get("x")), whole(offset.get("y"))
                    right, bottom = left + whole(extent.get("cx")), top + whole(extent.get("cy"))
                    return Box(left, top, right, bottom)
        return None


def _placeholder(shape: Element) -> tuple[str, str]:
    """The type and the index of the placeholder that a shape fills; "-" for none."""
    for properties in children(shape):
        mark = child(properties, "p:nvPr", "p:ph")
        if mark is not None:
            return mark.get("type", ""), mark.get("idx", "")
    return "-", ""


def _separate(blocks: list[Block]) -> list[Block]:
    """Join the paragraphs of a text box that is no list, as lines of one block."""
    if any(block.tight for block in blocks):
        return blocks
    return [Block("\n".join(block.text for block in blocks))] if blocks else []


def _picture(element: Element) -> Block:
    properties = child(element, "p:nvPicPr")
    drawing = child(properties, "p:cNvPr")
    alt = " ".join((drawing.get("descr", "") if drawing is not None else "").split())
    kinds = {name(one) for one in children(child(properties, "p:nvPr"))}
    noun = "video" if "a:videoFile" in kinds else "sound" if "a:audioFile" in kinds else PICTURE
    return Block(f"[Picture: {alt}]" if alt else "", unread=(noun,))
