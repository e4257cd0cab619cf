"""Converts ISO-2022-JP to Shift_JIS, including the characters that Windows adds to the standard.

Python's ISO-2022-JP codec lacks row 13 (①, ㈱) and IBM's rows; its cp932 codec has them.
"""

from __future__ import annotations

import re

_PART = re.compile(rb"\x1b(\$[@B]|\([A-Z])([^\x1b]*)")
_PAIR = re.compile(rb"[\x21-\x7e]{2}")
_SINGLE = re.compile(rb"[\x21-\x5f]")


def shift_jis(data: bytes) -> bytes:
    """Convert text in ISO-2022-JP to Shift_JIS (cp932)."""
    return _PART.sub(_converted, data)


def _converted(part: re.Match[bytes]) -> bytes:
    mark, text = part[1], part[2]
    if mark in (b"$@", b"$B"):
        return _PAIR.sub(_two_bytes, text)
    if mark == b"(I":  # half-width katakana
        return _SINGLE.sub(lambda found: bytes([found[0][0] | 0x80]), text)
    return text


def _two_bytes(pair: re.Match[bytes]) -> bytes:
    # JIS X 0208, annex 1: two rows of 94 share a first byte.
    row, cell = pair[0]
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    if row % 2 == 0:
        return bytes((first, cell + 0x7E))
    return bytes((first, cell + (0x1F if cell < 0x60 else 0x20)))
