"""Links of Markdown that lead nowhere a reader should be led, pure: they are text."""

from __future__ import annotations

import html
import re

SCHEMES = frozenset(("http", "https", "mailto", "tel"))
"""Where links may go; an address without a scheme is a place of this app."""
LOOK = 400
"""Characters of an address that are looked at; a scheme is shorter, however it is written."""

JOINER = "\N{WORD JOINER}"
# Where an address begins: a link's or picture's, a definition's, between angle brackets.
_OPENER = re.compile(r"\](?=\()|\](?=:)|<(?=[^\s<>])")
_BEFORE = re.compile(r"[(:]?[\s>]*<?")
_UNSEEN = re.compile(r"[\\\s\x00-\x20\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DECIDED = re.compile(r"[/?#)>]|\s")


def without_traps(text: str) -> str:
    """`text` with links to `data:`, `blob:`, `file:`, `javascript:` and whatever else is no page
    taken apart by a sign that nobody sees, so that they stand there as they are written."""
    return _OPENER.sub(
        lambda found: found.group() + (JOINER if _is_trap(text, found) else ""), text
    )


def _is_trap(text: str, found: re.Match[str]) -> bool:
    at = found.end()
    if found.group() == "]":
        before = _BEFORE.match(text, at, at + LOOK)
        at = before.end() if before else at
    written = text[at : at + LOOK]
    address = _UNSEEN.sub("", html.unescape(written))
    scheme = _SCHEME.match(address)
    if scheme:
        return scheme[1].lower() not in SCHEMES
    # An address that has not shown its scheme by now hides it.
    return len(written) == LOOK and "&" in written and not _DECIDED.search(written)
