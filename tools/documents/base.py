"""What a reader is: a file in, its pages out, one by one as they are read.

DocumentError        one sentence for the user: why the file can't be read
 └ PasswordNeeded    the file is locked, and the password given, if any, does not open it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


class DocumentError(Exception):
    """A file that can't be read; its text is one sentence, without a path or a traceback."""


class PasswordNeeded(DocumentError):
    """A file that is locked."""


LOCKED, WRONG = "The file needs a password.", "The password does not open the file."


WordBox = tuple[int, int, int, int, int]
"""Recognised words on the picture of their page: how many signs they have, blanks not counted,
and their left, top, right and bottom edge in thousandths of the picture."""

Area = tuple[int, int, int, int]
"""Of a picture, in thousandths of it: left, top, right and bottom."""


@dataclass(frozen=True)
class Page:
    """A page, slide, sheet or chapter as Markdown. `number` counts from 1.

    `unreadable` says what stands there and could not be read ("2 pictures without text"), each a
    few words. `ocr` marks text that was recognised from a picture; `places` say where on it, in
    the order of the text, if that is known.
    """

    number: int
    text: str
    unreadable: tuple[str, ...] = ()
    ocr: bool = False
    places: tuple[WordBox, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Length:
    """How many pages there will be; the first thing a reader yields, where it can tell."""

    pages: int


@dataclass(frozen=True)
class Remark:
    """What must be said of the whole file: what was cut, what was left out. One sentence."""

    text: str


ReaderEvent = Length | Page | Remark


@dataclass(frozen=True)
class Options:
    """How to read: `most_pages` bounds the pages, `password` opens a locked file, `ocr` allows
    pages without text to be recognised from their picture."""

    most_pages: int = 5000
    password: str | None = None
    ocr: bool = True


Reader = Callable[[Path, Options], Iterator[ReaderEvent]]
"""Reads the file at a path. Raises `DocumentError`; anything else is a fault of the reader."""


@dataclass(frozen=True)
class Reading:
    """A file that was read. `kind` is a short name of the format, such as `pdf`; not `complete`
    is what took too much time or memory, and may come further another time."""

    kind: str
    pages: tuple[Page, ...]
    remarks: tuple[str, ...] = ()
    complete: bool = True

    @property
    def characters(self) -> int:
        return sum(len(page.text) for page in self.pages)
