"""Reads a chart as a table of its values, which the file stores with the chart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tools.documents.readers.layout.pagination import Block
from tools.documents.readers.office.drawingml import paragraphs, run_text
from tools.documents.readers.safe_xml import Element, child, children, inside, name, whole
from tools.documents.readers.tables.markdown import table
from tools.documents.readers.tables.number_formats import number


def chart(root: Element | None) -> list[Block]:
    """The title of a chart, and a table of its values; empty for a chart without both."""
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
        names = [_series_name(one) or f"Series {count}" for count, one in enumerate(members, 1)]
        values = [_points(one, "c:val", "c:yVal") for one in members]
        sizes = [_points(one, "c:bubbleSize") for one in members]
        columns = [dict(one) for one in (*values, *filter(None, sizes))]
        names += [f"{label} (size)" for label, one in zip(names, sizes, strict=True) if one]
        known = dict(categories)
        rows = [
            [known.get(index, ""), *(column.get(index, "") for column in columns)]
            for index in sorted(set(known).union(*columns))
        ]
        blocks += table([[axes[0], *names], *rows]) if rows else []
    if axes[1]:
        blocks.append(Block(f"Values: {axes[1]}"))
    return blocks if len(blocks) > 1 or title else []


def _title(parent: Element | None) -> str:
    """The title of a chart or of an axis."""
    title = child(parent, "c:title", "c:tx")
    if title is None:
        return ""
    rich = child(title, "c:rich")
    if rich is not None:
        return " ".join(block.text for block in paragraphs(rich))
    return " ".join(text for _, text in _cached(title))


def _axes(plot: Element | None) -> tuple[str, str]:
    """The titles of the category axis and of the value axes."""
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
    label = child(series, "c:tx")
    if label is None:
        return ""
    text = child(label, "c:v")
    if text is not None:
        return text.text or ""
    return " ".join(part for _, part in _cached(label))


def _points(series: Element, *names: str) -> tuple[tuple[int, str], ...]:
    """Values with their indexes; categories of several levels are joined, the outer one first."""
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
    # An outer category is given at its first point only, and holds up to the next one.
    outer = [""] * len(levels)
    for index in sorted({key for level in levels for key in level}):
        outer = [level.get(index, before) for level, before in zip(levels, outer, strict=True)]
        if index in levels[0]:
            yield index, " ".join(text for text in (*outer[:0:-1], levels[0][index]) if text)


def _level(cache: Element | None) -> Iterator[tuple[int, str]]:
    coded = child(cache, "c:formatCode")
    code = (coded.text or "") if coded is not None else ""
    for point in children(cache):
        if name(point) == "c:pt":
            content = child(point, "c:v")
            text = (content.text or "") if content is not None else ""
            yield whole(point.get("idx")), number(text, code) if code else text


def _newer_chart(root: Element) -> list[Block]:
    """Chart types since Office 2016, such as waterfalls and treemaps."""
    caption = child(root, "cx:chart", "cx:title")
    title = " ".join(run_text(one).strip() for one in inside(caption, "a:p"))
    blocks = [Block(f"Chart: {title}" if title else "Chart:")]
    for data in inside(root, "cx:data"):
        columns = [
            [point.text or "" for point in inside(level, "cx:pt")]
            for dimension in children(data)
            if name(dimension) in ("cx:strDim", "cx:numDim")
            for level in reversed([one for one in children(dimension) if name(one) == "cx:lvl"])
        ]
        height = max(map(len, columns), default=0)
        rows = [[c[index] if index < len(c) else "" for c in columns] for index in range(height)]
        header = ["Category", *[""] * (len(columns) - 1)]
        blocks += table([header, *rows]) if rows else []
    return blocks if len(blocks) > 1 or title else []
