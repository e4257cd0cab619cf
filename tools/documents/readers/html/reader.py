"""html: the visible text, without scripts, styles, hidden parts and link addresses.

Emphasis is dropped, so that a quoted passage is found again by its words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from tools.documents.base import Options, ReaderEvent, Remark
from tools.documents.encoding.detect import decode_markup
from tools.documents.readers.html.segments import Segment, Segments
from tools.documents.readers.html.tree import clean, parse, title_of
from tools.documents.readers.layout.fences import fenced
from tools.documents.readers.layout.pagination import Block, pages, pieces
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.tables.markdown import table

MAX_MARKUP_CHARS = 10_000_000  # of markup that are read
MAX_RAW_CHARS = 6 * MAX_MARKUP_CHARS  # including embedded pictures and scripts

_EMBEDDED = re.compile(r"data:[\w/+.-]{1,80};base64,[A-Za-z0-9+/=%\s]{100,}")
_SCRIPTS = re.compile(
    r"<(script|style)\b(?![^<>]{0,400}(?:/>|math/tex))(?:.*?</\1\s*>|.*)", re.I | re.S
)
_PICTURE = "\ue000"
"""Placeholder in the converted text for an image without alternative text."""


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with path.open("rb") as file:
        data = file.read(MAX_RAW_CHARS + 1)
    yield from pages(blocks(decode_markup(data)), options)


def blocks(markup: str) -> Iterator[Block | Remark]:
    """Convert a page to blocks: paragraphs, lists and tables.

    A page without an `h1` begins with its title. Yields a `Remark` for a page that is cut at
    `MAX_MARKUP_CHARS` and for frames.
    """
    cut = len(markup) > MAX_RAW_CHARS
    markup = _SCRIPTS.sub(" ", _EMBEDDED.sub("data:,", markup[:MAX_RAW_CHARS]))
    if cut or len(markup) > MAX_MARKUP_CHARS:
        yield Remark("The page is very long; only its beginning was read.")
    tree = parse(markup[:MAX_MARKUP_CHARS])
    if tree is None:
        return
    if frames := len(list(tree.iter("frame"))):
        yield Remark(f"The page is made of {frames:,} frames, which lie in other files.")
    title = " ".join(title_of(tree).split())
    if title and tree.find(".//h1") is None:
        yield Block(f"# {tidy(title)}")
    clean(tree)
    body = tree.find("body")
    if body is None:
        return
    try:
        found = Segments(body, {ord(_PICTURE): None}, picture=_pictured).found
    except RecursionError:
        yield from map(_block, re.split(r"\n\s*\n", body.text_content()))
        return
    for _, run in itertools.groupby(found, key=lambda one: (one.kind, one.group or id(one))):
        yield from _blocks(list(run))


def _pictured(alt: str, in_link: bool) -> str:
    return f"[Picture: {alt}]" if alt else _PICTURE


def _blocks(run: list[Segment]) -> Iterator[Block]:
    """The blocks of a paragraph, or of all items of a list or rows of a table."""
    match run[0].kind:
        case "row":
            unread = sum(cell.count(_PICTURE) for one in run for cell in one.cells)
            found = table([[_shown(cell) for cell in one.cells] for one in run])
            yield from found
            if unread:
                yield Block(unread=("picture",) * unread)
        case "code":
            yield from (Block(fenced(tidy(part), run[0].language)) for part in pieces(run[0].text))
        case _:
            first, *others = run
            gaps = ("\n" if one.item else "\n\n" for one in others)
            text = "".join(f"{gap}{one.text}" for gap, one in zip(gaps, others, strict=True))
            yield _block(first.text + text)


def _block(text: str) -> Block:
    return Block(_shown(text), unread=("picture",) * text.count(_PICTURE))


def _shown(text: str) -> str:
    lines = tidy(text.replace(_PICTURE, "")).strip("\n").split("\n")
    return "\n".join(line.rstrip() for line in lines)
