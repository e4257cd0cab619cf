"""Words as the index holds them: Chinese, Japanese and Korean by the letter, the rest by the word.

SQLite's own tokenizers take a Chinese sentence for one word, or find nothing under three letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from tools.text import one_line

MAX_TERMS = 16
MAX_SNIPPET_CHARS = 260  # characters
_NEAR = 200  # characters in which terms stand together
_BEFORE = 60  # characters before the first of them
_MAX_PLACES = 60  # of one term that are looked at

_WIDE = "\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_LETTER = re.compile(f"[{_WIDE}]")
_BOUNDARY = re.compile(f"(?<=[{_WIDE}])(?=\\S)|(?<=\\S)(?=[{_WIDE}])")
_BETWEEN = re.compile(f"(?<=[{_WIDE}]) (?=\\S)|(?<=\\S) (?=[{_WIDE}])")
_RUN = re.compile(f"[{_WIDE}]+|[^\\W_{_WIDE}]+")
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")  # as in a program: its parts belong together
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can do does for from has have how i if in into is it its me my "
        "of on or that the their there this to was what when where which who why will with you "
        "your",
    )
)


def spaced(text: str) -> str:
    """A text as it goes into the index."""
    text = unicodedata.normalize("NFKC", text)
    return _BOUNDARY.sub(" ", text) if _LETTER.search(text) else text


def terms(query: str) -> list[str]:
    """The phrases of FTS5 that a query asks for: its words, and each two letters of Chinese that
    follow one another. Common English words are left out where others are there."""
    runs = _RUN.findall(unicodedata.normalize("NFKC", query).casefold())
    if telling := [run for run in runs if run not in _COMMON]:
        runs = telling
    found: list[str] = []
    for run in runs:
        if not _LETTER.match(run) or len(run) == 1:
            found.append(run)
        else:
            found += [f"{run[at]} {run[at + 1]}" for at in range(len(run) - 1)]
    names = [" ".join(run.split("_")) for run in _NAME.findall(query.casefold())]
    return list(dict.fromkeys([*names, *found]))[:MAX_TERMS]


def passage(text: str, wanted: Sequence[str]) -> str:
    """The piece of an indexed text that has most of the terms, as a person reads it."""
    low = text.lower()
    # The index knows a word by its stem; its first letters come close.
    places = sorted(
        (at, term) for term in wanted for at in _places(low, term if " " in term else term[:5])
    )
    begin, most = 0, 0
    for first, (at, _) in enumerate(places):
        near = {term for place, term in places[first : first + 30] if place < at + _NEAR}
        if len(near) > most:
            begin, most = at, len(near)
    begin = max(text.rfind("\n", 0, begin) + 1, text.rfind(". ", 0, begin) + 1, begin - _BEFORE)
    piece = text[begin : begin + 2 * MAX_SNIPPET_CHARS].strip()
    cut = "…" if begin and piece[:1].islower() else ""
    return cut + one_line(_BETWEEN.sub("", " ".join(piece.split())), MAX_SNIPPET_CHARS)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    for _ in range(_MAX_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(word, at + 1)
