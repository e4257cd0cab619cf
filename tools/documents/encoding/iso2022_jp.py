"""Japanese in seven bits -> the same in Shift_JIS, with what Windows programs write beyond it.

Python's own codec knows no characters of row 13 (①, ㈱) nor of IBM's rows; its cp932 does.
"""

from __future__ import annotations

import re

_PART = re.compile(rb"\x1b(\$[@B]|\([A-Z])([^\x1b]*)")
_PAIR = re.compile(rb"[\x21-\x7e]{2}")
_SINGLE = re.compile(rb"[\x21-\x5f]")


def shift_jis(data: bytes) -> bytes:
    """Text in ISO-2022-JP as bytes of Shift_JIS (cp932)."""
    return _PART.sub(_converted, data)


def _converted(part: re.Match[bytes]) -> bytes:
    mark, text = part[1], part[2]
    if mark in (b"$@", b"$B"):
        return _PAIR.sub(_two_bytes, text)
    if mark == b"(I":  # katakana of half width
        return _SINGLE.sub(lambda found: bytes([found[0][0] | 0x80]), text)
    return text


def _two_bytes(pair: re.Match[bytes]) -> bytes:
    # JIS X 0208, annex 1: two rows of 94 share a first byte.
    row, cell = pair[0]
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    if row % 2 == 0:
        return bytes((first, cell + 0x7E))
    return bytes((first, cell + (0x1F if cell < 0x60 else 0x20)))
