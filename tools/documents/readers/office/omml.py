"""Office Math into LaTeX: what a person sees as a formula, as one a model can read."""

from __future__ import annotations

from tools.documents.readers.safe_xml import Element, child, children, name, value

_NARY = {"∑": "\\sum", "∏": "\\prod", "∫": "\\int", "∬": "\\iint", "∮": "\\oint", "⋃": "\\bigcup"}
_ACCENTS = {"̂": "\\hat", "̃": "\\tilde", "̅": "\\bar", "⃗": "\\vec", "̇": "\\dot", "̈": "\\ddot"}
_FUNCTIONS = frozenset(
    {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"}
    | {"log", "ln", "exp", "lim", "max", "min", "sup", "inf"}
)


def latex(element: Element) -> str:
    """The formula of `m:oMath` or `m:oMathPara` between dollar signs, or nothing."""
    text = " ".join(_children(element).split())
    return f"${text}$" if text else ""


def _children(element: Element | None) -> str:
    return "".join(map(_one, children(element)))


def _one(element: Element) -> str:
    def part(short: str) -> str:
        return _children(child(element, short))

    match name(element):
        case "m:t":
            return element.text or ""
        case "m:f":
            return f"\\frac{{{part('m:num')}}}{{{part('m:den')}}}"
        case "m:sSup":
            return f"{_grouped(part('m:e'))}^{{{part('m:sup')}}}"
        case "m:sSub":
            return f"{_grouped(part('m:e'))}_{{{part('m:sub')}}}"
        case "m:sSubSup":
            return f"{_grouped(part('m:e'))}_{{{part('m:sub')}}}^{{{part('m:sup')}}}"
        case "m:sPre":
            return f"{{}}_{{{part('m:sub')}}}^{{{part('m:sup')}}}{part('m:e')}"
        case "m:rad":
            degree = part("m:deg")
            return f"\\sqrt{f'[{degree}]' if degree else ''}{{{part('m:e')}}}"
        case "m:nary":
            return _nary(element, part("m:sub"), part("m:sup"), part("m:e"))
        case "m:d":
            return _delimited(element)
        case "m:func":
            words = part("m:fName")
            return f"{_function(words)}{{{part('m:e')}}}"
        case "m:limLow":
            return f"{_function(part('m:e'))}_{{{part('m:lim')}}}"
        case "m:limUpp":
            return f"{_function(part('m:e'))}^{{{part('m:lim')}}}"
        case "m:acc":
            mark = _sign(element, "m:accPr", "m:chr", "̂")
            return f"{_ACCENTS.get(mark, '')}{{{part('m:e')}}}"
        case "m:bar":
            return f"\\overline{{{part('m:e')}}}"
        case "m:m":
            return _matrix([list(map(_children, children(row))) for row in _named(element, "m:mr")])
        case "m:eqArr":
            return _matrix([[_children(row)] for row in _named(element, "m:e")])
        case short if short.endswith("Pr"):
            return ""
        case _:
            return _children(element)


def _named(element: Element, short: str) -> list[Element]:
    return [one for one in children(element) if name(one) == short]


def _grouped(text: str) -> str:
    return text if len(text) <= 1 else f"{{{text}}}"


def _function(words: str) -> str:
    return f"\\{words}" if words in _FUNCTIONS else words


def _sign(element: Element, properties: str, sign: str, usual: str) -> str:
    # An empty value means that nothing is drawn, a missing one the usual sign.
    said = value(element, properties, sign)
    return usual if said is None else said


def _nary(element: Element, below: str, above: str, body: str) -> str:
    sign = _sign(element, "m:naryPr", "m:chr", "∫")
    limits = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return f"{_NARY.get(sign, sign)}{limits}{{{body}}}"


def _delimited(element: Element) -> str:
    opens = _sign(element, "m:dPr", "m:begChr", "(")
    between = _sign(element, "m:dPr", "m:sepChr", "|")
    closes = _sign(element, "m:dPr", "m:endChr", ")")
    inner = between.join(_children(one) for one in _named(element, "m:e"))
    return f"{_escaped(opens)}{inner}{_escaped(closes)}"


def _escaped(sign: str) -> str:
    return f"\\{sign}" if sign in ("{", "}") else sign


def _matrix(rows: list[list[str]]) -> str:
    inner = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{matrix}} {inner} \\end{{matrix}}"
