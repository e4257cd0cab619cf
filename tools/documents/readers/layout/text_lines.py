"""Joins the lines of a page into Markdown paragraphs and headings, by position and height."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

GAP = 1.3  # times the usual line distance; a larger one begins a paragraph
INDENT = (0.8, 4.0)  # least and most indent of a paragraph's first line, in line heights
HEADING = (
    (1.75, "# "),
    (1.4, "## "),
    (1.18, "### "),
)  # least height, in heights of body text -> mark
MAX_HEADING_CHARS = 150  # characters of a heading

_CONTENTS = re.compile(r"(?:[.·…] ?){4}")  # what leads to the page's number
_ITEM = re.compile(r"[•▪‣◦●○■□➢✓→–—*-]|\(?\w{1,3}[.)]\s")


class Line(NamedTuple):
    """One line, or several that a parted word holds together, in any unit.

    It begins at `left` and `base`, which grows up the page; the last one lies on `foot`.
    """

    text: str
    left: float
    base: float
    height: float
    foot: float


class Body:
    """The usual height of a document's text, from the lines seen so far."""

    def __init__(self) -> None:
        self._characters = Counter[float]()
        self._usual = 0.0

    def see(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self._characters[round(line.height, 1)] += len(line.text)
        self._usual = max(self._characters, key=self._characters.__getitem__, default=0.0)

    def mark(self, line: Line) -> str:
        """The Markdown mark of a heading; empty for other lines."""
        if line.height < HEADING[-1][0] * self._usual or len(line.text) > MAX_HEADING_CHARS:
            return ""
        if _CONTENTS.search(line.text) or not any(map(str.isalpha, line.text)):
            return ""
        return next(mark for least, mark in HEADING if line.height >= least * self._usual)


def markdown(lines: Sequence[Line], body: Body | None = None) -> str:
    """The lines as Markdown, in the given order; headings only with `body`."""
    usual = _distance(lines)
    parts, mark = list[str](), ""
    for at, line in enumerate(lines):
        before, mark = mark, body.mark(line) if body is not None else ""
        if at == 0:
            parts.append(mark)
        elif mark and mark == before and lines[at - 1].foot - line.base < 2 * line.height:
            parts.append(" ")
        elif mark or before or _begins(lines, at, usual):
            parts.append(f"\n\n{mark}")
        else:
            parts.append("\n")
        parts.append(line.text)
    return "".join(parts)


def _begins(lines: Sequence[Line], at: int, usual: float) -> bool:
    """Whether a paragraph begins with the line at index `at`."""
    before, line = lines[at - 1], lines[at]
    if before.foot - line.base > GAP * usual > 0:
        return True
    least, most = INDENT[0] * line.height, INDENT[1] * line.height
    if not least < line.left - before.left < most:
        return False
    after = lines[at + 1] if at + 1 < len(lines) else before
    return least < line.left - after.left < most and not _ITEM.match(before.text)


def _distance(lines: Sequence[Line]) -> float:
    """The usual distance between the bases of two lines; 0 for a single line."""
    steps = sorted(
        before.foot - line.base
        for before, line in pairwise(lines)
        if before.foot - line.base > line.height / 2
    )
    # Of the shorter half: where paragraphs are short, many steps lie between them.
    return steps[(len(steps) - 1) // 4] if steps else 0.0
