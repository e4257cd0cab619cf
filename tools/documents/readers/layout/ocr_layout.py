"""Recognised words on a picture, put into the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from tools.documents.readers.layout.text_lines import Line

WIDE = 0.25  # of a block's width: columns of text have lines that wide, those of a table don't
TALL = 1.5  # heights of a line: a gap between two blocks


class Box(NamedTuple):
    """Words with the rectangle around them, in pixels from the picture's upper left corner, and
    how many of their characters are thought to be right."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    certainty: float = 0.0

    @property
    def height(self) -> float:
        return self.bottom - self.top


def in_order(boxes: Sequence[Box]) -> list[Line]:
    """The boxes as lines: columns of text one after another, rows of a table as one line each."""
    return [line_of(row) for row in rows(boxes)]


def rows(boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes of each line, in the order in which they are read."""
    return [row for block in _blocks(boxes) for row in _rows(block)]


def line_of(row: Sequence[Box]) -> Line:
    """The boxes of a line as one."""
    height = _middle(box.height for box in row)
    base = -_middle(box.bottom for box in row)
    return Line(" ".join(box.text for box in row), row[0].left, base, height, base)


def _blocks(boxes: Sequence[Box]) -> Iterator[Sequence[Box]]:
    """Blocks that hold no columns, in their order."""
    columns = _parted(boxes, lambda box: (box.left, box.right), 0.0)
    if len(columns) > 1 and all(_is_text(column, boxes) for column in columns):
        for column in columns:
            yield from _blocks(column)
        return
    height = _middle(box.height for box in boxes)
    blocks = _parted(boxes, lambda box: (box.top, box.bottom), TALL * height)
    if len(blocks) == 1:
        yield boxes
        return
    for block in blocks:
        yield from _blocks(block)


def _parted(
    boxes: Sequence[Box], reach: Callable[[Box], tuple[float, float]], gap: float
) -> list[list[Box]]:
    """The boxes in groups, with more than `gap` between them in the direction of `reach`."""
    groups: list[list[Box]] = []
    end = 0.0
    for box in sorted(boxes, key=reach):
        first, last = reach(box)
        if not groups or first > end + gap:
            groups.append([])
            end = last
        groups[-1].append(box)
        end = max(end, last)
    return groups


def _is_text(column: Sequence[Box], whole: Sequence[Box]) -> bool:
    width = max(box.right for box in whole) - min(box.left for box in whole)
    return len(column) > 2 and _middle(box.right - box.left for box in column) >= WIDE * width


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def _rows(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    found: list[list[Box]] = []
    for box in sorted(boxes, key=lambda each: each.top + each.bottom):
        middle = (box.top + box.bottom) / 2
        if found and any(other.top <= middle <= other.bottom for other in found[-1]):
            found[-1].append(box)
        else:
            found.append([box])
    return (sorted(row, key=lambda each: each.left) for row in found)
