"""Converts formulas of Office Math (OMML) into LaTeX."""

from __future__ import annotations

from tools.documents.readers.layout.latex import (
    ACCENTS,
    SUMS,
    escaped,
    fraction,
    function,
    in_dollars,
    matrix,
    root,
    scripts,
)
from tools.documents.readers.safe_xml import Element, child, children, name, value


def latex(element: Element) -> str:
    """The formula of `m:oMath` or `m:oMathPara` between dollar signs; empty without one."""
    return in_dollars(_children(element))


def _children(element: Element | None) -> str:
    return "".join(map(_one, children(element)))


def _one(element: Element) -> str:
    def part(short: str) -> str:
        return _children(child(element, short))

    match name(element):
        case "m:t":
            return element.text or ""
        case "m:f":
            return fraction(part("m:num"), part("m:den"))
        case "m:sSup":
            return scripts(part("m:e"), above=part("m:sup"))
        case "m:sSub":
            return scripts(part("m:e"), part("m:sub"))
        case "m:sSubSup":
            return scripts(part("m:e"), part("m:sub"), part("m:sup"))
        case "m:sPre":
            return f"{{}}_{{{part('m:sub')}}}^{{{part('m:sup')}}}{part('m:e')}"
        case "m:rad":
            return root(part("m:e"), part("m:deg"))
        case "m:nary":
            return _nary(element, part("m:sub"), part("m:sup"), part("m:e"))
        case "m:d":
            return _delimited(element)
        case "m:func":
            words = part("m:fName")
            return f"{function(words)}{{{part('m:e')}}}"
        case "m:limLow":
            return f"{function(part('m:e'))}_{{{part('m:lim')}}}"
        case "m:limUpp":
            return f"{function(part('m:e'))}^{{{part('m:lim')}}}"
        case "m:acc":
            mark = _sign(element, "m:accPr", "m:chr", "̂")
            return f"{ACCENTS.get(mark, '')}{{{part('m:e')}}}"
        case "m:bar":
            return f"\\overline{{{part('m:e')}}}"
        case "m:m":
            return matrix([list(map(_children, children(row))) for row in _named(element, "m:mr")])
        case "m:eqArr":
            return matrix([[_children(row)] for row in _named(element, "m:e")])
        case short if short.endswith("Pr"):
            return ""
        case _:
            return _children(element)


def _named(element: Element, short: str) -> list[Element]:
    return [one for one in children(element) if name(one) == short]


def _sign(element: Element, properties: str, sign: str, default: str) -> str:
    # An empty value means no sign, a missing one the default sign.
    setting = value(element, properties, sign)
    return default if setting is None else setting


def _nary(element: Element, below: str, above: str, body: str) -> str:
    sign = _sign(element, "m:naryPr", "m:chr", "∫")
    limits = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return f"{SUMS.get(sign, sign)}{limits}{{{body}}}"


def _delimited(element: Element) -> str:
    opens = _sign(element, "m:dPr", "m:begChr", "(")
    between = _sign(element, "m:dPr", "m:sepChr", "|")
    closes = _sign(element, "m:dPr", "m:endChr", ")")
    inner = between.join(_children(one) for one in _named(element, "m:e"))
    return f"{escaped(opens)}{inner}{escaped(closes)}"
