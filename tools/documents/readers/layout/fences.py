"""Formats code as fenced Markdown."""

from __future__ import annotations

import re


def fenced(code: str, language: str = "") -> str:
    """A Markdown code block, whose fence is longer than any run of backticks in `code`."""
    longest = max((len(found) for found in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
