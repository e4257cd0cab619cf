"""Cleans up the characters of a PDF's text, and measures how many are meaningless."""

from __future__ import annotations

import re
import unicodedata

# PDFium's mark where a word is parted at the end of a line; the line break itself it drops.
PARTED = "\ufffe"

_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
# What word processors take from the font Wingdings for their lists.
_BULLETS = {
    "\uf0b7": "•",
    "\uf0a7": "▪",
    "\uf0d8": "➢",
    "\uf0fc": "✓",
    "\uf0e0": "→",
    "\uf0a8": "□",
}
_SPACES = "\t\x0b\x0c\u00a0\u2002\u2003\u2007\u2009\u200a\u2028\u2029\u202f"
_SIGNS = _LIGATURES | _BULLETS | dict.fromkeys(_SPACES, " ")
_ODD = re.compile(
    rf"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff\r"
    rf"{_SPACES}{''.join(_LIGATURES)}{''.join(_BULLETS)}]"
)
_MEANINGLESS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_LAST_WORD = re.compile(r"\S*\Z")
_FIRST_WORD = re.compile(r"\S*")


def clean(text: str) -> str:
    """`text` with ligatures taken apart, and without controls, soft hyphens and half characters;
    spaces of all widths are one kind."""
    if text.isascii():
        if text.isprintable():
            return text
    else:
        text = unicodedata.normalize("NFC", text)
    return _ODD.sub(lambda found: _SIGNS.get(found[0], ""), text)


def rejoined(before: str, after: str) -> str:
    """A word that was parted at the end of a line, with the line around it.

    The hyphen stays where it seems to be the word's own: in `state-of-the-art`, `Hans-Peter`,
    `1990-1995`.
    """
    ends = (_LAST_WORD.search(before), _FIRST_WORD.match(after))
    own = any(end is not None and "-" in end[0].strip("-") for end in ends)
    own |= after[:1].isupper() or after[:1].isdigit()
    return f"{before}-{after}" if own else before + after


def meaningless(text: str) -> float:
    """The share of meaningless characters: private use, replacement, control characters."""
    found = _MEANINGLESS.findall(text.replace("\r\n", ""))
    if not found:
        return 0.0
    return sum(sign not in _BULLETS for sign in found) / len("".join(text.split()))
