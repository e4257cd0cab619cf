"""How usual the characters are that an encoding makes of the bytes of a text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable

from tools.documents.encoding.character_frequencies import COMPLEX, HANGUL, KANJI, SIMPLE

SAMPLE = 64 << 10  # bytes that are judged
ODD = 0.02  # the share of broken characters that an encoding may have

_PUNCTUATION = frozenset("、。，：；！？（）《》〈〉「」『』【】“”‘’…—·～　％")
_ENCLOSED = re.compile("[\uff01-\uff5e\u2460-\u24ff\u3200-\u33ff]")  # ①, ㈱, ｗｉｄｅ
_SIGNS = frozenset("“”„‘’‚–—…«»‹›€£©®™°§•·´²³½ºª¿¡×№ ")
_RUSSIAN, _GREEK = "оеаинтсрвлкмдпуяы", "αοιετνσηυρπκμλς"
_HEBREW, _ARABIC = "יוהלארתבשמנםעד", "اليمونرتبة"


def scores(sample: bytes, data: bytes) -> dict[str, float]:
    """How plausible each encoding of the short list is for a sample of `data`."""
    found = {name: score(sample, name, judge) for name, judge in _LIST}
    whole = data[: SAMPLE & ~1]  # UTF-16 counts in pairs from the beginning
    return found | {name: score(whole, name, judge) for name, judge in WIDE}


def score(sample: bytes, encoding: str, judge: Callable[[str], float]) -> float:
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
        return 0.4 if _ENCLOSED.match(character) else -0.5

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


def _alphabet(first: str, last: str, frequent: str, others: str = "") -> Callable[[str], float]:
    """Words are wholly of these letters, and only their first one is large."""

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
                large = character.isupper() and before.isupper()
                score += (0.9 if small in frequent else 0.5) * (0.85 if large else 1.0)
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
    ("big5hkscs", _east_asian(COMPLEX, "big5hkscs", range(0xA4, 0xC7), least=0x40)),
    ("cp932", _east_asian(KANJI, "cp932", range(0x88, 0x98), least=0x40, kana=1.0)),
    ("euc_jp", _east_asian(KANJI, "euc_jp", range(0xB0, 0xD0), kana=1.0)),
    ("cp949", _east_asian(HANGUL, "cp949", range(0xB0, 0xC9))),
    ("cp1251", _alphabet("а", "я", _RUSSIAN, "ёЁіїєґІЇЄҐўЎ")),
    ("koi8_r", _alphabet("а", "я", _RUSSIAN, "ёЁ")),
    ("cp1253", _alphabet("α", "ω", _GREEK, "άέήίόύώϊϋςΆΈΉΊΌΎΏ")),
    ("cp1255", _alphabet("א", "ת", _HEBREW)),
    ("cp1256", _alphabet("ء", "ي", _ARABIC, "،؛؟گچپژ")),
)
_EAST_ASIAN = SIMPLE | COMPLEX | KANJI | HANGUL
WIDE = tuple(
    (name, _east_asian(_EAST_ASIAN, "gb18030", range(0xB0, 0xD8), kana=1.0))
    for name in ("utf-16-le", "utf-16-be")
)
