"""Code in Markdown."""

from __future__ import annotations

import re


def fenced(code: str, language: str = "") -> str:
    """`code` between fences that it does not hold itself."""
    longest = max((len(found) for found in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
