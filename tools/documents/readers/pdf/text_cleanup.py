"""Cleans up the characters of a PDF's text, and measures how many are meaningless."""

from __future__ import annotations

import re
import unicodedata

HYPHENATION = "\ufffe"
"""PDFium's mark for a hyphen at the end of a line, which replaces the hyphen and the line break."""

_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
# The bullets that word processors take from the font Wingdings.
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
    """`text` with ligatures as letters and all blanks as spaces, without control characters, soft
    hyphens and surrogates."""
    if text.isascii():
        if text.isprintable():
            return text
    else:
        text = unicodedata.normalize("NFC", text)
    return _ODD.sub(lambda found: _SIGNS.get(found[0], ""), text)


def rejoined(before: str, after: str) -> str:
    """Join two lines whose last and first word are the parts of a hyphenated word.

    The hyphen is kept if it seems to belong to the word, as in `state-of-the-art`, `Hans-Peter`
    and `1990-1995`.
    """
    ends = (_LAST_WORD.search(before), _FIRST_WORD.match(after))
    own = any(end is not None and "-" in end[0].strip("-") for end in ends)
    own |= after[:1].isupper() or after[:1].isdigit()
    return f"{before}-{after}" if own else before + after


def meaningless(text: str) -> float:
    """The share of meaningless characters (private use, replacement, control), 0 to 1."""
    found = _MEANINGLESS.findall(text.replace("\r\n", ""))
    if not found:
        return 0.0
    return sum(sign not in _BULLETS for sign in found) / len("".join(text.split()))
