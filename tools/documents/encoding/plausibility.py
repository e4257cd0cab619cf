"""Scores how plausible an encoding is: how usual the characters of the decoded text are."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable

from tools.documents.encoding.character_frequencies import HANGUL, KANJI, SIMPLIFIED, TRADITIONAL

SAMPLE_BYTES = 64 << 10  # of a text that are scored
MAX_BROKEN_SHARE = 0.02  # of characters that can't be decoded, for an encoding to be possible

Judge = Callable[[str], float]
"""Scores a decoded text: 1.0 for usual characters only, 0.0 for none, below for impossible ones."""

_PUNCTUATION = frozenset("、。，：；！？（）《》〈〉「」『』【】“”‘’…—·～　％")
_ENCLOSED = re.compile("[\uff01-\uff5e\u2460-\u24ff\u3200-\u33ff]")  # ①, ㈱, ｗｉｄｅ
_SIGNS = frozenset("“”„‘’‚–—…«»‹›€£©®™°§•·´²³½ºª¿¡×№ ")
_RUSSIAN, _GREEK = "оеаинтсрвлкмдпуяы", "αοιετνσηυρπκμλς"
_HEBREW, _ARABIC = "יוהלארתבשמנםעד", "اليمونرتبة"


def scores(sample: bytes, data: bytes) -> dict[str, float]:
    """The score of each candidate encoding, by the name of its codec.

    Arguments:
        sample: the part of a text around its first byte beyond ASCII.
        data: the text from its beginning, which UTF-16 needs for its byte pairs.
    """
    found = {name: score(sample, name, judge) for name, judge in _CANDIDATES}
    aligned = data[: SAMPLE_BYTES & ~1]
    return found | {name: score(aligned, name, judge) for name, judge in UTF16_CANDIDATES}


def score(sample: bytes, encoding: str, judge: Judge) -> float:
    """The judge's score of `sample` in an encoding; 0.0 with too many undecodable bytes."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    if text.count("\ufffd") > MAX_BROKEN_SHARE * len(text):
        return 0.0
    return judge(text)


def _east_asian(
    common: frozenset[str], encoding: str, leads: range, min_trail: int = 0xA1, kana: float = 0.1
) -> Judge:
    """A judge for an East Asian encoding.

    Arguments:
        common: the most frequent characters of the language.
        encoding: the codec's name.
        leads: the first bytes of the encoding's more usual characters.
        min_trail: the smallest second byte of those.
        kana: weight of hiragana and katakana.
    """

    def weight(character: str) -> float:
        if character in common:
            return 1.0
        if character in _PUNCTUATION:
            return 0.7
        if "\u3040" <= character <= "\u30ff":
            return kana
        if "\u4e00" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3":
            encoded = character.encode(encoding, "replace")
            usual = encoded[0] in leads and encoded[-1] >= min_trail
            return 0.5 if usual else 0.1
        return 0.4 if _ENCLOSED.match(character) else -0.5

    def judge(text: str) -> float:
        beyond = [weight(character) for character in text if character > "\x7f"]
        return sum(beyond) / len(beyond) if beyond else 0.0

    return judge


def _western(rare: str) -> Judge:
    """A judge for Latin script: accented letters are mostly single, between plain letters.

    `rare` letters are used by few languages; many of them speak for another encoding.
    """

    def judge(text: str) -> float:
        score = count = 0.0
        for before, character, after in _with_neighbours(text):
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


def _alphabet(first: str, last: str, frequent: str, others: str = "") -> Judge:
    """A judge for an alphabet: words have no other letters, and capitals only at the beginning.

    Arguments:
        first: the first small letter in Unicode's order.
        last: the last one.
        frequent: the most frequent letters.
        others: letters outside of that range.
    """

    def judge(text: str) -> float:
        score = count = 0.0
        for before, character, after in _with_neighbours(text):
            count += 1
            small = character.lower()
            if not first <= small <= last and character not in others:
                score += _sign(before, character, after)
            elif _is_latin(before) or _is_latin(after):
                score -= 0.5
            elif character.isupper() and before.islower():
                score -= 1.5
            else:
                large = character.isupper() and before.isupper()
                score += (0.9 if small in frequent else 0.5) * (0.85 if large else 1.0)
        return score / count if count else 0.0

    return judge


def _sign(before: str, character: str, after: str) -> float:
    amid = before.isalpha() and after.isalpha() and character not in "’—–"
    return 0.5 if character in _SIGNS and not amid else -0.5


def _with_neighbours(text: str) -> Iterable[tuple[str, str, str]]:
    padded = f" {text} "
    return (
        (padded[index - 1], padded[index], padded[index + 1])
        for index in range(1, len(padded) - 1)
        if padded[index] > "\x7f"
    )


def _is_latin(character: str) -> bool:
    return "a" <= character.lower() <= "z"


# The first one wins a tie.
_CANDIDATES: tuple[tuple[str, Judge], ...] = (
    ("cp1252", _western("ðýþÐÝÞ")),
    ("cp1254", _western("")),
    ("gb18030", _east_asian(SIMPLIFIED, "gb18030", range(0xB0, 0xD8))),
    ("big5hkscs", _east_asian(TRADITIONAL, "big5hkscs", range(0xA4, 0xC7), min_trail=0x40)),
    ("cp932", _east_asian(KANJI, "cp932", range(0x88, 0x98), min_trail=0x40, kana=1.0)),
    ("euc_jp", _east_asian(KANJI, "euc_jp", range(0xB0, 0xD0), kana=1.0)),
    ("cp949", _east_asian(HANGUL, "cp949", range(0xB0, 0xC9))),
    ("cp1251", _alphabet("а", "я", _RUSSIAN, "ёЁіїєґІЇЄҐўЎ")),
    ("koi8_r", _alphabet("а", "я", _RUSSIAN, "ёЁ")),
    ("cp1253", _alphabet("α", "ω", _GREEK, "άέήίόύώϊϋςΆΈΉΊΌΎΏ")),
    ("cp1255", _alphabet("א", "ת", _HEBREW)),
    ("cp1256", _alphabet("ء", "ي", _ARABIC, "،؛؟گچپژ")),
)
_EAST_ASIAN = SIMPLIFIED | TRADITIONAL | KANJI | HANGUL
UTF16_CANDIDATES = tuple(
    (name, _east_asian(_EAST_ASIAN, "gb18030", range(0xB0, 0xD8), kana=1.0))
    for name in ("utf-16-le", "utf-16-be")
)
