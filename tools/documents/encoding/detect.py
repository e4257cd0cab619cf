"""Bytes of a text file -> text: its mark, UTF-8, then what it looks like among a short list.

The list is judged by how usual the characters are that an encoding makes of the bytes. Two Chinese
characters are enough for that, where statistics over letters need a page. What fits none of it is
left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from tools.documents.encoding.character_frequencies import COMPLEX, HANGUL, KANJI, SIMPLE

SAMPLE = 64 << 10  # bytes that are judged, from the first one beyond ASCII
BLOCK = 1 << 20
ODD = 0.02  # the share of broken characters that a file in UTF-8 may have
SURE = 0.45  # the score from which on an encoding of the short list is believed

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

_PUNCTUATION = frozenset("、。，：；！？（）《》〈〉「」『』【】“”‘’…—·～　％")
_SIGNS = frozenset("“”„‘’‚–—…«»‹›€£©®™°§•·´²³½ºª¿¡×№ ")
_RUSSIAN, _GREEK = "оеаинтсрвлкмдпуяы", "αοιετνσηυρπκμλς"


def decode(data: bytes) -> str:
    """`data` as text; what can't be decoded is U+FFFD. Line ends stay as they are."""
    encoding = _marked(data) or _valid(iter((data,))) or encoding_of(data)
    return data.decode(encoding, "replace").removeprefix("\ufeff")


def decode_markup(data: bytes) -> str:
    """The same for HTML and XML, which may say their encoding; that is believed if it fits."""
    if _marked(data) or _valid(iter((data,))):
        return decode(data)
    for found in _DECLARED.finditer(data[:4096]):
        label = (found[1] or found[2]).decode("ascii", "replace").lower()
        # GB 18030 holds all of GBK and GB 2312; Latin-1 is what browsers read as cp1252.
        label = {"gbk": "gb18030", "gb2312": "gb18030", "iso-8859-1": "cp1252"}.get(label, label)
        if _fits(data, label):
            return data.decode(label, "replace")
    return decode(data)


def open_text(path: Path) -> TextIO:
    """A text file of any size to read from, decoded; line ends are `\\n`. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        encoding = _marked(head) or _valid(iter(lambda: file.read(BLOCK), b""))
        if encoding is None:
            encoding = encoding_of(_sample(path))
    return path.open(encoding=encoding, errors="replace")


def encoding_of(data: bytes) -> str:
    """The encoding of a text, or of some of it, that has no mark and is no valid UTF-8."""
    wide = _without_mark(data)
    if wide:
        return wide
    if _JAPANESE.search(data):
        return "iso2022_jp"
    first = _BEYOND_ASCII.search(data)
    if first is None:
        return "utf-8"
    sample = data[max(0, first.start() - 64) :][:SAMPLE]
    odd = len(_BEYOND_ASCII.findall(_UTF8.sub(b"", sample)))
    if odd <= ODD * len(_UTF8.findall(sample)):
        return "utf-8"
    scores = {name: _score(sample, name, judge) for name, judge in _LIST}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= SURE else _other(sample) or best


def _marked(data: bytes) -> str | None:
    # The mark of UTF-32 begins with that of UTF-16.
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _valid(blocks: Iterable[bytes]) -> str | None:
    """UTF-8 where all of a file is, and has no sign of an encoding that only looks like it."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    odd = False
    try:
        for block in blocks:
            decoder.decode(block)
            odd = odd or b"\0" in block or b"\x1b$" in block
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return None if odd else "utf-8"


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
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if max(low, high) < 8 * min(low, high):
        return None
    return "utf-16-le" if high > low else "utf-16-be"


def _fits(data: bytes, encoding: str) -> bool:
    try:
        text = data[:SAMPLE].decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return False
    odd = sum(1 for character in text if character == "\ufffd" or "\x80" <= character <= "\x9f")
    return odd <= ODD * sum(1 for character in text if character > "\x7f")


def _other(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # takes a while to import, and is rarely needed

    best = from_bytes(sample).best()
    return best.encoding if best is not None else None


# How usual the characters are that an encoding makes of a sample


def _score(sample: bytes, encoding: str, judge: Callable[[str], float]) -> float:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    odd = text.count("\ufffd")
    if odd > ODD * len(text):
        return 0.0
    return judge(text)


def _east_asian(
    common: frozenset[str], encoding: str, leads: range, least: int = 0xA1, kana: float = 0.1
) -> Callable[[str], float]:
    """`leads` are the first bytes of the encoding's more usual characters, `least` is the least
    value of their second byte."""

    def weight(character: str) -> float:
        if character in common:
            return 1.0
        if character in _PUNCTUATION:
            return 0.7
        if "\u3040" <= character <= "\u30ff":
            return kana
        if "\u4e00" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3":
            encoded = character.encode(encoding, "replace")
            usual = encoded[0] in leads and encoded[-1] >= least
            return 0.5 if usual else 0.1
        return 0.4 if "\uff01" <= character <= "\uff5e" else -0.5

    def judge(text: str) -> float:
        beyond = [weight(character) for character in text if character > "\x7f"]
        return sum(beyond) / len(beyond) if beyond else 0.0

    return judge


def _western(rare: str) -> Callable[[str], float]:
    """Letters with accents stand among plain ones, mostly alone; `rare` ones are of few languages,
    and where they seem frequent the text is in another encoding."""

    def judge(text: str) -> float:
        score = count = 0.0
        for before, character, after in _threes(text):
            count += 1
            if not character.isalpha():
                score += _sign(before, character, after)
            elif character.isupper() and before.islower():
                score -= 1.0
            elif character in rare:
                score += 0.5
            elif _is_latin(before) or _is_latin(after):
                score += 0.9 if before < "\x80" and after < "\x80" else 0.5
            else:
                score += 0.5 if before < "\x80" and after < "\x80" else -0.3
        return score / count if count else 0.0

    return judge


def _alphabet(frequent: str, others: str) -> Callable[[str], float]:
    """Words are wholly of these letters, and only their first one is large."""
    first, last = ("а", "я") if "а" in frequent else ("α", "ω")

    def judge(text: str) -> float:
        score = count = 0.0
        for before, character, after in _threes(text):
            count += 1
            small = character.lower()
            if not first <= small <= last and character not in others:
                score += _sign(before, character, after)
            elif _is_latin(before) or _is_latin(after):
                score -= 0.5
            elif character.isupper() and before.islower():
                score -= 1.5
            else:
                score += 0.9 if small in frequent else 0.5
        return score / count if count else 0.0

    return judge


def _sign(before: str, character: str, after: str) -> float:
    amid = before.isalpha() and after.isalpha() and character not in "’—–"
    return 0.5 if character in _SIGNS and not amid else -0.5


def _threes(text: str) -> Iterable[tuple[str, str, str]]:
    padded = f" {text} "
    return (
        (padded[at - 1], padded[at], padded[at + 1])
        for at in range(1, len(padded) - 1)
        if padded[at] > "\x7f"
    )


def _is_latin(character: str) -> bool:
    return "a" <= character.lower() <= "z"


# Of two that are equally likely the first is taken.
_LIST: tuple[tuple[str, Callable[[str], float]], ...] = (
    ("cp1252", _western("ðýþÐÝÞ")),
    ("cp1254", _western("")),
    ("gb18030", _east_asian(SIMPLE, "gb18030", range(0xB0, 0xD8))),
    ("big5", _east_asian(COMPLEX, "big5", range(0xA4, 0xC7), least=0x40)),
    ("cp932", _east_asian(KANJI, "cp932", range(0x88, 0x98), least=0x40, kana=1.0)),
    ("euc_jp", _east_asian(KANJI, "euc_jp", range(0xB0, 0xD0), kana=1.0)),
    ("cp949", _east_asian(HANGUL, "cp949", range(0xB0, 0xC9))),
    ("cp1251", _alphabet(_RUSSIAN, "ёЁіїєґІЇЄҐўЎ")),
    ("koi8_r", _alphabet(_RUSSIAN, "ёЁ")),
    ("cp1253", _alphabet(_GREEK, "άέήίόύώϊϋςΆΈΉΊΌΎΏ")),
)
