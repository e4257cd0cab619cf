"""Decodes the bytes of a file or web page: detects their encoding.

These are tried in order: a byte order mark; valid UTF-8; the declared encoding (of a header or the
markup), if it is plausible; the most plausible candidate of a short list; charset-normalizer.
Plausibility is the share of usual characters in the decoded text. Two Chinese characters suffice
for that, while statistics over letters need a page.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import webencodings

from tools.documents.encoding.iso2022_jp import shift_jis
from tools.documents.encoding.plausibility import (
    MAX_BROKEN_SHARE,
    SAMPLE_BYTES,
    UTF16_CANDIDATES,
    score,
    scores,
)

BLOCK_BYTES = 1 << 20  # read from a file at a time
MIN_SCORE, MIN_SCORE_OF_LONG = 0.45, 0.6
"""The scores from which on a candidate is accepted: for short samples, and for samples of at least
`LONG_SAMPLE` bytes beyond ASCII."""
LONG_SAMPLE = 12
SCORE_MARGIN = 0.2  # by which a candidate must score higher to replace the declared encoding
MARKUP_HEAD_BYTES = 4096  # searched for a declaration; HTML demands 1,024, real pages need more

REPLACE = "replace-but-a-cut-end"
"""The error handler: U+FFFD for undecodable bytes, nothing for a truncated last character."""
_CUT = re.compile("unexpected end|truncated|incomplete")  # in Python's reasons for truncated input

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_JAPANESE = re.compile(rb"\x1b\$[@B]")  # the escape sequence that begins Japanese in ISO-2022-JP
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
"""Supersets that programs write under the label of the standard encoding; decoded instead of it."""
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
"""By language tag: the most common encoding of its pages before UTF-8."""


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode the text of a file or a response.

    Arguments:
        data: all bytes, or the first ones.
        declared: the encoding's label from a Content-Type header; used if it is plausible.

    Returns the text: undecodable bytes become U+FFFD, a truncated character at the end is
    dropped, and line ends are unchanged.
    """
    return _decoded(data, _certain(data) or _chosen(data, [declared or ""], ""))


def decode_markup(data: bytes, declared: str | None = None) -> str:
    """Decode HTML or XML, which may declare its encoding or its language itself.

    Arguments and result: see `decode`. `declared` comes before the page's own declaration, but
    each is used only if it is plausible: many servers declare one encoding for all pages.
    """
    if encoding := _certain(data):
        return _decoded(data, encoding)
    head = data[:MARKUP_HEAD_BYTES]
    # A declaration that was found as ASCII contradicts UTF-16 and UTF-32.
    own = [(found[1] or found[2]).decode("ascii", "replace") for found in _DECLARED.finditer(head)]
    own = [label for label in own if not label.lower().startswith(("utf-16", "utf-32"))]
    language = _LANGUAGE.search(head)
    tag = language[1].decode("ascii").lower() if language else ""
    hinted = _LEGACY.get(tag) or _LEGACY.get(tag[:2], "")
    return _decoded(data, _chosen(data, [declared or "", *own], hinted))


def open_text(path: Path) -> TextIO:
    """Open a text file of any size with its detected encoding. Raises OSError.

    Reading it is as in `decode`, but line ends become `\\n`.
    """
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        encoding = _marked(head) or _valid(iter(lambda: file.read(BLOCK_BYTES), b""))
        if encoding is None:
            encoding = encoding_of(_sample(path))
    return path.open(encoding=encoding, errors=REPLACE)


def encoding_of(data: bytes) -> str:
    """The encoding (a Python codec's name) of bytes without a mark that are not valid UTF-8."""
    encoding = _without_letters(data)
    if encoding:
        return encoding
    sample = _beyond_ascii(data)
    if not sample or _is_mostly_utf8(sample):
        return "utf-8"
    found = scores(sample, data)
    best = max(found, key=lambda name: found[name])
    is_long = len(_BEYOND_ASCII.findall(sample)) >= LONG_SAMPLE
    minimum = MIN_SCORE_OF_LONG if is_long else MIN_SCORE
    return best if found[best] >= minimum else _by_charset_normalizer(sample) or best


def _certain(data: bytes) -> str | None:
    return _marked(data) or _valid(iter((data,)))


def _chosen(data: bytes, labels: Sequence[str], hinted: str) -> str:
    """The first plausible encoding of: the declared `labels`, `hinted`, the detected one."""
    encoding = _without_letters(data)
    sample = _beyond_ascii(data)
    declared = [name for label in labels if (name := _codec(label)) and _fits(data, name)]
    # Latin-1 comes last, because it is the default of many servers.
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
        if found.get(name, best) >= (best - SCORE_MARGIN if best >= MIN_SCORE else 0):
            return name
    if hinted and _fits(data, hinted) and found.get(hinted, best) >= best - SCORE_MARGIN:
        return hinted
    return encoding_of(data)


def _codec(label: str) -> str:
    """Python's name of the codec for a label; empty for an unknown label."""
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
        except UnicodeDecodeError:  # characters of Windows beyond the standard
            data, encoding = shift_jis(data), "cp932"
    return data.decode(encoding, REPLACE).removeprefix("\ufeff")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    cut = error.end == len(error.object) and _CUT.search(error.reason) is not None
    return "" if cut else "\ufffd", error.end


codecs.register_error(REPLACE, _replace)


def _marked(data: bytes) -> str | None:
    # `_MARKS` has UTF-32 first, because its mark begins with that of UTF-16.
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _valid(blocks: Iterable[bytes]) -> str | None:
    """`utf-8` if all blocks are valid UTF-8 without null bytes or escape sequences, else None.

    The last character may be truncated, unless it is the only one beyond ASCII.
    """
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
    """Up to `SAMPLE_BYTES` around the first byte that isn't plain ASCII; empty without any."""
    with path.open("rb") as file:
        start = 0
        while block := file.read(BLOCK_BYTES):
            found = _BEYOND_ASCII.search(block) or _NO_UTF8.search(block)
            if found:
                offset = start + found.start()
                file.seek(max(0, offset - 64) & ~3)  # aligned to the units of UTF-16 and UTF-32
                return file.read(SAMPLE_BYTES)
            start += len(block)
    return b""


def _without_letters(data: bytes) -> str | None:
    """An encoding that is known by its control bytes: null bytes or escape sequences."""
    return _without_mark(data) or ("iso2022_jp" if _JAPANESE.search(data) else None)


def _without_mark(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by the positions of null bytes; None for others."""
    part = data[: SAMPLE_BYTES & ~3]
    zeros = [part[offset::4].count(0) for offset in range(4)]
    units = len(part) // 4
    if not units or sum(zeros) < units / 16:
        return None
    if zeros[2] + zeros[3] > 1.9 * units:
        return "utf-32-le"
    if zeros[0] + zeros[1] > 1.9 * units:
        return "utf-32-be"
    for encoding, judge in UTF16_CANDIDATES:  # some Chinese characters have a null as low byte
        if score(part, encoding, judge) >= MIN_SCORE:
            return encoding
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(low, high) < 8 * min(low, high):
        return None
    return "utf-16-le" if high > low else "utf-16-be"


def _beyond_ascii(data: bytes) -> bytes:
    """The sample of a text around its first byte beyond ASCII; empty for ASCII."""
    first = _BEYOND_ASCII.search(data)
    return data[max(0, first.start() - 64) :][:SAMPLE_BYTES] if first else b""


def _is_mostly_utf8(sample: bytes) -> bool:
    odd = len(_BEYOND_ASCII.findall(_UTF8.sub(b"", sample)))
    return odd <= MAX_BROKEN_SHARE * len(_UTF8.findall(sample))


def _fits(data: bytes, encoding: str) -> bool:
    try:
        text = data[:SAMPLE_BYTES].decode(encoding, REPLACE)
    except (LookupError, UnicodeError):
        return False
    odd = sum(1 for character in text if character == "\ufffd" or "\x80" <= character <= "\x9f")
    return odd <= MAX_BROKEN_SHARE * sum(1 for character in text if character > "\x7f")


def _by_charset_normalizer(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # slow to import, and rarely needed

    best = from_bytes(sample).best()
    return best.encoding if best is not None else None
