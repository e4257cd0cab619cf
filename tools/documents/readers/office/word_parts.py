"""Styles, numbering and notes of a Word file: heading levels, list numbers, comments."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.documents.readers.layout.list_numbers import roman, written
from tools.documents.readers.safe_xml import (
    Element,
    child,
    children,
    get,
    name,
    switched_on,
    value,
    whole,
)

MAX_STYLE_DEPTH = 20  # of a chain of styles, each based on the next
_HEADING = re.compile(r"heading ([1-9])|(title)", re.I)
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True)
class ListPlace:
    """The list that a paragraph belongs to, and its level there, from 0."""

    number_id: str
    level: int


class Styles:
    """The styles of `word/styles.xml`; none if it is missing."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {
            get(style, "w:styleId"): style for style in children(root) if name(style) == "w:style"
        }

    def heading(self, properties: Element | None) -> int:
        """The heading level, 1 to 6, of a paragraph with these properties; 0 for body text."""
        own = value(properties, "w:outlineLvl")
        if own is not None:
            return _depth(own)
        for style in self._chain(properties):
            found = _HEADING.fullmatch(value(style, "w:name") or "")
            if found:
                return 1 if found[2] else min(int(found[1]), 6)
            level = value(style, "w:pPr", "w:outlineLvl")
            if level is not None:
                return _depth(level)
        return 0

    def place(self, properties: Element | None) -> ListPlace | None:
        """The list that a paragraph is an item of, by its properties or its style; None if none."""
        own = child(properties, "w:numPr")
        number_id, level = value(own, "w:numId"), value(own, "w:ilvl")
        for style in self._chain(properties):
            if number_id is not None and level is not None:
                break
            numbering = child(style, "w:pPr", "w:numPr")
            number_id = value(numbering, "w:numId") if number_id is None else number_id
            level = value(numbering, "w:ilvl") if level is None else level
        if not number_id or number_id == "0":
            return None
        return ListPlace(number_id, min(max(whole(level), 0), 8))

    def _chain(self, properties: Element | None) -> list[Element]:
        found: list[Element] = []
        style = self._styles.get(value(properties, "w:pStyle") or "")
        while style is not None and style not in found and len(found) < MAX_STYLE_DEPTH:
            found.append(style)
            style = self._styles.get(value(style, "w:basedOn") or "")
        return found


def _depth(level: str) -> int:
    return min(whole(level, 9) + 1, 6) if whole(level, 9) < 9 else 0


@dataclass(frozen=True)
class _Level:
    start: int
    style: str
    text: str
    restarts: bool
    decimal: bool


class Numbering:
    """The lists of `word/numbering.xml`, with counters that follow the paragraphs as read."""

    def __init__(self, root: Element | None) -> None:
        parts = list(children(root))
        abstract = {get(x, "w:abstractNumId"): x for x in parts if name(x) == "w:abstractNum"}
        # A list style is defined once and referred to by name.
        styled = {value(x, "w:styleLink"): x for x in abstract.values()}
        self._lists: dict[str, tuple[str, dict[int, _Level]]] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        for number in (x for x in parts if name(x) == "w:num"):
            own, abstract_id = get(number, "w:numId"), value(number, "w:abstractNumId") or ""
            definition = abstract.get(abstract_id)
            if definition is not None and (link := value(definition, "w:numStyleLink")):
                definition = styled.get(link, definition)
            levels = dict(_levels(definition))
            for override in (x for x in children(number) if name(x) == "w:lvlOverride"):
                levels |= dict(_levels(override))
                start = value(override, "w:startOverride")
                if start is not None:
                    level = whole(get(override, "w:ilvl"))
                    self._restarts.setdefault(own, {})[level] = whole(start)
            self._lists[own] = (abstract_id, levels)
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def label(self, place: ListPlace) -> str:
        """Count the next item, and return its label: "-" for a bullet, "2.1", or nothing."""
        abstract_id, levels = self._lists.get(place.number_id, ("", {}))
        level = levels.get(place.level)
        if level is None:
            return "-"
        # Lists with the same definition continue its count, unless they have a start of their own.
        counts = self._counts[abstract_id]
        for position, start in self._restarts.pop(place.number_id, {}).items():
            counts[position] = start - 1
            for deeper in [deep for deep in counts if deep > position]:
                del counts[deeper]
        counts[place.level] = counts.get(place.level, level.start - 1) + 1
        for deeper in [deep for deep in counts if deep > place.level]:
            if deeper not in levels or levels[deeper].restarts:
                del counts[deeper]
        if level.style == "bullet":
            return "-"

        def count(found: re.Match[str]) -> str:
            position = int(found[1]) - 1
            counted = levels.get(position)
            number = counts.setdefault(position, counted.start if counted else 1)
            return written(number, "decimal" if level.decimal or counted is None else counted.style)

        return _PLACE.sub(count, level.text).strip()


def _levels(parent: Element | None) -> list[tuple[int, _Level]]:
    found = []
    for level in children(parent):
        if name(level) == "w:lvl":
            found.append(
                (
                    whole(get(level, "w:ilvl")),
                    _Level(
                        whole(value(level, "w:start"), 1),
                        value(level, "w:numFmt") or "decimal",
                        value(level, "w:lvlText") or "",
                        value(level, "w:lvlRestart") != "0",
                        switched_on(level, "w:isLgl"),
                    ),
                )
            )
    return found


@dataclass(frozen=True)
class Comment:
    """A comment in the margin."""

    author: str
    text: str


@dataclass
class Notes:
    """The notes by their ids, and those that the text read so far refers to.

    `at_end`: the endnotes that were referred to, in order.
    """

    footnotes: Mapping[str, str] = field(default_factory=dict)
    endnotes: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[str, Comment] = field(default_factory=dict)
    at_end: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)

    def taken(self) -> tuple[str, ...]:
        """The notes referred to since the last call, for the end of the page."""
        waiting, self._waiting = tuple(self._waiting), []
        return waiting

    def footnote(self, reference: str) -> str:
        """The mark of a footnote in the text."""
        text = self.footnotes.get(reference)
        if text is None:
            return ""
        if reference not in self._numbers:
            self._numbers[reference] = len(self._numbers) + 1
            self._waiting.append(f"[^{self._numbers[reference]}]: {text}")
        return f"[^{self._numbers[reference]}]"

    def endnote(self, reference: str) -> str:
        """The mark of an endnote in the text."""
        text = self.endnotes.get(reference)
        if text is None:
            return ""
        mark = f"[^{roman(len(self.at_end) + 1)}]"
        self.at_end.append(f"{mark}: {text}")
        return mark

    def comment(self, reference: str, anchor: str) -> None:
        """Add a comment to the notes; `anchor`: the commented words, if known."""
        comment = self.comments.get(reference)
        if comment is not None:
            words = " ".join(anchor.split())
            on = f" on “{words}”" if words else ""
            by = f" by {comment.author}" if comment.author else ""
            self._waiting.append(f"Comment{by}{on}: {comment.text}")
