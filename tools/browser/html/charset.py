"""Bytes of a page -> text, as the page means it: its mark, its header, its meta, then a guess."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import webencodings

SEARCHED = 4096  # bytes in which a page names its charset; HTML says 1,024, real pages need more
GUESSED_FROM = 100_000  # bytes
WRONG = 0.02  # the share of characters that can't be decoded from which on a charset is not it
LATIN = "cp1252"  # what browsers read where ISO 8859-1 is declared
SURE = 6  # characters beyond ASCII that are valid UTF-8: no other charset looks like that by chance

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]+)""", re.I)
_XML = re.compile(rb"""^\s*<\?xml[^>]+encoding\s*=\s*["']([a-zA-Z0-9_:.-]+)""", re.I)
_LANGUAGE = re.compile(rb"""<html[^>]+lang\s*=\s*["']?([a-z]{2}(?:-\w+)?)""", re.I)
_LEGACY = {
    "zh": "gb18030",
    "zh-tw": "big5",
    "zh-hk": "big5",
    "zh-hant": "big5",
    "ja": "shift_jis",
    "ko": "euc-kr",
    "ru": "windows-1251",
}
"""What pages of a language were written in before UTF-8."""


def decode(data: bytes, declared: str | None = None) -> str:
    """`data` as text. `declared` is the charset of the Content-Type header.

    What is declared is believed unless the bytes say otherwise: many servers declare a charset
    for pages that they don't know. `data` may end in the middle of a character.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if _surely_utf8(data):
        return _decoded(data, "utf-8")
    for encoding in _declared(data, declared):
        text = _decoded(data, encoding)
        if _fits(text, data) and not (encoding == LATIN and _looks_chinese(data)):
            return text
    return _decoded(data, _guess(data))


def _decoded(data: bytes, encoding: str) -> str:
    # The final part of a character that was cut off is left out.
    return codecs.getincrementaldecoder(encoding)("replace").decode(data)


def _declared(data: bytes, declared: str | None) -> Iterator[str]:
    head = data[:SEARCHED]
    labels = [
        match.group(1).decode() for search in (_XML, _META) for match in search.finditer(head)
    ]
    found = [webencodings.lookup(label) for label in (declared, *labels) if label]
    # GB 18030 holds all of GBK and GB 2312.
    names = [
        "gb18030" if one.name == "gbk" else one.codec_info.name
        for one in found
        if one and one.name != "x-user-defined"
    ]
    # Latin-1 is what servers say that never looked: it is heard last.
    yield from sorted([*names, "utf-8"], key=LATIN.__eq__)


def _beyond_ascii(data: bytes) -> int:
    return sum(1 for byte in data[:GUESSED_FROM] if byte > 127)


def _surely_utf8(data: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")("strict").decode(data[:GUESSED_FROM])
    except UnicodeDecodeError:
        return False
    return sum(1 for character in text if character > "\x7f") >= SURE


def _fits(text: str, data: bytes) -> bool:
    # Controls of Latin-1's second half stand where a page lies about being Latin-1.
    part = text[:GUESSED_FROM]
    wrong = sum(1 for character in part if character == "\ufffd" or "\x80" <= character <= "\x9f")
    return wrong == 0 or wrong <= WRONG * _beyond_ascii(data)


def _guess(data: bytes) -> str:
    language = _LANGUAGE.search(data[:SEARCHED])
    spoken = language.group(1).decode("ascii").lower() if language else ""
    for name in (spoken, spoken[:2]):
        encoding = _LEGACY.get(name)
        if encoding and _fits(_decoded(data, encoding), data):
            return encoding
    if _looks_chinese(data):
        return "gb18030"
    from charset_normalizer import from_bytes  # takes a while to import, and is rarely needed

    best = from_bytes(data[:GUESSED_FROM]).best()
    return best.encoding if best is not None else "windows-1252"


def _looks_chinese(data: bytes) -> bool:
    """Whether nearly all that is not ASCII are pairs from the rows of GB 2312 for punctuation
    and the 3,755 commonest characters. Short texts are too little for a statistical guess.

    Korean lies in the same rows, but only up to C8; a third of Chinese lies above.
    """
    pairs = re.findall(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]", data[:GUESSED_FROM])
    if not pairs or 2 * len(pairs) < 0.9 * _beyond_ascii(data):
        return False
    above = sum(1 for pair in pairs if pair[0] > 0xC8)
    korean = len(pairs) >= 8 and above < len(pairs) / 10
    return not korean and _fits(_decoded(data, "gb18030"), data)
