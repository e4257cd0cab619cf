"""Parses a docstring into the descriptions of the function and of its parameters.

`docstring_parser` understands Google (`Args:`), NumPy (`Parameters` underlined), Sphinx
(`:param name:`) and Epydoc (`@param name:`).
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

import docstring_parser


class Docstring(NamedTuple):
    """`description` is the text before the first section; `parameters` maps names to texts."""

    description: str
    parameters: dict[str, str]


def read(text: str | None) -> Docstring:
    """Parses a docstring. Never raises: text that can't be parsed counts as description."""
    text = inspect.cleandoc(text or "")
    try:
        found = docstring_parser.parse(text)
    except Exception:  # noqa: BLE001 - an IndexError, too, of ":\x1c:"
        return Docstring(text, {})
    parameters = {
        name.strip().lstrip("*"): " ".join((each.description or "").split())
        for each in found.params
        for name in each.arg_name.split(",")
    }
    return Docstring((found.description or "").strip(), parameters)
