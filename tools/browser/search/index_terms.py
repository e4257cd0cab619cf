"""Tokens of the full-text index: characters of Chinese, Japanese and Korean, words of the rest.

SQLite's own tokenizers treat a Chinese sentence as one word, or need at least three characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from tools.text import one_line

MAX_TERMS = 16
MAX_SNIPPET_CHARS = 260
_WINDOW_CHARS = 200  # length of text in which terms count as close together
_CONTEXT_CHARS = 60  # before the first term
_MAX_OCCURRENCES = 60  # of one term that are compared

_WIDE = "\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_LETTER = re.compile(f"[{_WIDE}]")
_BOUNDARY = re.compile(f"(?<=[{_WIDE}])(?=\\S)|(?<=\\S)(?=[{_WIDE}])")
_BETWEEN = re.compile(f"(?<=[{_WIDE}]) (?=\\S)|(?<=\\S) (?=[{_WIDE}])")
_RUN = re.compile(f"[{_WIDE}]+|[^\\W_{_WIDE}]+")
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")  # an identifier of a program, searched as a phrase
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can do does for from has have how i if in into is it its me my "
        "of on or that the their there this to was what when where which who why will with you "
        "your",
    )
)


def spaced(text: str) -> str:
    """A text in its indexed form, with spaces between CJK characters."""
    text = unicodedata.normalize("NFKC", text)
    return _BOUNDARY.sub(" ", text) if _LETTER.search(text) else text


def terms(query: str) -> list[str]:
    """The FTS5 phrases of a query: its words, and each pair of adjacent CJK characters.

    Common English words are left out unless the query has no others. At most `MAX_TERMS`.
    """
    runs = _RUN.findall(unicodedata.normalize("NFKC", query).casefold())
    if uncommon := [run for run in runs if run not in _COMMON]:
        runs = uncommon
    found: list[str] = []
    for run in runs:
        if not _LETTER.match(run) or len(run) == 1:
            found.append(run)
        else:
            found += [f"{run[index]} {run[index + 1]}" for index in range(len(run) - 1)]
    names = [" ".join(run.split("_")) for run in _NAME.findall(query.casefold())]
    return list(dict.fromkeys([*names, *found]))[:MAX_TERMS]


def passage(text: str, wanted: Sequence[str]) -> str:
    """The snippet of an indexed text with the most of the terms, without the index's spaces."""
    low = text.lower()
    # The index holds stems of words; their first letters are an approximation.
    occurrences = sorted(
        (index, term)
        for term in wanted
        for index in _occurrences(low, term if " " in term else term[:5])
    )
    begin, most = 0, 0
    for first, (index, _) in enumerate(occurrences):
        near = {
            term for other, term in occurrences[first : first + 30] if other < index + _WINDOW_CHARS
        }
        if len(near) > most:
            begin, most = index, len(near)
    begin = max(
        text.rfind("\n", 0, begin) + 1, text.rfind(". ", 0, begin) + 1, begin - _CONTEXT_CHARS
    )
    snippet = text[begin : begin + 2 * MAX_SNIPPET_CHARS].strip()
    cut = "…" if begin and snippet[:1].islower() else ""
    return cut + one_line(_BETWEEN.sub("", " ".join(snippet.split())), MAX_SNIPPET_CHARS)


def _occurrences(text: str, word: str) -> Iterator[int]:
    index = text.find(word)
    for _ in range(_MAX_OCCURRENCES):
        if index < 0:
            return
        yield index
        index = text.find(word, index + 1)
