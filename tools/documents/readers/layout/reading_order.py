"""The order in which one reads boxes on a page, whatever they hold.

A recursive XY cut: where an empty strip runs across all boxes they fall into rows, where one runs
down between them into columns, and so on inside each. Frames on a slide are paragraphs already:
there rows come first. Lines of a scan or of a pdf are not: there columns come first, but only those
of running text, for the columns of a table are read across.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

OVERLAP = 0.2
"""The share of the smaller one by which two frames may overlap and still stand apart."""
WIDE = 0.25  # of a block's width: columns of text have lines that wide, those of a table don't
TALL = 1.5  # heights of a line: a gap between two blocks

T = TypeVar("T")


class Box(NamedTuple):
    """A place on a page, in any unit; `top` and `bottom` grow downwards."""

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
    """Boxes fall into columns, or else rows, where they overlap by no more than a share of the
    smaller one and have more than `gap` heights of a line between them. `holds` says whether groups
    are what they seem."""

    columns: bool
    overlap: float = 0.0
    gap: float = 0.0
    holds: Callable[[Sequence[Sequence[Box]]], bool] = lambda groups: len(groups) > 1


def in_reading_order(things: Sequence[T], box: Callable[[T], Box | None]) -> list[T]:
    """Frames by where they stand; those without a place come last, in the order given."""
    placed = [(thing, place) for thing in things if (place := box(thing)) is not None]
    frames = [
        thing
        for block in _blocks(placed, _FRAMES)
        for thing, _ in sorted(block, key=lambda one: (one[1].top, one[1].left))
    ]
    return [*frames, *(thing for thing in things if box(thing) is None)]


def in_lines(things: Sequence[T], box: Callable[[T], Box]) -> list[list[T]]:
    """The words of each line, in the order in which they are read: columns of text one after
    another, rows of a table as one line each."""
    placed = [(thing, box(thing)) for thing in things]
    return [line for block in _blocks(placed, _LINES) for line in _lines(block)]


def middle(values: Iterable[float]) -> float:
    """The median, 0 of none."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def _blocks(placed: list[Placed[T]], cuts: Sequence[_Cut]) -> list[list[Placed[T]]]:
    """Blocks that none of the cuts goes through, in their order."""
    for cut in cuts:
        groups = _apart(placed, cut)
        if cut.holds([[place for _, place in group] for group in groups]):
            return [block for group in groups for block in _blocks(group, cuts)]
    return [placed]


def _apart(placed: list[Placed[T]], cut: _Cut) -> list[list[Placed[T]]]:
    """Groups that no box of another one reaches into, along one axis."""
    gap = cut.gap * middle(place.height for _, place in placed) if cut.gap else 0.0
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
    """Whether columns have several lines each, as wide as those of running text."""
    every = [place for column in columns for place in column]
    if len(columns) < 2 or min(map(len, columns)) < 3:
        return False
    width = max(place.right for place in every) - min(place.left for place in every)
    return all(middle(place.width for place in column) >= WIDE * width for column in columns)


_FRAMES = (_Cut(columns=False, overlap=OVERLAP), _Cut(columns=True, overlap=OVERLAP))
_LINES = (_Cut(columns=True, holds=_are_text), _Cut(columns=False, gap=TALL))


def _lines(block: list[Placed[T]]) -> Iterable[list[T]]:
    found: list[list[Placed[T]]] = []
    for one in sorted(block, key=lambda each: each[1].top + each[1].bottom):
        centre = (one[1].top + one[1].bottom) / 2
        if found and any(place.top <= centre <= place.bottom for _, place in found[-1]):
            found[-1].append(one)
        else:
            found.append([one])
    return ([thing for thing, _ in sorted(row, key=lambda one: one[1].left)] for row in found)
