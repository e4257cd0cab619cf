"""Sorts boxes on a page into reading order, by a recursive XY cut.

A horizontal gap through all boxes divides them into rows, a vertical one into columns, and each
group is divided again. Frames on a slide are whole paragraphs, so they are cut into rows first.
Lines of a scan or PDF are cut into columns first, but only into columns of running text, because
tables are read row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

MAX_OVERLAP = 0.2  # of the smaller of two frames, which count as separate up to that
MIN_COLUMN_WIDTH = 0.25  # of a block's width, for the lines of running text; table cells are less
BLOCK_GAP = 1.5  # heights of a line, between two blocks

T = TypeVar("T")


class Box(NamedTuple):
    """A rectangle on a page, in any unit; `top` and `bottom` grow downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left


Placed = tuple[T, Box]


@dataclass(frozen=True)
class _Cut:
    """A way to divide boxes into groups.

    Attributes:
        columns: whether the groups are columns; rows otherwise.
        overlap: how far separate groups may overlap, as a share of the smaller box.
        gap: the least distance of groups, in median heights of the boxes.
        holds: whether a division into groups is accepted.
    """

    columns: bool
    overlap: float = 0.0
    gap: float = 0.0
    holds: Callable[[Sequence[Sequence[Box]]], bool] = lambda groups: len(groups) > 1


def in_reading_order(things: Sequence[T], box: Callable[[T], Box | None]) -> list[T]:
    """Sort frames, such as the shapes of a slide.

    Arguments:
        things: the frames.
        box: gives the position of a frame; frames without one come last, in the given order.
    """
    placed = [(thing, place) for thing in things if (place := box(thing)) is not None]
    frames = [
        thing
        for block in _blocks(placed, _FRAMES)
        for thing, _ in sorted(block, key=lambda one: (one[1].top, one[1].left))
    ]
    return [*frames, *(thing for thing in things if box(thing) is None)]


def in_lines(things: Sequence[T], box: Callable[[T], Box]) -> list[list[T]]:
    """Group words or lines into lines, in reading order.

    Columns of running text come one after another; a row of a table is one line.

    Arguments:
        things: words, or parts of lines.
        box: gives the position of each.
    """
    placed = [(thing, box(thing)) for thing in things]
    return [line for block in _blocks(placed, _LINES) for line in _lines(block)]


def median(values: Iterable[float]) -> float:
    """The median (of an even number of values, the larger middle one); 0.0 without values."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def _blocks(placed: list[Placed[T]], cuts: Sequence[_Cut]) -> list[list[Placed[T]]]:
    """The blocks that no cut divides further, in reading order."""
    for cut in cuts:
        groups = _apart(placed, cut)
        if cut.holds([[place for _, place in group] for group in groups]):
            return [block for group in groups for block in _blocks(group, cuts)]
    return [placed]


def _apart(placed: list[Placed[T]], cut: _Cut) -> list[list[Placed[T]]]:
    """Divide boxes into groups along one axis, at the gaps between them."""
    gap = cut.gap * median(place.height for _, place in placed) if cut.gap else 0.0
    first, second = (0, 2) if cut.columns else (1, 3)
    groups: list[list[Placed[T]]] = []
    end, last = -math.inf, 0.0
    for one in sorted(placed, key=lambda each: (each[1][first], each[1][second])):
        begins, ends = one[1][first], one[1][second]
        size = ends - begins
        if groups and begins < end + gap - cut.overlap * min(size, last):
            groups[-1].append(one)
        else:
            groups.append([one])
        if ends > end:
            end, last = ends, size
    return groups


def _are_text(columns: Sequence[Sequence[Box]]) -> bool:
    """Whether each column has at least three lines, as wide as those of running text."""
    every = [place for column in columns for place in column]
    if len(columns) < 2 or min(map(len, columns)) < 3:
        return False
    width = max(place.right for place in every) - min(place.left for place in every)
    return all(
        median(place.width for place in column) >= MIN_COLUMN_WIDTH * width for column in columns
    )


_FRAMES = (_Cut(columns=False, overlap=MAX_OVERLAP), _Cut(columns=True, overlap=MAX_OVERLAP))
_LINES = (_Cut(columns=True, holds=_are_text), _Cut(columns=False, gap=BLOCK_GAP))


def _lines(block: list[Placed[T]]) -> Iterable[list[T]]:
    found: list[list[Placed[T]]] = []
    for one in sorted(block, key=lambda each: each[1].top + each[1].bottom):
        centre = (one[1].top + one[1].bottom) / 2
        if found and any(place.top <= centre <= place.bottom for _, place in found[-1]):
            found[-1].append(one)
        else:
            found.append([one])
    return ([thing for thing, _ in sorted(row, key=lambda one: one[1].left)] for row in found)
