"""Tables as text: csv, tsv, and what separates its columns by semicolons or bars."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Literal, TextIO

from tools.documents.base import Options, ReaderEvent
from tools.documents.encoding.detect import open_text
from tools.documents.readers.layout.pagination import pages
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.tables.markdown import MAX_TABLE_CHARS, Row, sheet

SAMPLE = 64 << 10  # characters by which the separator is known
MAX_CELL_CHARS = 1 << 20  # characters
MAX_CELL_LINES = 1000  # lines
_HEEDED: Literal[0] = csv.QUOTE_MINIMAL
_UNHEEDED: Literal[3] = csv.QUOTE_NONE
_SEPARATORS = ",;\t|"


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with open_text(path) as file:
        separator = _separator(file.read(SAMPLE))
        file.seek(0)
        yield from pages(sheet(_rows(file, separator)), options, MAX_TABLE_CHARS)


def _rows(file: TextIO, separator: str) -> Iterator[Row]:
    csv.field_size_limit(2 * MAX_CELL_CHARS)
    for number, record in enumerate(_records(_lines(file), separator), 1):
        cells = {at: text for at, text in enumerate(record) if text.strip()}
        if cells:
            yield number, cells


def _records(lines: Iterator[str], separator: str) -> Iterator[list[str]]:
    """The cells of each row. A quotation mark that is not closed before a separator or a line's
    end, within some lines, is a sign like any other."""
    waiting: deque[str] = deque()
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        if '"' not in line:
            yield line.removesuffix("\n").split(separator)
            continue
        record = [line]
        quoting: Literal[0, 3] = _HEEDED
        closes = _end(line, separator, 0)
        while closes is _Quote.OPEN:
            further = None
            if len(record) < MAX_CELL_LINES and sum(map(len, record)) < MAX_CELL_CHARS:
                further = waiting[len(record) - 1] if len(record) <= len(waiting) else None
                if further is None and (further := next(lines, None)) is not None:
                    waiting.append(further)
            if further is None:
                closes = _Quote.STRAY
                break
            record.append(further)
            closes = _end(further, separator, None)
        if closes is _Quote.STRAY:
            record, quoting = record[:1], _UNHEEDED
        for _ in record[1:]:
            waiting.popleft()
        yield from csv.reader(record, delimiter=separator, quoting=quoting)


class _Quote(Enum):
    """Whether a quoted cell is open at a line's end, or what opened it was no quotation mark."""

    CLOSED = auto()
    OPEN = auto()
    STRAY = auto()


def _end(line: str, separator: str, field: int | None) -> _Quote:
    """How a line ends whose first field begins at `field`, or that begins inside of quotes."""
    at = field
    while True:
        if at is None or line.startswith('"', at):
            close = _closing(line, separator, 0 if at is None else at + 1)
            if close is None:
                return _Quote.OPEN
            if close < 0 and at is None:
                return _Quote.STRAY
            at = max(close, at or 0)
        at = line.find(separator, at) + 1
        if not at:
            return _Quote.CLOSED


def _closing(line: str, separator: str, start: int) -> int | None:
    """Where the quotation mark stands that closes a cell; None for none, -1 where it is within
    words."""
    while (at := line.find('"', start)) >= 0:
        after = line[at + 1 : at + 2]
        if after != '"':
            return at if after in (separator, "\n", "") else -1
        start = at + 2
    return None


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_CELL_CHARS):
        yield tidy(line).replace("\f", "")


def _separator(sample: str) -> str:
    """The one that the lines have equally often, and as often as can be."""
    csv.field_size_limit(2 * MAX_CELL_CHARS)
    lines = [line for line in sample.splitlines()[:50] if line.strip()]

    def worth(separator: str) -> float:
        widths = [len(row) - 1 for row in _records(iter(lines), separator)]
        usual = max(set(widths), key=widths.count, default=0)
        return usual and widths.count(usual) / len(widths) * (1 + min(usual, 9) / 100)

    return max(_SEPARATORS, key=worth)
