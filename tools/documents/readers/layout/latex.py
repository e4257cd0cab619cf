"""Pieces of formulas in LaTeX, which several formats have in markup of their own."""

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
    """A formula within a text, nothing where it has no signs."""
    text = " ".join(text.split())
    return f"${text}$" if text else ""


def scripts(base: str, below: str = "", above: str = "") -> str:
    """`base` with what stands below and above to its right."""
    lower = f"_{{{below}}}" if below else ""
    upper = f"^{{{above}}}" if above else ""
    return f"{grouped(base)}{lower}{upper}"


def fraction(above: str, below: str) -> str:
    """One part over the other."""
    return f"\\frac{{{above}}}{{{below}}}"


def root(radicand: str, degree: str = "") -> str:
    """A square root, or one of another degree."""
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{radicand}}}"


def grouped(text: str) -> str:
    """`text` as one argument."""
    return text if len(text) <= 1 or _COMMAND.fullmatch(text) else f"{{{text}}}"


def function(words: str) -> str:
    """The name of a function as LaTeX has it."""
    return f"\\{words}" if words in _FUNCTIONS else words


def escaped(sign: str) -> str:
    """A bracket that stands for itself."""
    return f"\\{sign}" if sign in ("{", "}") else sign


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, without brackets."""
    inner = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{matrix}} {inner} \\end{{matrix}}"
