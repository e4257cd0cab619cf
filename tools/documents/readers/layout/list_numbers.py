"""Formats the numbers of list items: 4, iv, d, 4th, 四, ④."""

from __future__ import annotations

from collections.abc import Callable

_CHINESE = "零一二三四五六七八九"
_IDEOGRAPHS = {"ideographTraditional": "甲乙丙丁戊己庚辛壬癸"}
_IDEOGRAPHS["ideographZodiac"] = "子丑寅卯辰巳午未申酉戌亥"
_IDEOGRAPHS["aiueoFullWidth"] = "アイウエオカキクケコサシスセソタチツテトナニヌネノ"
_IDEOGRAPHS["aiueo"] = _IDEOGRAPHS["aiueoFullWidth"]
_IDEOGRAPHS["irohaFullWidth"] = "イロハニホヘトチリヌルヲワカヨタレソツネナラム"
_IDEOGRAPHS["iroha"] = _IDEOGRAPHS["irohaFullWidth"]
_IDEOGRAPHS["ganada"] = "가나다라마바사아자차카타파하"
_IDEOGRAPHS["russianLower"] = "абвгдежзиклмнопрстуфхцчшщыэюя"
_IDEOGRAPHS["russianUpper"] = _IDEOGRAPHS["russianLower"].upper()
_ROMAN: tuple[tuple[int, str], ...] = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def written(number: int, style: str) -> str:
    """`number` in a style of Office Open XML (`w:numFmt`); decimal for an unknown style."""
    if style == "none":
        return ""
    if style in _IDEOGRAPHS:
        signs = _IDEOGRAPHS[style]
        return signs[number - 1] if 0 < number <= len(signs) else str(number)
    return _STYLES.get(style, str)(number)


def roman(number: int) -> str:
    """Lower-case Roman numerals for 1 to 4999; decimal for other numbers."""
    if not 0 < number < 5000:
        return str(number)
    text = ""
    for size, letters in _ROMAN:
        count, number = divmod(number, size)
        text += letters * count
    return text


def letters(number: int) -> str:
    """a to z, then aa, bb and so on up to 30 letters, as in word processors; else decimal."""
    if not 0 < number <= 26 * 30:
        return str(number)
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{ending or 'th'}"


def _chinese(number: int) -> str:
    if not 0 <= number < 100:
        return "".join(_CHINESE[int(digit)] for digit in str(number)) if number > 0 else str(number)
    tens, ones = divmod(number, 10)
    if not tens:
        return _CHINESE[ones]
    return ("" if tens == 1 else _CHINESE[tens]) + "十" + (_CHINESE[ones] if ones else "")


def _circled(number: int) -> str:
    return chr(0x2460 + number - 1) if 0 < number <= 20 else str(number)


def _full_width(number: int) -> str:
    return str(number).translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})


_STYLES: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02}",
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "ordinal": _ordinal,
    "decimalFullWidth": _full_width,
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "ideographDigital": _chinese,
    "japaneseCounting": _chinese,
    "taiwaneseCounting": _chinese,
    "taiwaneseCountingThousand": _chinese,
    "numberInDash": lambda number: f"- {number} -",
}
