"""Whether the words of a citation stand in what was read, and where."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from tools.browser.shelf import Source

NAMELESS = frozenset({"", "source", "sources", "来源", "出处"})
"""What models write in place of words: nothing is claimed, so nothing can be missing."""

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys('“”„‟″«»「」『』', '"'),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        **dict.fromkeys("*_#|\\", " "),
        "…": "...",
        "〔": "[", "〕": "]", "【": "[", "】": "]",
    }
)  # fmt: skip
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_BESIDE_WIDE = re.compile(f"(?<=[{_WIDE}]) (?=\\S)|(?<=\\S) (?=[{_WIDE}])")
_LEFT_OUT = re.compile(r"\s*[\[(]?\.{3,}[\])]?\s*")
_EDGES = " .,;:!?\"'-"


@dataclass(frozen=True)
class Citation:
    """A citation as it was checked.

    `source` is None where the number means nothing. `line` (from 1) and `passage`, the whole
    lines that hold the words, are those of the source's text; a citation without words is found,
    with no line.
    """

    found: bool
    line: int | None = None
    passage: str = ""
    source: Source | None = None


def cited(source: Source | None, words: str) -> Citation:
    """Looks for the words in the source's lines.

    Forgiven are blanks, line breaks, capitals, kinds of quotes and dashes, Markdown's marks, and
    what "..." leaves out; figures and words must be the same and whole.
    """
    if source is None:
        return Citation(False)
    words = words.split("†")[0]
    if words.strip().lower() in NAMELESS:
        return Citation(source.page is not None, source=source)
    spans = _spans(source.lines, words)
    if spans is None:
        return Citation(False, source=source)
    first, last = spans
    return Citation(True, first + 1, "\n".join(source.lines[first : last + 1]), source)


def comparable(text: str) -> str:
    """A text with all that a citation is forgiven taken out."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_SAME))
    text = " ".join(text.translate(_SAME).casefold().split())
    return _BESIDE_WIDE.sub("", text)


def _spans(lines: Sequence[str], words: str) -> tuple[int, int] | None:
    """The first and the last line that hold the words, one part behind the other."""
    wanted = [part.strip(_EDGES) for part in _LEFT_OUT.split(comparable(words))]
    wanted = [part for part in wanted if part]
    if not wanted:
        return None
    text, starts = _joined(tuple(lines))
    at, begun = 0, None
    for part in wanted:
        found = _whole(part).search(text, at)
        if found is None:
            return None
        begun = found.start() if begun is None else begun
        at = found.end()
    assert begun is not None
    return bisect_right(starts, begun) - 1, bisect_right(starts, at - 1) - 1


@lru_cache(maxsize=8)
def _joined(lines: tuple[str, ...]) -> tuple[str, list[int]]:
    """All lines as one comparable text, and where each one begins in it."""
    kept = [comparable(line) for line in lines]
    return " ".join(kept), [0, *accumulate(len(line) + 1 for line in kept)]


def _whole(part: str) -> re.Pattern[str]:
    """The words where no letter or figure stands right beside them, but for scripts that write
    without blanks; a blank may be a line's end."""
    narrow = f"[^\\W{_WIDE}]"
    before = f"(?<!{narrow})(?<!\\d[.,])" if re.match(narrow, part) else ""
    after = f"(?!{narrow})(?![.,]\\d)" if re.search(f"{narrow}$", part) else ""
    body = re.escape(part)
    # Where a line of Chinese ends, the joined text has a blank that the words have not.
    body = re.sub(f"(?<=[{_WIDE}])(?=\\S)|(?<=\\S)(?=[{_WIDE}])", " ?", body)
    return re.compile(before + body.replace(r"\ ", " ") + after)
