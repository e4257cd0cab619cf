"""Disables links with unsafe schemes in Markdown: they are shown as text. Pure functions."""

from __future__ import annotations

import html
import re

SCHEMES = frozenset(("http", "https", "mailto", "tel"))
"""Allowed schemes of links; an address without a scheme is relative to this app."""
MAX_SCHEME_CHARS = 400
"""Characters of an address that are searched for its scheme; more than any escaped scheme has."""

JOINER = "\N{WORD JOINER}"
# The characters before an address: of a link or image, a definition, or in angle brackets.
_OPENER = re.compile(r"\](?=\()|\](?=:)|<(?=[^\s<>])")
_BEFORE = re.compile(r"[(:]?[\s>]*<?")
_UNSEEN = re.compile(r"[\\\s\x00-\x20\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DECIDED = re.compile(r"[/?#)>]|\s")


def without_unsafe_links(text: str) -> str:
    """Disable the links of Markdown `text` whose scheme is not in `SCHEMES`, such as `data:`.

    An invisible word joiner is inserted before their address, so that Markdown shows them as they
    are written.
    """
    return _OPENER.sub(
        lambda found: found.group() + (JOINER if _is_unsafe(text, found) else ""), text
    )


def _is_unsafe(text: str, found: re.Match[str]) -> bool:
    start = found.end()
    if found.group() == "]":
        before = _BEFORE.match(text, start, start + MAX_SCHEME_CHARS)
        start = before.end() if before else start
    written = text[start : start + MAX_SCHEME_CHARS]
    address = _UNSEEN.sub("", html.unescape(written))
    scheme = _SCHEME.match(address)
    if scheme:
        return scheme[1].lower() not in SCHEMES
    # No real address has that many characters, with entities, before its scheme ends.
    return len(written) == MAX_SCHEME_CHARS and "&" in written and not _DECIDED.search(written)
