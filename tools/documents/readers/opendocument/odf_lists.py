"""Styles of OpenDocument files that affect text: lists, page breaks, super- and subscripts."""

from __future__ import annotations

from tools.documents.readers.layout.list_numbers import written
from tools.documents.readers.layout.symbols import lowered, raised
from tools.documents.readers.safe_xml import Element, child, get, inside, name, whole

_STYLES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_STYLES |= {"一, 二, 三, ...": "chineseCounting", "①, ②, ③, ...": "decimalEnclosedCircle"}
_COUNTING = ("text:list-level-style-number", "text:outline-level-style")


class Lists:
    """The styles of `content.xml` and `styles.xml`, with counters that follow the text as read."""

    def __init__(self, root: Element | None, styles: Element | None) -> None:
        parts = [one for one in (styles, root) if one is not None]
        self._lists = {
            get(one, "style:name"): {whole(get(level, "text:level"), 1): level for level in one}
            for part in parts
            for one in inside(part, "text:list-style")
        }
        self._outline = {
            whole(get(level, "text:level"), 1): level
            for part in parts
            for one in inside(part, "text:outline-style")
            for level in one
        }
        known = [one for part in parts for one in inside(part, "style:style")]
        self._breaks = {
            get(one, "style:name"): get(child(one, "style:paragraph-properties"), "fo:break-before")
            for one in known
            if child(one, "style:paragraph-properties") is not None
        }
        self._positions = {
            get(one, "style:name"): get(child(one, "style:text-properties"), "style:text-position")
            for one in known
            if child(one, "style:text-properties") is not None
        }
        self._counts: dict[str, dict[int, int]] = {}

    def breaks(self, style: str) -> bool:
        """Whether a paragraph of this style begins a page."""
        return self._breaks.get(style) == "page"

    def placed(self, text: str, style: str) -> str:
        """The text, as superscript or subscript characters if the style says so."""
        position = self._positions.get(style, "")
        if position.startswith(("super", "sub")):
            return raised(text) if position.startswith("super") else lowered(text)
        share = position.split("%")[0]
        if not share.lstrip("-").isdecimal() or share in ("0", "-0"):
            return text
        return lowered(text) if share.startswith("-") else raised(text)

    def label(self, style: str, level: int, goes_on: bool, start: str) -> str:
        """Count the next item of a list, and return its label; "-" for a bullet."""
        return self._label(style, self._lists.get(style, {}), level, goes_on, start)

    def outline(self, level: int) -> str:
        """Count the next heading, and return its number; empty without numbering."""
        label = self._label("outline", self._outline, level, True, "")
        return "" if label == "-" else label

    def _label(
        self, key: str, levels: dict[int, Element], level: int, goes_on: bool, start: str
    ) -> str:
        definition = levels.get(level)
        counts = self._counts.setdefault(key, {})
        if not goes_on:
            counts.clear()
        for deeper in [deep for deep in counts if deep > level]:
            del counts[deeper]
        if definition is None or name(definition) not in _COUNTING:
            return "-"
        first = whole(get(definition, "text:start-value"), 1)
        counts[level] = whole(start) if start.isdecimal() else counts.get(level, first - 1) + 1
        shown = max(whole(get(definition, "text:display-levels"), 1), 1)
        numbers = [
            written(
                counts.get(depth, 1),
                _STYLES.get(_format(levels.get(depth)), _format(levels.get(depth))),
            )
            for depth in range(max(1, level - shown + 1), level + 1)
            if _format(levels.get(depth))
        ]
        if not numbers:
            return ""
        before, after = get(definition, "style:num-prefix"), get(definition, "style:num-suffix")
        return f"{before}{'.'.join(numbers)}{after}".strip()


def _format(level: Element | None) -> str:
    return get(level, "style:num-format") if level is not None else ""
