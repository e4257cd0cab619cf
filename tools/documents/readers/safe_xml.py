"""Reads untrusted XML: entities are not expanded, nothing outside the file is fetched.

Elements and attributes have short names such as `w:p`, the same for both variants of Office Open
XML, Transitional and Strict, which differ in their namespaces only.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

Element = Any  # lxml has no types

_OFFICE, _STRICT = "http://schemas.openxmlformats.org/", "http://purl.oclc.org/ooxml/"
_WORDS = "http://schemas.microsoft.com/office/word/2010/"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES = {
    "w": (f"{_OFFICE}wordprocessingml/2006/main", f"{_STRICT}wordprocessingml/main"),
    "p": (f"{_OFFICE}presentationml/2006/main", f"{_STRICT}presentationml/main"),
    "x": (f"{_OFFICE}spreadsheetml/2006/main", f"{_STRICT}spreadsheetml/main"),
    "a": (f"{_OFFICE}drawingml/2006/main", f"{_STRICT}drawingml/main"),
    "c": (f"{_OFFICE}drawingml/2006/chart", f"{_STRICT}drawingml/chart"),
    "dgm": (f"{_OFFICE}drawingml/2006/diagram", f"{_STRICT}drawingml/diagram"),
    "pic": (f"{_OFFICE}drawingml/2006/picture", f"{_STRICT}drawingml/picture"),
    "wp": (
        f"{_OFFICE}drawingml/2006/wordprocessingDrawing",
        f"{_STRICT}drawingml/wordprocessingDrawing",
    ),
    "xdr": (
        f"{_OFFICE}drawingml/2006/spreadsheetDrawing",
        f"{_STRICT}drawingml/spreadsheetDrawing",
    ),
    "m": (f"{_OFFICE}officeDocument/2006/math", f"{_STRICT}officeDocument/math"),
    "r": (
        f"{_OFFICE}officeDocument/2006/relationships",
        f"{_STRICT}officeDocument/relationships",
    ),
    "mc": (f"{_OFFICE}markup-compatibility/2006",),
    "wps": (f"{_WORDS}wordprocessingShape",),
    "wpg": (f"{_WORDS}wordprocessingGroup",),
    "v": ("urn:schemas-microsoft-com:vml",),
    "cx": ("http://schemas.microsoft.com/office/drawing/2014/chartex",),
    "threaded": ("http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments",),
    "p188": ("http://schemas.microsoft.com/office/powerpoint/2018/8/main",),
    "office": (f"{_ODF}office:1.0",),
    "text": (f"{_ODF}text:1.0",),
    "table": (f"{_ODF}table:1.0",),
    "draw": (f"{_ODF}drawing:1.0",),
    "style": (f"{_ODF}style:1.0",),
    "fo": (f"{_ODF}xsl-fo-compatible:1.0",),
    "svg": (f"{_ODF}svg-compatible:1.0",),
    "presentation": (f"{_ODF}presentation:1.0",),
    "dc": ("http://purl.org/dc/elements/1.1/",),
    "xlink": ("http://www.w3.org/1999/xlink",),
    "opf": ("http://www.idpf.org/2007/opf",),
    "container": ("urn:oasis:names:tc:opendocument:xmlns:container",),
    "rels": (f"{_OFFICE}package/2006/relationships",),
}
_SHORT = {uri: prefix for prefix, uris in _NAMESPACES.items() for uri in uris}

_SAFE = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}

Malformed = etree.XMLSyntaxError
"""Raised by `stream` for XML that is malformed or cut short."""


def parse(data: bytes) -> Element | None:
    """The root of an XML document; None for malformed XML."""
    try:
        return etree.fromstring(data, etree.XMLParser(**_SAFE))
    except (etree.XMLSyntaxError, ValueError):
        return None


def stream(source: IO[bytes], *names: str) -> Iterator[Element]:
    """Yield the elements of these names, each when it is complete, without a tree in memory if
    the caller passes each to `forget`. Raises Malformed.
    """
    tags = [tag for name in names for tag in _tags(name)]
    for _, element in etree.iterparse(source, events=("end",), tag=tags, **_SAFE):
        yield element


def forget(element: Element) -> None:
    """Free the memory of an element of `stream`, and of all elements before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def name(element: Element) -> str:
    """The short name, such as `w:p`; the bare name for a namespace that is not listed here."""
    tag = element.tag
    return _name(tag) if isinstance(tag, str) else ""


@functools.lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    if not tag.startswith("{"):
        return tag
    uri, _, bare = tag[1:].partition("}")
    prefix = _SHORT.get(uri)
    return f"{prefix}:{bare}" if prefix else bare


@functools.lru_cache(maxsize=4096)
def _tags(short: str) -> tuple[str, ...]:
    prefix, _, bare = short.rpartition(":")
    return tuple(f"{{{uri}}}{bare}" for uri in _NAMESPACES[prefix]) if prefix else (bare,)


def get(element: Element, short: str, otherwise: str = "") -> str:
    """The value of an attribute, by its short name; `otherwise` if it is missing."""
    for tag in _tags(short):
        value = element.get(tag)
        if value is not None:
            return str(value)
    return otherwise


def children(element: Element | None) -> Iterator[Element]:
    """The children; of alternatives (`mc:AlternateContent`) those of the first, newer one."""
    for child in () if element is None else element:
        match name(child):
            case "mc:AlternateContent":
                yield from _chosen(child)
            case "":
                pass
            case _:
                yield child


def _chosen(alternatives: Element) -> Iterator[Element]:
    for one in alternatives:
        if name(one) in ("mc:Choice", "mc:Fallback") and len(one):
            yield from children(one)
            return


def child(element: Element | None, *path: str) -> Element | None:
    """The element at the end of a path of children's names; None if there is none."""
    for short in path:
        element = next((one for one in children(element) if name(one) == short), None)
    return element


def inside(element: Element | None, *names: str) -> Iterator[Element]:
    """`element` and its descendants with one of these names, in document order."""
    if element is not None:
        yield from element.iter(*(tag for short in names for tag in _tags(short)))


def value(element: Element | None, *path: str) -> str | None:
    """The attribute `val` or `w:val` of the element at the end of a path; None if there is none."""
    found = child(element, *path)
    if found is None:
        return None
    plain = found.get("val")
    return str(plain) if plain is not None else get(found, f"{name(found).partition(':')[0]}:val")


def switched_on(element: Element | None, *path: str) -> bool:
    """Whether a boolean property is set: its element exists, and its value is not false."""
    setting = value(element, *path)
    return setting is not None and setting.lower() not in ("0", "false", "off", "none")


def whole(text: str | None, otherwise: int = 0) -> int:
    """An attribute's text as an integer; `otherwise` for no number, or one beyond 64 bits."""
    try:
        number = int(text or "")
    except ValueError:
        return otherwise
    return number if abs(number) < 1 << 63 else otherwise
