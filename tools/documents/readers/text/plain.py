"""Text without markup, or with markup that is kept as it is: txt, md, rst, tex, code.

Files are read in chunks, whatever their size. A page ends at a form feed, or at the end of a
paragraph. Code keeps its empty lines, and is fenced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tools.documents.base import Options, ReaderEvent
from tools.documents.encoding.detect import open_text
from tools.documents.readers.layout.fences import fenced
from tools.documents.readers.layout.pagination import PAGE_CHARS, PAGE_END, Block, cut_off, pages
from tools.documents.readers.layout.symbols import tidy

CHUNK_CHARS = 64 << 10
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
    while chunk := file.read(CHUNK_CHARS):
        rest = _apart(tidy(rest + chunk))
        *whole, rest = _EMPTY_LINES.split(rest)
        yield from map(_paragraph, whole)
        if len(rest) > CHUNK_CHARS:  # a very long paragraph
            while len(rest) > PAGE_CHARS:
                part, rest = cut_off(rest)
                yield Block(part)
    yield _paragraph(rest)


def _apart(text: str) -> str:
    """The text, with each page end in a paragraph of its own."""
    first, *others = text.split(PAGE_END)
    parts = [first, *(part.removeprefix("\n") for part in others)]
    ends = (part.rstrip(" \t\n") for part in parts[:-1])
    return f"\n\n{PAGE_END}\n\n".join([*ends, parts[-1]])


def _paragraph(text: str) -> Block:
    return Block(text.strip("\n").rstrip() if PAGE_END not in text else PAGE_END)


def _fenced(file: TextIO) -> Iterator[Block]:
    rest = ""
    while chunk := file.read(CHUNK_CHARS):
        rest = tidy(rest + chunk).replace(PAGE_END, "\n")
        while len(rest) > PAGE_CHARS:
            part, rest = cut_off(rest)
            yield Block(fenced(part))
            yield Block(PAGE_END)
    if rest.strip():
        yield Block(fenced(rest.rstrip()))
