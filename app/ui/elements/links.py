"""Disarms links of Markdown with unsafe schemes: they are shown as text. Pure functions."""

from __future__ import annotations

import html
import re

SCHEMES = frozenset(("http", "https", "mailto", "tel"))
"""Schemes that links may have; an address without a scheme is relative to this app."""
MAX_SCHEME_CHARS = 400
"""Characters of an address that are searched for its scheme; longer than any escaped scheme."""

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
        before = _BEFORE.match(text, at, at + MAX_SCHEME_CHARS)
        at = before.end() if before else at
    written = text[at : at + MAX_SCHEME_CHARS]
    address = _UNSEEN.sub("", html.unescape(written))
    scheme = _SCHEME.match(address)
    if scheme:
        return scheme[1].lower() not in SCHEMES
    # An address that has not shown its scheme by now hides it.
    return len(written) == MAX_SCHEME_CHARS and "&" in written and not _DECIDED.search(written)
