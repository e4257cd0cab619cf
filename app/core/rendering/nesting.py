"""Detects Markdown that is nested too deeply to be drawn. Pure functions.

The parser in the browser is recursive, and fails with a RangeError some thousand levels down.
"""

from __future__ import annotations

import re

MAX_DEPTH = 100
"""Levels that are drawn; texts by people have under ten."""

_MARKERS = re.compile(r"[ \t]*+(?:(?:>|[-*+](?=[ \t\n]|$)|\d{1,9}[.)](?=[ \t\n]|$))[ \t]*+)*+")
_MARKER = re.compile(r">|[-*+]|\d++[.)]")
_STEP = re.compile(r"\n[ \t]*+(?=\n)|[\[{]|[\]}]|(?<!\S)[*_~]++(?=\S)|[*_~]++")
_TICKS = re.compile(r"`++")


def is_too_deep(text: str) -> bool:
    """Whether quotations, lists, emphasis, brackets or braces may be deeper than `MAX_DEPTH`.

    The estimate may be too high, but not for text of usual depth. It takes time linear in the
    length of the text.
    """
    return any(map(_is_deep_line, text.splitlines())) or _is_deep_inline(text)


def as_text(text: str) -> str:
    """A Markdown code block that shows `text` as it is."""
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def _is_deep_line(line: str) -> bool:
    found = _MARKERS.match(line)
    markers = found.group() if found else ""
    if len(markers) <= MAX_DEPTH:
        return False
    count = len(_MARKER.findall(markers))
    # Each level of a list is indented by two more columns.
    return bool(count) and count + (len(markers) - len(markers.lstrip())) // 2 > MAX_DEPTH


def _is_deep_inline(text: str) -> bool:
    depth = 0
    for found in _STEP.finditer(text):
        step = found.group()
        if step[0] == "\n":
            depth = 0
        elif step[0] in "[{":
            depth += 1
        elif step[0] in "]}":
            depth = max(0, depth - 1)
        elif len(step) > MAX_DEPTH and not _is_rule(text, *found.span()):
            return True
        elif text[found.end() : found.end() + 1].strip() and not _follows_word(text, found.start()):
            depth += 1
        else:
            depth = max(0, depth - 1)
        if depth > MAX_DEPTH:
            return True
    return False


def _follows_word(text: str, index: int) -> bool:
    return index > 0 and not text[index - 1].isspace()


def _is_rule(text: str, start: int, end: int) -> bool:
    """Whether the span is alone on its line, which makes it a horizontal rule."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return not before.strip() and (end == len(text) or text[end] == "\n")
