"""DrawingML, shared by slides, documents and sheets: text, tables, diagrams."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.documents.readers.layout.list_numbers import written
from tools.documents.readers.layout.pagination import Block
from tools.documents.readers.layout.symbols import lowered, raised, tidy
from tools.documents.readers.office.omml import latex
from tools.documents.readers.safe_xml import Element, child, children, name, whole
from tools.documents.readers.tables.markdown import repeated

_NUMBERED = re.compile(r"([a-z0-9]+?(?:Lc|Uc|Chs|Cht|Jpn)?)(Period|ParenR|ParenBoth|Plain|Db.*)?")
_STYLES = {
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "ea1Chs": "chineseCounting",
    "ea1Cht": "chineseCounting",
    "ea1Jpn": "japaneseCounting",
    "circleNum": "decimalEnclosedCircle",
}
_AROUND = {"ParenR": ("", ")"), "ParenBoth": ("(", ")"), "Plain": ("", ""), "Period": ("", ".")}


def paragraphs(body: Element | None, listed: bool = False) -> list[Block]:
    """The paragraphs of a text body. With `listed` they are list items unless their properties say
    otherwise, as in the body of a slide."""
    found: list[Block] = []
    counts: dict[int, int] = {}
    for paragraph in children(body):
        if name(paragraph) != "a:p":
            continue
        text = run_text(paragraph).strip()
        if not text:
            continue
        properties = child(paragraph, "a:pPr")
        level = whole(properties.get("lvl")) if properties is not None else 0
        counts = {key: count for key, count in counts.items() if key <= level}
        automatic = child(properties, "a:buAutoNum")
        if automatic is not None:
            start = whole(automatic.get("startAt"), 1)
            counts[level] = counts.get(level, start - 1) + 1
            label = _label(counts[level], automatic.get("type", ""))
        else:
            counts.pop(level, None)
            label = "-" if _bulleted(properties, listed or level > 0) else ""
        indent = "   " * min(level, 8) if label else ""
        found.append(Block(f"{indent}{label} {text}" if label else text, tight=bool(label)))
    return found


def run_text(paragraph: Element) -> str:
    """The text of one paragraph, with its line breaks, fields and formulas."""
    text = ""
    for one in children(paragraph):
        match name(one):
            case "a:r" | "a:fld":
                part = child(one, "a:t")
                run = tidy(part.text or "") if part is not None else ""
                properties = child(one, "a:rPr")
                baseline = whole(properties.get("baseline")) if properties is not None else 0
                text += raised(run) if baseline > 0 else lowered(run) if baseline < 0 else run
            case "a:br":
                text += "\n"
            case "m" | "m:oMath" | "m:oMathPara":
                text += latex(one)
    return text


def cells(grid: Element) -> list[list[str]]:
    """The rows of an `a:tbl`."""
    rows: list[list[str]] = []
    for row in children(grid):
        if name(row) != "a:tr":
            continue
        filled: list[str] = []
        for cell in (one for one in children(row) if name(one) == "a:tc"):
            column = len(filled)
            if cell.get("vMerge") in ("1", "true"):
                above = rows[-1][column] if rows and column < len(rows[-1]) else ""
                filled.append(repeated(above))
            elif cell.get("hMerge") in ("1", "true"):
                filled.append("")
            else:
                filled.append(" ".join(one.text for one in paragraphs(child(cell, "a:txBody"))))
        rows.append(filled)
    return rows


def diagram(root: Element | None) -> list[Block]:
    """The texts of a SmartArt diagram, as the nested list that its author typed."""
    points = child(root, "dgm:ptLst")
    if points is None:
        return []
    known = {point.get("modelId"): point for point in children(points)}
    below: dict[str, list[tuple[int, str]]] = {}
    for link in children(child(root, "dgm:cxnLst")):
        if link.get("type", "parOf") == "parOf":
            order = whole(link.get("srcOrd"))
            below.setdefault(link.get("srcId", ""), []).append((order, link.get("destId", "")))

    def walk(parent: str, depth: int, path: tuple[str, ...]) -> Iterator[Block]:
        for _, target in sorted(below.get(parent, ())):
            point = known.get(target)
            if point is None or target in path:
                continue
            text = " ".join(block.text for block in paragraphs(child(point, "dgm:t")))
            if text:
                yield Block(f"{'   ' * min(depth, 8)}- {text}", tight=True)
            yield from walk(target, depth + bool(text), (*path, target))

    roots = [key or "" for key, point in known.items() if point.get("type") == "doc"]
    return [block for start in roots for block in walk(start, 0, (start,))]


def _bulleted(properties: Element | None, listed: bool) -> bool:
    marks = {name(one) for one in children(properties)}
    return "a:buNone" not in marks and (listed or bool(marks & {"a:buChar", "a:buBlip"}))


def _label(count: int, kind: str) -> str:
    found = _NUMBERED.fullmatch(kind)
    base, ending = (found[1], found[2] or "") if found else ("", "Period")
    opens, closes = _AROUND.get(ending, ("", ""))
    return f"{opens}{written(count, _STYLES.get(base, 'decimal'))}{closes}"
