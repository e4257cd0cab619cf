"""Text meant for a terminal or a browser -> plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

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
    """HTML as text: a line a row of a table, a tab between its cells."""
    parser = _TableText()
    parser.feed(markup)
    parser.close()
    lines = "".join(parser.parts).splitlines()
    return "\n".join(line.removeprefix("\t").rstrip() for line in lines if line.strip())


class _TableText(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("script", "style"):
            self.silent = True
        elif tag in ("td", "th"):
            self.parts.append("\t")
        elif tag in ("br", "p", "div", "tr", "li", "table", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.silent = False

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(" ".join(data.split()))
