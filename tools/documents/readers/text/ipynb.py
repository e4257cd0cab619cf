"""Jupyter notebooks: text, code and saved outputs, cell by cell; no code is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.encoding.detect import decode
from tools.documents.readers.html.reader import blocks
from tools.documents.readers.layout.fences import fenced
from tools.documents.readers.layout.pagination import Block, pages, pieces
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.safe_zip import DAMAGED

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TEXTS = ("text/markdown", "text/html", "text/latex", "text/plain")
"""MIME types of an output's text; the first available one is read."""

Cell = Mapping[str, Any]


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    try:
        book = json.loads(decode(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise DocumentError(DAMAGED) from error
    yield from pages(_blocks(book if isinstance(book, dict) else {}), options)


def _blocks(book: Mapping[str, Any]) -> Iterator[Block | Remark]:
    declared = _mapping(_mapping(book.get("metadata")).get("language_info")).get("name")
    language = declared if isinstance(declared, str) and declared.isalnum() else ""
    # Before version 4 the cells lay in worksheets.
    sheets = [book, *(_mapping(sheet) for sheet in _list(book.get("worksheets")))]
    for cell in (_mapping(one) for sheet in sheets for one in _list(sheet.get("cells"))):
        text = tidy(_joined(cell.get("source", cell.get("input"))))
        match cell.get("cell_type"):
            case "code":
                yield from _code(text, language)
                for output in _list(cell.get("outputs")):
                    yield from _output(_mapping(output))
            case "heading":
                yield Block(f"{'#' * min(int(cell.get('level') or 1), 6)} {text}")
            case _:
                yield from map(Block, re.split(r"\n{2,}", text.strip("\n")))


def _output(output: Cell) -> Iterator[Block | Remark]:
    # Version 3 has the forms in the output itself, and only short names for them.
    data = _mapping(output.get("data"))
    mime = next((form for form in _TEXTS if form in data), None)
    text = tidy(_COLOURS.sub("", _joined(data[mime] if mime else output.get("text"))))
    if output.get("output_type") in ("pyerr", "error"):
        trace = "\n".join(map(str, _list(output.get("traceback"))))
        yield from _code(tidy(_COLOURS.sub("", trace)))
    elif mime == "text/html":
        yield from blocks(text)
    elif mime in ("text/markdown", "text/latex"):
        yield Block(text.strip())
    elif any(form.startswith("image/") for form in data) or "png" in output:
        yield Block(unread=("picture",))
    else:
        yield from _code(text)


def _code(text: str, language: str = "") -> Iterator[Block]:
    yield from (Block(fenced(piece, language)) for piece in pieces(text.strip("\n")))


def _joined(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
