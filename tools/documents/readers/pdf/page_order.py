"""The lines of a pdf's page in the order of reading, where they were not drawn in it.

Most files draw their text as it is read, and that order is kept: it knows of columns and boxes what
no geometry tells. It is left where it can't be that of reading: lines drawn from the bottom up, the
cells of a table drawn column by column, two columns of prose drawn line by line across both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tools.documents.readers.layout.reading_order import WIDE, Box, in_lines, middle
from tools.documents.readers.layout.text_lines import Line
from tools.documents.readers.pdf.text_cleanup import clean

FEW = 4  # lines: fewer are no columns
SAMPLED = 5  # lines in which a strip between two columns is looked for
STRIP = 1.0  # heights of a line: how wide that strip is at least
FILLED = 0.6  # of a column's width that lines of prose have
GOES_ON = 0.3  # the share of a column's lines that begin within a sentence

Edges = Callable[[int], tuple[float, float]]
"""The left and the right edge of a character, by its index in the page's text, in points."""

_Strip = tuple[float, float, int]
"""Its left and right edge, and the index in a line's text at which the line goes on."""
_SPACE = re.compile(r"(?<=\S)[ \t\u00a0]+(?=\S)")
_WITHIN = re.compile(r"[a-zß-öø-ÿа-яёα-ω\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


class Run(NamedTuple):
    """A line as it was drawn: where in the page's text it begins, and how it stands there."""

    line: Line
    start: int
    raw: str

    @property
    def last(self) -> int:
        return self.start + len(self.raw) - 1


def in_order(runs: Sequence[Run], edges: Edges) -> list[Line]:
    """The lines of a page in the order of reading."""
    lines = [run.line for run in runs]
    if len(runs) < FEW:
        return lines
    upward = sum(after.base > before.foot + before.height / 2 for before, after in pairwise(lines))
    if not upward:
        return _parted(runs, edges) or lines
    boxes = {run: _box(run.line, edges(run.last)[1]) for run in runs}
    rows = in_lines(runs, boxes.__getitem__)
    if 2 * upward > len(runs) - 1 or _is_drawn_by_column(runs, rows, boxes):
        return list(map(_joined, rows))
    return lines


def _box(line: Line, right: float) -> Box:
    return Box(line.left, -line.base - line.height, right, -line.foot)


def _is_drawn_by_column(
    runs: Sequence[Run], rows: Sequence[Sequence[Run]], boxes: dict[Run, Box]
) -> bool:
    """Whether narrow lines that stand side by side were drawn far from one another."""
    number = {run: at for at, run in enumerate(runs)}
    apart = [
        row
        for row in rows
        if any(abs(number[one] - number[other]) > 1 for one, other in pairwise(row))
    ]
    cells = [boxes[run] for row in apart for run in row]
    if len(apart) < FEW - 1:
        return False
    width = max(box.right for box in boxes.values()) - min(box.left for box in boxes.values())
    return middle(box.width for box in cells) < WIDE * width


def _joined(row: Sequence[Run]) -> Line:
    first = row[0].line
    if len(row) == 1:
        return first
    base = middle(run.line.base for run in row)
    height = middle(run.line.height for run in row)
    return Line(" ".join(run.line.text for run in row), first.left, base, height, base)


# Two columns drawn across


def _parted(runs: Sequence[Run], edges: Edges) -> list[Line] | None:
    """The lines of one column after those of the other, where a strip runs between two columns of
    prose that were drawn across it; None where there is none."""
    long = [run for run in runs if _SPACE.search(run.raw)]
    sampled = long[:: max(1, len(long) // SAMPLED)][:SAMPLED]
    strips, without = list[list[_Strip]](), 0
    for run in sampled:  # most pages are known after a few lines
        strips.append(list(_strips(run, edges)))
        without += not strips[-1]
        if len(sampled) - without < FEW - 1:
            return None
    every = [(left, right) for each in strips for left, right, _ in each]
    common = (one for one in every if sum(_meets(each, *one) for each in strips) >= FEW - 1)
    strip = next(common, None)
    if strip is None:
        return None
    halves = [half for run in runs for half in _halves(run, *strip, edges)]
    boxes = {half: _box(half.line, edges(half.last)[1]) for half in halves}
    rows = in_lines(halves, boxes.__getitem__)
    if any(len(row) > 1 for row in rows):
        return None  # a table's rows, not columns
    middle_of_strip = sum(strip) / 2
    sides = [
        [half for half in halves if boxes[half].right <= middle_of_strip],
        [half for half in halves if boxes[half].left >= middle_of_strip],
    ]
    if not all(_is_prose(side, boxes) for side in sides):
        return None
    return [row[0].line for row in rows]


def _strips(run: Run, edges: Edges) -> Iterator[_Strip]:
    """Where a line has wide spaces, but for its ends."""
    margin = len(run.raw) // 8
    for found in _SPACE.finditer(run.raw, margin, len(run.raw) - margin):
        left, right = edges(run.start + found.start() - 1)[1], edges(run.start + found.end())[0]
        if right - left > STRIP * run.line.height:
            yield left, right, found.end()


def _meets(strips: Sequence[_Strip], left: float, right: float) -> bool:
    return any(first < right and left < last for first, last, _ in strips)


def _halves(run: Run, left: float, right: float, edges: Edges) -> Iterator[Run]:
    for first, last, at in _strips(run, edges):
        if first < right and left < last:
            before, after = run.raw[:at].rstrip(), run.raw[at:]
            line = run.line
            yield Run(line._replace(text=clean(before)), run.start, before)
            yield Run(line._replace(text=clean(after), left=last), run.start + at, after)
            return
    yield run


def _is_prose(side: Sequence[Run], boxes: dict[Run, Box]) -> bool:
    """Whether the lines of a column fill it, and go on from one to the next."""
    if len(side) < FEW:
        return False
    width = max(boxes[run].right for run in side) - min(boxes[run].left for run in side)
    filled = middle(boxes[run].width for run in side) >= FILLED * width
    return filled and sum(map(_begins_within, side)) >= GOES_ON * len(side)


def _begins_within(run: Run) -> bool:
    return _WITHIN.match(run.line.text) is not None
