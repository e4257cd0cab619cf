"""Reads a docstring: what the function is for, and what each parameter is.

Three styles are understood: Google (`Args:`), NumPy (`Parameters` underlined) and Sphinx
(`:param name:`).
"""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_PARAMETERS = {"args", "arguments", "parameters", "params"}
_OTHERS = {
    "returns", "return", "yields", "yield", "raises", "example", "examples", "note", "notes",
    "see also", "references", "warning", "warnings", "attributes", "other parameters",
}  # fmt: skip
_GOOGLE_ITEM = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY_ITEM = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?$")
_SPHINX_ITEM = re.compile(r":(\w+)\s*([^:]*):\s*(.*)")


class Docstring(NamedTuple):
    """`description` is the text before the first section; `parameters` are texts by name."""

    description: str
    parameters: dict[str, str]


def read(text: str | None) -> Docstring:
    """Takes a docstring apart. Nothing in it can be wrong: what isn't understood is left out."""
    lines = inspect.cleandoc(text or "").splitlines()
    description: list[str] = []
    found: dict[str, str] = {}
    section = "description"
    names: tuple[str, ...] = ()
    depth = 0

    for at, line in enumerate(lines):
        word = line.strip()
        underline = lines[at + 1].strip() if at + 1 < len(lines) else ""
        if heading := _heading(line, underline):
            section, names, depth = heading, (), 0
        elif field := _SPHINX_ITEM.match(line):
            section, names = "sphinx", ()
            if field[1] in {"param", "parameter", "arg", "argument"} and field[2].strip():
                names = (field[2].split()[-1].lstrip("*"),)
                found[names[0]] = field[3]
        elif section == "description":
            description.append(line)
        elif not word or set(word) == {"-"}:
            continue
        elif section == "google":
            indent = len(line) - len(line.lstrip())
            depth = depth or indent
            if indent <= depth and (item := _GOOGLE_ITEM.match(word)):
                names = (item[1],)
                found[item[1]] = item[2]
            else:
                _go_on(found, names, word)
        elif section == "numpy" and not line[0].isspace():
            item = _NUMPY_ITEM.match(word)
            names = tuple(re.split(r"\s*,\s*", item[1])) if item else ()
            found.update(dict.fromkeys(names, ""))
        elif section in ("numpy", "sphinx"):
            _go_on(found, names, word)
    return Docstring("\n".join(description).strip(), found)


def _heading(line: str, underline: str) -> str | None:
    """The style of the section that begins on this line: google, numpy, other, or None."""
    word = line.strip().lower()
    if word.endswith(":") and not line[:1].isspace():
        word, style = word[:-1], "google"
    elif len(underline) > 2 and set(underline) == {"-"}:
        style = "numpy"
    else:
        return None
    if word in _PARAMETERS:
        return style
    return "other" if word in _OTHERS else None


def _go_on(found: dict[str, str], names: tuple[str, ...], text: str) -> None:
    for name in names:
        found[name] = f"{found[name]} {text}".strip()
