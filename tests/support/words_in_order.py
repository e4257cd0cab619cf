"""How much of a text was found: its words, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tools.documents.base import Options, Page, ReaderEvent, Remark
from tools.documents.formats import kind_of, reader

_WORD = re.compile(r"\w+")


def read(path: Path, name: str = "", max_pages: int = 5000) -> list[ReaderEvent]:
    """The events of the reader for the file's content."""
    return list(reader(kind_of(path, name or path.name))(path, Options(max_pages=max_pages)))


def pages(pieces: Iterable[ReaderEvent]) -> list[str]:
    return [piece.text for piece in pieces if isinstance(piece, Page)]


def remarks(pieces: Iterable[ReaderEvent]) -> list[str]:
    return [piece.text for piece in pieces if isinstance(piece, Remark)]


def unread(pieces: Iterable[ReaderEvent]) -> list[str]:
    return [noun for piece in pieces if isinstance(piece, Page) for noun in piece.unreadable]


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def share_in_order(expected: str, found: str) -> float:
    """The longest common subsequence of words, as a share of those expected."""
    wanted, given = words(expected), words(found)
    best = [0] * (len(given) + 1)
    for word in wanted:
        before = 0
        for at, other in enumerate(given, 1):
            above = best[at]
            best[at] = before + 1 if word == other else max(best[at], best[at - 1])
            before = above
    return best[-1] / len(wanted)
