"""Text without markup of its own, or whose markup is read as it stands: txt, md, rst, tex, code.

A file of any size is read piece by piece. A page ends at a form feed, or else at the end of a
paragraph; code keeps its empty lines and stands between fences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tools.documents.base import Options, ReaderEvent
from tools.documents.encoding.detect import open_text
from tools.documents.readers.layout.fences import fenced
from tools.documents.readers.layout.pagination import PAGE_END, SIZE, Block, cut_off, pages
from tools.documents.readers.layout.symbols import tidy

CHUNK = 64 << 10  # characters
_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with open_text(path) as file:
        yield from pages(_paragraphs(file), options)


def read_code(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with open_text(path) as file:
        yield from pages(_fenced(file), options, size=None)


def _paragraphs(file: TextIO) -> Iterator[Block]:
    rest = ""
    while chunk := file.read(CHUNK):
        rest = _apart(tidy(rest + chunk))
        *whole, rest = _EMPTY_LINES.split(rest)
        yield from map(_paragraph, whole)
        if len(rest) > CHUNK:  # a paragraph that goes on and on
            while len(rest) > SIZE:
                part, rest = cut_off(rest)
                yield Block(part)
    yield _paragraph(rest)


def _apart(text: str) -> str:
    """The text with the ends of pages in paragraphs of their own."""
    first, *others = text.split(PAGE_END)
    parts = [first, *(part.removeprefix("\n") for part in others)]
    ends = (part.rstrip(" \t\n") for part in parts[:-1])
    return f"\n\n{PAGE_END}\n\n".join([*ends, parts[-1]])


def _paragraph(text: str) -> Block:
    return Block(text.strip("\n").rstrip() if PAGE_END not in text else PAGE_END)


def _fenced(file: TextIO) -> Iterator[Block]:
    rest = ""
    while chunk := file.read(CHUNK):
        rest = tidy(rest + chunk).replace(PAGE_END, "\n")
        while len(rest) > SIZE:
            part, rest = cut_off(rest)
            yield Block(fenced(part))
            yield Block(PAGE_END)
    if rest.strip():
        yield Block(fenced(rest.rstrip()))
