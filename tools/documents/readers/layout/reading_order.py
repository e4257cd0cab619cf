"""The order in which one reads boxes on a slide: rows from the top, columns from the left.

A recursive XY cut: where an empty strip runs across all boxes they fall into rows, where one runs
down between them into columns, and so on inside each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

OVERLAP = 0.2
"""The share of the smaller one by which two boxes may overlap and still stand apart."""

T = TypeVar("T")


@dataclass(frozen=True)
class Box:
    """A place on a page, in any unit; `top` grows downwards."""

    left: int
    top: int
    width: int
    height: int


def in_reading_order(things: Sequence[T], box: Callable[[T], Box | None]) -> list[T]:
    """`things` by where they stand; those without a place come last, in the order given."""
    placed = [(thing, place) for thing in things if (place := box(thing)) is not None]
    return [*_cut(placed), *(thing for thing in things if box(thing) is None)]


def _cut(placed: list[tuple[T, Box]]) -> list[T]:
    for start, length in ((_top, _height), (_left, _width)):
        groups = _apart(placed, start, length)
        if len(groups) > 1:
            return [thing for group in groups for thing in _cut(group)]
    ordered = sorted(placed, key=lambda one: (one[1].top, one[1].left))
    return [thing for thing, _ in ordered]


def _apart(
    placed: list[tuple[T, Box]], start: Callable[[Box], int], length: Callable[[Box], int]
) -> list[list[tuple[T, Box]]]:
    """Groups that no box of another one reaches into, along one axis."""
    groups: list[list[tuple[T, Box]]] = []
    end = last = 0
    for one in sorted(placed, key=lambda one: start(one[1])):
        begins, size = start(one[1]), length(one[1])
        if groups and begins < end - OVERLAP * min(size, last):
            groups[-1].append(one)
        else:
            groups.append([one])
        if begins + size > end:
            end, last = begins + size, size
    return groups


def _top(box: Box) -> int:
    return box.top


def _left(box: Box) -> int:
    return box.left


def _height(box: Box) -> int:
    return box.height


def _width(box: Box) -> int:
    return box.width
