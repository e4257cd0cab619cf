"""A chart as a table of what it draws: the values that the file keeps beside the picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tools.documents.readers.layout.pagination import Block
from tools.documents.readers.office.drawingml import paragraphs, run_text
from tools.documents.readers.safe_xml import Element, child, children, inside, name, whole
from tools.documents.readers.tables.markdown import table
from tools.documents.readers.tables.number_formats import number


def chart(root: Element | None) -> list[Block]:
    """A chart as its title and a table of what it draws."""
    if root is None:
        return []
    if name(root) == "cx:chartSpace":
        return _newer_chart(root)
    drawn = child(root, "c:chart")
    plot = child(drawn, "c:plotArea")
    title, axes = _title(drawn), _axes(plot)
    series = list(inside(plot, "c:ser"))
    blocks = [Block(f"Chart: {title}" if title else "Chart:")]
    for categories, group in groupby(series, key=lambda one: _points(one, "c:cat", "c:xVal")):
        members = list(group)
        names = [_series_name(one) or f"Series {at}" for at, one in enumerate(members, 1)]
        values = [_points(one, "c:val", "c:yVal") for one in members]
        sizes = [_points(one, "c:bubbleSize") for one in members]
        columns = [dict(one) for one in (*values, *filter(None, sizes))]
        names += [f"{label} (size)" for label, one in zip(names, sizes, strict=True) if one]
        known = dict(categories)
        rows = [
            [known.get(at, ""), *(column.get(at, "") for column in columns)]
            for at in sorted(set(known).union(*columns))
        ]
        blocks += table([[axes[0], *names], *rows]) if rows else []
    if axes[1]:
        blocks.append(Block(f"Values: {axes[1]}"))
    return blocks if len(blocks) > 1 or title else []


def _title(parent: Element | None) -> str:
    """The title of a chart or of an axis."""
    told = child(parent, "c:title", "c:tx")
    if told is None:
        return ""
    rich = child(told, "c:rich")
    if rich is not None:
        return " ".join(block.text for block in paragraphs(rich))
    return " ".join(text for _, text in _cached(told))


def _axes(plot: Element | None) -> tuple[str, str]:
    """The titles of the axis that is counted along, and of the one that is measured on."""
    titles = {"c:catAx": "", "c:dateAx": "", "c:valAx": ""}
    measured: list[str] = []
    for axis in children(plot):
        if name(axis) in titles:
            titles[name(axis)] = titles[name(axis)] or _title(axis)
            measured += [_title(axis)] if name(axis) == "c:valAx" else []
    along = titles["c:catAx"] or titles["c:dateAx"]
    shown = [title for title in measured if title]
    return (along, ", ".join(shown)) if along or len(measured) < 2 else (measured[0], measured[1])


def _series_name(series: Element) -> str:
    told = child(series, "c:tx")
    if told is None:
        return ""
    said = child(told, "c:v")
    return (said.text or "") if said is not None else " ".join(text for _, text in _cached(told))


def _points(series: Element, *names: str) -> tuple[tuple[int, str], ...]:
    """Numbered values; categories of several levels are joined, the outer one first."""
    for short in names:
        holder = child(series, short)
        if holder is not None:
            return _cached(holder)
    return ()


def _cached(holder: Element) -> tuple[tuple[int, str], ...]:
    levels = [dict(_level(one)) for one in inside(holder, "c:lvl")]
    if levels:
        return tuple(_under_outer(levels))
    caches = inside(holder, "c:strCache", "c:numCache", "c:strLit", "c:numLit")
    return tuple(_level(next(caches, None)))


def _under_outer(levels: list[dict[int, str]]) -> Iterator[tuple[int, str]]:
    # An outer category stands at its first point and holds up to the next.
    outer = [""] * len(levels)
    for at in sorted({at for level in levels for at in level}):
        outer = [level.get(at, before) for level, before in zip(levels, outer, strict=True)]
        if at in levels[0]:
            yield at, " ".join(text for text in (*outer[:0:-1], levels[0][at]) if text)


def _level(cache: Element | None) -> Iterator[tuple[int, str]]:
    coded = child(cache, "c:formatCode")
    code = (coded.text or "") if coded is not None else ""
    for point in children(cache):
        if name(point) == "c:pt":
            said = child(point, "c:v")
            text = (said.text or "") if said is not None else ""
            yield whole(point.get("idx")), number(text, code) if code else text


def _newer_chart(root: Element) -> list[Block]:
    """Waterfalls, trees and the like, which Office has since 2016."""
    told = child(root, "cx:chart", "cx:title")
    title = " ".join(run_text(one).strip() for one in inside(told, "a:p"))
    blocks = [Block(f"Chart: {title}" if title else "Chart:")]
    for data in inside(root, "cx:data"):
        columns = [
            [point.text or "" for point in inside(level, "cx:pt")]
            for dimension in children(data)
            if name(dimension) in ("cx:strDim", "cx:numDim")
            for level in reversed([one for one in children(dimension) if name(one) == "cx:lvl"])
        ]
        height = max(map(len, columns), default=0)
        rows = [[c[at] if at < len(c) else "" for c in columns] for at in range(height)]
        header = ["Category", *[""] * (len(columns) - 1)]
        blocks += table([header, *rows]) if rows else []
    return blocks if len(blocks) > 1 or title else []
