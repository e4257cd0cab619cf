"""Joins the lines of a page into Markdown paragraphs and headings, by position and height."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

PARAGRAPH_GAP = 1.3  # times the usual line distance; a larger one begins a paragraph
MIN_INDENT, MAX_INDENT = 0.8, 4.0  # of a paragraph's first line, in line heights
# The minimum height of a heading in heights of body text, and its Markdown prefix.
HEADINGS = ((1.75, "# "), (1.4, "## "), (1.18, "### "))
MAX_HEADING_CHARS = 150  # of a heading

_CONTENTS = re.compile(r"(?:[.·…] ?){4}")  # dot leaders of a table of contents
_ITEM = re.compile(r"[•▪‣◦●○■□➢✓→–—*-]|\(?\w{1,3}[.)]\s")


class Line(NamedTuple):
    """A line of text, or several that are joined by hyphenated words; positions in any unit.

    Attributes:
        text: its text.
        left: left edge.
        base: baseline of the first line, growing up the page.
        height: font size.
        foot: baseline of the last line.
    """

    text: str
    left: float
    base: float
    height: float
    foot: float


class Body:
    """The usual height of a document's body text, from the lines seen so far."""

    def __init__(self) -> None:
        self._characters = Counter[float]()
        self._usual = 0.0

    def see(self, lines: Sequence[Line]) -> None:
        """Count the lines of a page; the height of most characters becomes the usual one."""
        for line in lines:
            self._characters[round(line.height, 1)] += len(line.text)
        self._usual = max(self._characters, key=self._characters.__getitem__, default=0.0)

    def mark(self, line: Line) -> str:
        """The Markdown prefix of a heading, such as `## `; empty for other lines."""
        if line.height < HEADINGS[-1][0] * self._usual or len(line.text) > MAX_HEADING_CHARS:
            return ""
        if _CONTENTS.search(line.text) or not any(map(str.isalpha, line.text)):
            return ""
        return next(mark for minimum, mark in HEADINGS if line.height >= minimum * self._usual)


def markdown(lines: Sequence[Line], body: Body | None = None) -> str:
    """The lines as Markdown, in the given order; headings only with `body`."""
    usual = _distance(lines)
    parts, mark = list[str](), ""
    for index, line in enumerate(lines):
        before, mark = mark, body.mark(line) if body is not None else ""
        if index == 0:
            parts.append(mark)
        elif mark and mark == before and lines[index - 1].foot - line.base < 2 * line.height:
            parts.append(" ")
        elif mark or before or _begins(lines, index, usual):
            parts.append(f"\n\n{mark}")
        else:
            parts.append("\n")
        parts.append(line.text)
    return "".join(parts)


def _begins(lines: Sequence[Line], index: int, usual: float) -> bool:
    """Whether a paragraph begins with the line at `index`, given the usual line distance."""
    before, line = lines[index - 1], lines[index]
    if before.foot - line.base > PARAGRAPH_GAP * usual > 0:
        return True
    minimum, maximum = MIN_INDENT * line.height, MAX_INDENT * line.height
    if not minimum < line.left - before.left < maximum:
        return False
    after = lines[index + 1] if index + 1 < len(lines) else before
    return minimum < line.left - after.left < maximum and not _ITEM.match(before.text)


def _distance(lines: Sequence[Line]) -> float:
    """The usual distance between the bases of two lines; 0 for a single line."""
    steps = sorted(
        before.foot - line.base
        for before, line in pairwise(lines)
        if before.foot - line.base > line.height / 2
    )
    # The first quartile: with short paragraphs, many distances are those between paragraphs.
    return steps[(len(steps) - 1) // 4] if steps else 0.0
