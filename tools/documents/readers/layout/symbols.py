"""Unicode characters for superscripts, subscripts and symbol fonts."""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_CAN_RAISE = re.compile(r"(?=[+\-−=()ni]*+[0-9])[0-9+\-−=()ni]+|[+\-−ni]")
_CAN_LOWER = re.compile(r"[0-9+\-−=()]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff\ufeff\u00ad]")

# The Greek letters of the font Symbol, from 0x41 and from 0x61 on.
_GREEK = (
    "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ",
    "αβχδεφγηιϕκλμνοπθρστυϖωξψζ",
)
_SYMBOL = {0xB1: "±", 0xB3: "≥", 0xA3: "≤", 0xB4: "×", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈", 0xA5: "∞"}
_SYMBOL |= {0xAE: "→", 0xAC: "←", 0xDE: "⇒", 0xDB: "⇔", 0xB0: "°", 0xD6: "√", 0xB7: "•", 0xE5: "∑"}
_WINGDINGS = {0xFC: "✓", 0xFB: "✗", 0xFE: "☑", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0x78: "☒"}
_WINGDINGS |= {0xE0: "→", 0xDF: "←", 0xA7: "▪", 0x6E: "■", 0x6C: "●", 0xD8: "➢", 0x4A: "☺"}
UNKNOWN = "□"  # for characters without a known equivalent


def raised(text: str) -> str:
    """Digits as superscript characters, so that 10⁶ is not read as 106; other text unchanged."""
    return text.translate(_RAISED) if _CAN_RAISE.fullmatch(text) else text


def lowered(text: str) -> str:
    """Digits as subscript characters; other text unchanged."""
    return text.translate(_LOWERED) if _CAN_LOWER.fullmatch(text) else text


def symbol(font: str, code: int) -> str:
    """The sign that a symbol font draws for `code`, which may lie in the private use area."""
    low = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    if low != code or font.casefold().startswith(("symbol", "wingdings")):
        if "symbol" in font.casefold():
            for first, letters in zip((0x41, 0x61), _GREEK, strict=True):
                if first <= low < first + len(letters):
                    return letters[low - first]
            return _SYMBOL.get(low) or (chr(low) if 0x20 <= low < 0x7F else UNKNOWN)
        return _WINGDINGS.get(low) or ("•" if low == 0xB7 else UNKNOWN)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else UNKNOWN


def tidy(text: str) -> str:
    """`text` without control characters, soft hyphens and byte order marks.

    Tabs, line ends (as `\\n`), page ends (form feed) and escape characters are kept.
    """
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
