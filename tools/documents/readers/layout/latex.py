"""Builds LaTeX formulas, for the formats with formulas in markup of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

SUMS = {"∑": "\\sum", "∏": "\\prod", "∫": "\\int", "∬": "\\iint", "∮": "\\oint", "⋃": "\\bigcup"}
ACCENTS = {"̂": "\\hat", "̃": "\\tilde", "̅": "\\bar", "⃗": "\\vec", "̇": "\\dot", "̈": "\\ddot"}
_FUNCTIONS = frozenset(
    {"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"}
    | {"log", "ln", "exp", "lim", "max", "min", "sup", "inf"}
)
_COMMAND = re.compile(r"\\[a-z]+")


def in_dollars(text: str) -> str:
    """LaTeX as an inline formula between dollar signs; empty for a blank text."""
    text = " ".join(text.split())
    return f"${text}$" if text else ""


def scripts(base: str, below: str = "", above: str = "") -> str:
    """`base` with a subscript and a superscript, either of which may be empty."""
    lower = f"_{{{below}}}" if below else ""
    upper = f"^{{{above}}}" if above else ""
    return f"{grouped(base)}{lower}{upper}"


def fraction(above: str, below: str) -> str:
    """A fraction with this numerator and denominator."""
    return f"\\frac{{{above}}}{{{below}}}"


def root(radicand: str, degree: str = "") -> str:
    """A root, square unless `degree` is given."""
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{radicand}}}"


def grouped(text: str) -> str:
    """`text` in braces if a command would take only a part of it as its argument."""
    return text if len(text) <= 1 or _COMMAND.fullmatch(text) else f"{{{text}}}"


def function(words: str) -> str:
    """The command for a function's name, such as `\\sin`; other words unchanged."""
    return f"\\{words}" if words in _FUNCTIONS else words


def escaped(sign: str) -> str:
    """A sign with a backslash if it is a brace; other signs unchanged."""
    return f"\\{sign}" if sign in ("{", "}") else sign


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """A matrix without brackets, by its rows of cells."""
    inner = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{matrix}} {inner} \\end{{matrix}}"
