"""Bytes of a file or web page -> text.

A byte order mark decides, then valid UTF-8, then what is declared (by a header, or in markup) where
that fits, and at last the most plausible of a short list. The list is judged by how usual the
characters are that an encoding makes of the bytes. Two Chinese characters are enough for that,
where statistics over letters need a page. What fits none of it is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import webencodings

from tools.documents.encoding.iso2022_jp import shift_jis
from tools.documents.encoding.plausibility import ODD, SAMPLE, WIDE, score, scores

BLOCK = 1 << 20
SURE, SURE_OF_MUCH = 0.45, 0.6
"""The score from which on an encoding of the short list is believed; the latter where at least
`MUCH` characters were judged."""
MUCH = 12
BETTER = 0.2  # by how much another encoding must score higher than the one that is declared
SEARCHED = 4096  # bytes in which markup names its encoding; HTML says 1,024, real pages need more

REPLACE = "replace-but-a-cut-end"
"""The error handler: U+FFFD stands for what can't be decoded, nothing for half a last character."""
_CUT = re.compile("unexpected end|truncated|incomplete")  # what Python says of it

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_JAPANESE = re.compile(rb"\x1b\$[@B]")  # how it begins in seven bits
_NO_UTF8 = re.compile(rb"\0|" + _JAPANESE.pattern)
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([\w.:-]{1,40})|"""
    rb"""<meta[^>]{0,400}charset\s*=\s*["']?\s*([\w.:-]{1,40})""",
    re.I,
)
_LANGUAGE = re.compile(rb"""<html[^>]{0,400}?\slang\s*=\s*["']?([a-z]{2}(?:-\w{1,8})?)""", re.I)
_SUPERSETS = {
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "iso-8859-1": "cp1252",
}
"""What is decoded in place of what a label says: all of it, and what programs write beyond it."""
_PYTHON_CODEC = re.compile("(?:cp|utf|gb|iso|mac|big5|euc|hz|johab|koi8)[^ ]*")
_LEGACY = {
    "zh": "gb18030",
    "zh-tw": "big5hkscs",
    "zh-hk": "big5hkscs",
    "zh-hant": "big5hkscs",
    "ja": "cp932",
    "ko": "cp949",
    "ru": "cp1251",
    "el": "cp1253",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "th": "cp874",
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "cp1250"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
}
"""What pages of a language were written in before UTF-8."""


def decode(data: bytes, declared: str | None = None) -> str:
    """`data` as text, by what is `declared` of it (the label of a Content-Type header) where that
    fits. What can't be decoded is U+FFFD, a character that is cut off at the end is left out. Line
    ends stay as they are."""
    return _decoded(data, _certain(data) or _chosen(data, [declared or ""], ""))


def decode_markup(data: bytes, declared: str | None = None) -> str:
    """The same for HTML and XML, which may say their encoding or their language themselves.

    `declared` is heard first, and nothing of it where the bytes say otherwise: many servers declare
    an encoding for pages that they don't know.
    """
    if encoding := _certain(data):
        return _decoded(data, encoding)
    head = data[:SEARCHED]
    # A page that can be searched for ASCII is in no UTF-16, whatever it says.
    own = [(found[1] or found[2]).decode("ascii", "replace") for found in _DECLARED.finditer(head)]
    own = [label for label in own if not label.lower().startswith(("utf-16", "utf-32"))]
    language = _LANGUAGE.search(head)
    spoken = language[1].decode("ascii").lower() if language else ""
    hinted = _LEGACY.get(spoken) or _LEGACY.get(spoken[:2], "")
    return _decoded(data, _chosen(data, [declared or "", *own], hinted))


def open_text(path: Path) -> TextIO:
    """A text file of any size to read from, decoded; line ends are `\\n`. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        encoding = _marked(head) or _valid(iter(lambda: file.read(BLOCK), b""))
        if encoding is None:
            encoding = encoding_of(_sample(path))
    return path.open(encoding=encoding, errors=REPLACE)


def encoding_of(data: bytes) -> str:
    """The encoding of a text, or of some of it, that has no mark and is no valid UTF-8."""
    encoding = _without_letters(data)
    if encoding:
        return encoding
    sample = _beyond_ascii(data)
    if not sample or _is_mostly_utf8(sample):
        return "utf-8"
    found = scores(sample, data)
    best = max(found, key=lambda name: found[name])
    least = SURE_OF_MUCH if len(_BEYOND_ASCII.findall(sample)) >= MUCH else SURE
    return best if found[best] >= least else _other(sample) or best


def _certain(data: bytes) -> str | None:
    return _marked(data) or _valid(iter((data,)))


def _chosen(data: bytes, labels: Sequence[str], hinted: str) -> str:
    """The first of what is declared that is plausible, then what the language hints at."""
    encoding = _without_letters(data)
    sample = _beyond_ascii(data)
    declared = [name for label in labels if (name := _codec(label)) and _fits(data, name)]
    # Latin-1 is what servers say that never looked: it is heard last.
    declared.sort(key="cp1252".__eq__)
    wide = [name for name in declared if name.startswith(("utf-16", "utf-32"))]
    if encoding or wide:
        return wide[0] if wide else encoding or ""
    if not sample:
        return declared[0] if declared else "utf-8"
    if _is_mostly_utf8(sample):
        return "utf-8"
    found = scores(sample, data)
    best = max(found.values())
    for name in declared:
        if found.get(name, best) >= (best - BETTER if best >= SURE else 0):
            return name
    if hinted and _fits(data, hinted) and found.get(hinted, best) >= best - BETTER:
        return hinted
    return encoding_of(data)


def _codec(label: str) -> str:
    """Python's name of the codec that a label means, empty where it means none."""
    label = label.strip().lower()
    known = webencodings.lookup(label)
    if known is not None:
        if known.name == "x-user-defined":
            return ""
        return _SUPERSETS.get(known.name) or _name(known.codec_info.name)
    return _name(label) if _PYTHON_CODEC.fullmatch(label) else ""


def _name(label: str) -> str:
    try:
        return codecs.lookup(label).name
    except LookupError:
        return ""


def _decoded(data: bytes, encoding: str) -> str:
    if encoding == "iso2022_jp":
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:  # Windows programs write more than the standard has
            data, encoding = shift_jis(data), "cp932"
    return data.decode(encoding, REPLACE).removeprefix("\ufeff")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    cut = error.end == len(error.object) and _CUT.search(error.reason) is not None
    return "" if cut else "\ufffd", error.end


codecs.register_error(REPLACE, _replace)


def _marked(data: bytes) -> str | None:
    # The mark of UTF-32 begins with that of UTF-16.
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _valid(blocks: Iterable[bytes]) -> str | None:
    """UTF-8 where all of a file is, and has no sign of an encoding that only looks like it. Its
    last character may be cut off, but then it is not the only one beyond ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    odd = beyond = False
    try:
        for block in blocks:
            beyond = not decoder.decode(block).isascii() or beyond
            odd = odd or b"\0" in block or b"\x1b$" in block
    except UnicodeDecodeError:
        return None
    cut = bool(decoder.getstate()[0])
    return None if odd or (cut and not beyond) else "utf-8"


def _sample(path: Path) -> bytes:
    """What lies around the first byte beyond ASCII, or the beginning."""
    with path.open("rb") as file:
        start = 0
        while block := file.read(BLOCK):
            found = _BEYOND_ASCII.search(block) or _NO_UTF8.search(block)
            if found:
                at = start + found.start()
                file.seek(max(0, at - 64) & ~3)  # UTF-16 and 32 count in whole units
                return file.read(SAMPLE)
            start += len(block)
    return b""


def _without_letters(data: bytes) -> str | None:
    """An encoding that is known by what it has of ASCII: zeros in UTF-16 and 32, escapes."""
    return _without_mark(data) or ("iso2022_jp" if _JAPANESE.search(data) else None)


def _without_mark(data: bytes) -> str | None:
    """UTF-16 or UTF-32 by the zeros that it has for each letter, space and line end."""
    part = data[: SAMPLE & ~3]
    zeros = [part[at::4].count(0) for at in range(4)]
    units = len(part) // 4
    if not units or sum(zeros) < units / 16:
        return None
    if zeros[2] + zeros[3] > 1.9 * units:
        return "utf-32-le"
    if zeros[0] + zeros[1] > 1.9 * units:
        return "utf-32-be"
    for encoding, judge in WIDE:  # a few of Chinese have a zero for their other byte
        if score(part, encoding, judge) >= SURE:
            return encoding
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(low, high) < 8 * min(low, high):
        return None
    return "utf-16-le" if high > low else "utf-16-be"


def _beyond_ascii(data: bytes) -> bytes:
    """What is judged of a text, empty where it is ASCII."""
    first = _BEYOND_ASCII.search(data)
    return data[max(0, first.start() - 64) :][:SAMPLE] if first else b""


def _is_mostly_utf8(sample: bytes) -> bool:
    odd = len(_BEYOND_ASCII.findall(_UTF8.sub(b"", sample)))
    return odd <= ODD * len(_UTF8.findall(sample))


def _fits(data: bytes, encoding: str) -> bool:
    try:
        text = data[:SAMPLE].decode(encoding, REPLACE)
    except (LookupError, UnicodeError):
        return False
    odd = sum(1 for character in text if character == "\ufffd" or "\x80" <= character <= "\x9f")
    return odd <= ODD * sum(1 for character in text if character > "\x7f")


def _other(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # takes a while to import, and is rarely needed

    best = from_bytes(sample).best()
    return best.encoding if best is not None else None
