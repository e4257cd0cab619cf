"""Tables as text: csv, tsv, and what separates its columns by semicolons or bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

from tools.documents.base import Options, ReaderEvent
from tools.documents.encoding.detect import open_text
from tools.documents.readers.layout.pagination import pages
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.tables.markdown import MAX_TABLE_CHARS, Row, sheet

SAMPLE = 64 << 10  # characters by which the separator is known
MAX_CELL_CHARS = (
    1 << 20
)  # characters; a quotation mark that is never closed makes the rest one cell
_SEPARATORS = ",;\t|"


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with open_text(path) as file:
        separator = _separator(file.read(SAMPLE))
        file.seek(0)
        yield from pages(sheet(_rows(file, separator)), options, MAX_TABLE_CHARS)


def _rows(file: TextIO, separator: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL_CHARS)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
    number = 0
    while True:
        try:
            lines = csv.reader(_lines(file), delimiter=separator, quoting=quoting)
            for row in lines:
                number += 1
                cells = {at: text for at, text in enumerate(row) if text.strip()}
                if cells:
                    yield number, cells
            return
        except csv.Error:
            # What follows is read without heeding quotation marks.
            quoting = csv.QUOTE_NONE


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_CELL_CHARS):
        yield tidy(line).replace("\f", "")


def _separator(sample: str) -> str:
    """The one that the lines have equally often, and as often as can be."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()]

    def worth(separator: str) -> float:
        widths = [len(row) - 1 for row in csv.reader(lines, delimiter=separator)]
        usual = max(set(widths), key=widths.count, default=0)
        return usual and widths.count(usual) / len(widths) * (1 + min(usual, 9) / 100)

    csv.field_size_limit(MAX_CELL_CHARS)
    return max(_SEPARATORS, key=worth)
