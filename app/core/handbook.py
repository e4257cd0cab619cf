"""The handbook: the pages of `assets/handbook/`, in reading order.

The Help page shows them, and they are the search index where there is no network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HANDBOOK = Path(__file__).resolve().parents[2] / "assets" / "handbook"

ORDER = (
    "start",
    "modes",
    "conversations",
    "what-was-sent",
    "sharing",
    "documents",
    "pictures",
    "python",
    "sandbox",
    "web",
    "own-tools",
    "choosing-a-model",
    "models",
    "bundled-model",
    "fine-tuning",
    "settings",
    "serving",
    "people-and-limits",
    "command-line",
    "export-format",
    "python-api",
    "privacy",
    "troubleshooting",
    "faults",
    "measurements",
)
"""Names of the pages in their order; pages that are not listed follow them."""

# A code span, which stays unchanged, or a link to another page: `[words](models.md#heading)`.
_CODE_OR_LINK = re.compile(r"(`+)[^`](?:.*?[^`])?\1(?!`)|\[([^\]\n]+)\]\(([\w-]+)\.md(#[\w-]+)?\)")
_INDENTED_CODE = re.compile(r"(?: {4}|\t)")


@dataclass(frozen=True)
class HandbookPage:
    """A page: `name` is the file name without `.md`, `title` the first heading, `text` Markdown."""

    name: str
    title: str
    text: str


@cache
def pages() -> tuple[HandbookPage, ...]:
    """All pages, cached. Empty where the folder is missing."""
    files = {path.stem: path for path in sorted(HANDBOOK.glob("*.md"))}
    names = [*(name for name in ORDER if name in files), *(n for n in files if n not in ORDER)]
    return tuple(_read(files[name]) for name in names)


def _read(path: Path) -> HandbookPage:
    text = path.read_text("utf-8")
    first = text.split("\n", 1)[0]
    return HandbookPage(path.stem, first.removeprefix("# ").strip() or path.stem, text)


def with_links(text: str, link: Callable[[str, str], str]) -> str:
    """`text` with `link(words, name)` in place of each link to another page of the handbook.

    Code stays unchanged: spans in backticks, and lines that are indented by four spaces.
    """

    def replaced(found: re.Match[str]) -> str:
        return found.group() if found[1] else link(found[2], found[3])

    return "".join(
        line if _INDENTED_CODE.match(line) else _CODE_OR_LINK.sub(replaced, line)
        for line in text.splitlines(keepends=True)
    )
