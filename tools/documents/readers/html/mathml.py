"""Converts MathML to LaTeX: by its TeX annotation if it has one, otherwise by its markup."""

from __future__ import annotations

from lxml.html import HtmlElement

from tools.documents.readers.layout import latex
from tools.documents.readers.layout.latex import (
    ACCENTS,
    SUMS,
    escaped,
    fraction,
    function,
    matrix,
    root,
    scripts,
)

# Invisible operators (function application, times, separator, plus) and the zero-width space.
_INVISIBLE = dict.fromkeys((0x2061, 0x2062, 0x2063, 0x2064, 0x200B))
_NO_TEXT = frozenset(("annotation", "annotation-xml", "mphantom", "none", "mprescripts"))
_LAID_OUT = frozenset(
    {"mfrac", "msqrt", "mroot", "msub", "munder", "msup", "mover", "msubsup", "munderover"}
    | {"mfenced"}
)
DISPLAY_STYLE = "{\\displaystyle"
"""The beginning of a formula's TeX source on Wikipedia."""
MAX_DEPTH = 100  # levels of nested elements; deeper ones become their plain text


def formula(element: HtmlElement) -> str:
    """The LaTeX of a `math` element between dollar signs; empty for an empty formula."""
    tex = element.xpath('.//*[local-name()="annotation"][contains(@encoding, "tex")]')
    if tex:
        return in_dollars(tex[0].text_content())
    return in_dollars(element.get("alttext") or _children(element, 0))


def in_dollars(tex: str) -> str:
    """TeX source as an inline formula, without Wikipedia's wrapper; empty for blank source."""
    tex = tex.strip()
    if tex.startswith(DISPLAY_STYLE) and tex.endswith("}"):
        tex = tex[len(DISPLAY_STYLE) : -1]
    return latex.in_dollars(tex)


def _children(element: HtmlElement, depth: int) -> str:
    return (element.text or "").strip() + "".join(_element(child, depth + 1) for child in element)


def _element(element: HtmlElement, depth: int) -> str:
    if depth > MAX_DEPTH:
        return str(element.text_content())
    tag = element.tag
    if tag in _NO_TEXT:
        return ""
    if tag in ("mi", "mn", "mo", "ms", "mtext"):
        text = " ".join(element.text_content().translate(_INVISIBLE).split())
        if tag == "mtext":
            return f"\\text{{{text}}}" if text else " "
        return _name(text) if tag == "mi" else escaped(text)
    if tag == "mtable":
        return matrix([[_children(cell, depth + 2) for cell in row] for row in element])
    if tag not in _LAID_OUT:
        return _children(element, depth)
    parts = [_element(child, depth + 1) for child in element]
    first, second, third = (*parts, "", "", "")[:3]
    match tag:
        case "mfrac":
            return fraction(first, second)
        case "msqrt":
            return root("".join(parts))
        case "mroot":
            return root(first, second)
        case "msub" | "munder":
            return scripts(SUMS.get(first, first), second)
        case "msup":
            return scripts(first, above=second)
        case "mover":
            accent = ACCENTS.get(second) or _OVER.get(second)
            return f"{accent}{{{first}}}" if accent else scripts(SUMS.get(first, first), "", second)
        case "msubsup" | "munderover":
            return scripts(SUMS.get(first, first), second, third)
        case _:  # mfenced
            between = (element.get("separators", ",").strip() or " ")[0]
            opens, closes = element.get("open", "("), element.get("close", ")")
            return f"{escaped(opens)}{between.join(parts)}{escaped(closes)}"


_OVER = {"^": "\\hat", "~": "\\tilde", "¯": "\\bar", "―": "\\overline", "→": "\\vec", "˙": "\\dot"}


def _name(text: str) -> str:
    # The space separates the command from letters that follow.
    named = function(text)
    return f"{named} " if named != text else text
