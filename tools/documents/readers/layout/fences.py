"""Code in Markdown."""

from __future__ import annotations

import re


def fenced(code: str, language: str = "") -> str:
    """`code` in a fenced block, with a fence longer than any in `code`."""
    longest = max((len(found) for found in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
