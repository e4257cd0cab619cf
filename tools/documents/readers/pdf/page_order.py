"""Orders the lines of a PDF's page as they are read, if they are drawn in another order.

Most files draw their text in reading order, which is kept, because it tells more about columns and
boxes than positions do. The lines are reordered if they are drawn from the bottom up, if a table
is drawn column by column, or if two columns of prose are drawn line by line across both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tools.documents.readers.layout.reading_order import MIN_COLUMN_WIDTH, Box, in_lines, median
from tools.documents.readers.layout.text_lines import Line
from tools.documents.readers.pdf.text_cleanup import clean

MIN_LINES = 4  # of a column
SAMPLED_LINES = 5  # of a page, in which the gap between two columns is searched
MIN_GAP = 1.0  # width of that gap, in heights of a line
MIN_FILLED_SHARE = 0.6  # of the column's width, for the median line of prose
MIN_CONTINUED_SHARE = 0.3  # of a column's lines that begin within a sentence

Edges = Callable[[int], tuple[float, float]]
"""The left and right edge of a character in points, by its index in the page's text."""

_Gap = tuple[float, float, int]
"""A gap in a line: its left and right edge in points, and the index of the text after it."""
_SPACE = re.compile(r"(?<=\S)[ \t\u00a0]+(?=\S)")
_WITHIN = re.compile(r"[a-zß-öø-ÿа-яёα-ω\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


class Run(NamedTuple):
    """A line as drawn: its index in the page's text, and its text before cleaning."""

    line: Line
    start: int
    raw: str

    @property
    def last(self) -> int:
        return self.start + len(self.raw) - 1


def in_order(runs: Sequence[Run], edges: Edges) -> list[Line]:
    """The lines of a page in reading order.

    Arguments:
        runs: the lines in the order in which the file draws them.
        edges: gives the edges of a character.
    """
    lines = [run.line for run in runs]
    if len(runs) < MIN_LINES:
        return lines
    upward = sum(after.base > before.foot + before.height / 2 for before, after in pairwise(lines))
    if not upward:
        return _split_columns(runs, edges) or lines
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
    """Whether narrow lines side by side are drawn far apart, as the cells of a table are."""
    number = {run: index for index, run in enumerate(runs)}
    apart = [
        row
        for row in rows
        if any(abs(number[one] - number[other]) > 1 for one, other in pairwise(row))
    ]
    cells = [boxes[run] for row in apart for run in row]
    if len(apart) < MIN_LINES - 1:
        return False
    width = max(box.right for box in boxes.values()) - min(box.left for box in boxes.values())
    return median(box.width for box in cells) < MIN_COLUMN_WIDTH * width


def _joined(row: Sequence[Run]) -> Line:
    first = row[0].line
    if len(row) == 1:
        return first
    base = median(run.line.base for run in row)
    height = median(run.line.height for run in row)
    return Line(" ".join(run.line.text for run in row), first.left, base, height, base)


# Two columns that are drawn line by line across both


def _split_columns(runs: Sequence[Run], edges: Edges) -> list[Line] | None:
    """The left column's lines, then the right one's; None unless the page has two of prose."""
    long = [run for run in runs if _SPACE.search(run.raw)]
    sampled = long[:: max(1, len(long) // SAMPLED_LINES)][:SAMPLED_LINES]
    gaps, without = list[list[_Gap]](), 0
    for run in sampled:  # most pages are ruled out after a few lines
        gaps.append(list(_gaps(run, edges)))
        without += not gaps[-1]
        if len(sampled) - without < MIN_LINES - 1:
            return None
    every = [(left, right) for each in gaps for left, right, _ in each]
    common = (one for one in every if sum(_meets(each, *one) for each in gaps) >= MIN_LINES - 1)
    gap = next(common, None)
    if gap is None:
        return None
    halves = [half for run in runs for half in _halves(run, *gap, edges)]
    boxes = {half: _box(half.line, edges(half.last)[1]) for half in halves}
    rows = in_lines(halves, boxes.__getitem__)
    if any(len(row) > 1 for row in rows):
        return None  # a table's rows, not columns
    centre = sum(gap) / 2
    sides = [
        [half for half in halves if boxes[half].right <= centre],
        [half for half in halves if boxes[half].left >= centre],
    ]
    if not all(_is_prose(side, boxes) for side in sides):
        return None
    return [row[0].line for row in rows]


def _gaps(run: Run, edges: Edges) -> Iterator[_Gap]:
    """The wide spaces of a line, except in the outer eighths of its text."""
    margin = len(run.raw) // 8
    for found in _SPACE.finditer(run.raw, margin, len(run.raw) - margin):
        left, right = edges(run.start + found.start() - 1)[1], edges(run.start + found.end())[0]
        if right - left > MIN_GAP * run.line.height:
            yield left, right, found.end()


def _meets(gaps: Sequence[_Gap], left: float, right: float) -> bool:
    return any(first < right and left < last for first, last, _ in gaps)


def _halves(run: Run, left: float, right: float, edges: Edges) -> Iterator[Run]:
    """The parts of a line to both sides of a gap, or the whole line if it has none there."""
    for first, last, index in _gaps(run, edges):
        if first < right and left < last:
            before, after = run.raw[:index].rstrip(), run.raw[index:]
            line = run.line
            yield Run(line._replace(text=clean(before)), run.start, before)
            yield Run(line._replace(text=clean(after), left=last), run.start + index, after)
            return
    yield run


def _is_prose(side: Sequence[Run], boxes: dict[Run, Box]) -> bool:
    """Whether the lines of a column fill its width, and continue sentences."""
    if len(side) < MIN_LINES:
        return False
    width = max(boxes[run].right for run in side) - min(boxes[run].left for run in side)
    filled = median(boxes[run].width for run in side) >= MIN_FILLED_SHARE * width
    return filled and sum(map(_begins_within, side)) >= MIN_CONTINUED_SHARE * len(side)


def _begins_within(run: Run) -> bool:
    return _WITHIN.match(run.line.text) is not None
