"""Text meant for a terminal or a browser -> plain text."""

from __future__ import annotations

import html
import re

# Escape sequences of terminals (ECMA-48): CSI, OSC, and the two-character ones.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^_`-~])")
_CONTROL = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def plain(text: str) -> str:
    """Text as a terminal would have left it, without colours and control characters."""
    text = _ANSI.sub("", text)
    return overwritten(text).replace("\r", "").translate(_CONTROL)


def overwritten(text: str) -> str:
    """Every line from its last carriage return on; one at its end has yet to take effect."""
    if "\r" not in text:
        return text
    lines = (line.rstrip("\r") for line in text.split("\n"))
    end = "\r" if text.endswith("\r") else ""
    return "\n".join(line[line.rfind("\r") + 1 :] for line in lines) + end


def html_text(markup: str) -> str:
    """HTML as text: a line a row of a table, a tab between its cells.

    In time linear in the length, whatever it is; parsers of trees are not.
    """
    parts: list[str] = []
    silent = ""
    for at, part in enumerate(_TAG.split(markup)):
        name = (part or "").lower()
        if at % 2 == 0:
            if not silent:
                parts.append(_SPACES.sub(" ", html.unescape(part)))
        elif silent:
            silent = "" if name == f"/{silent}" else silent
        elif name in ("script", "style"):
            silent = name
        elif name in ("td", "th"):
            parts.append("\t")
        elif name in _BREAKS:
            parts.append("\n")
    lines = map(_cells, "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line.strip())


def _cells(line: str) -> str:
    cells = line.lstrip(" ").removeprefix("\t").split("\t")
    return "\t".join(" ".join(cell.split()) for cell in cells).rstrip()


_SPACES = re.compile(r"\s+")
# A comment, or a tag with its name; either ends before the next one begins.
_TAG = re.compile(r"<(?:!--[^<>]*+|(/?[a-zA-Z][\w-]*+)[^<>]*+)>")
_BREAKS = frozenset(("br", "p", "div", "tr", "li", "table", "h1", "h2", "h3"))
