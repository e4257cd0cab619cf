"""The types of a reader, which reads a file and yields its pages one by one.

DocumentError        the file can't be read; the message is one sentence for the user
 └ PasswordNeeded    the file is locked, and the password is missing or wrong
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


class DocumentError(Exception):
    """A file can't be read. The message: one sentence for the user, no path, no traceback."""


class PasswordNeeded(DocumentError):
    """A file is locked, and the password is missing or wrong."""


LOCKED, WRONG = "The file needs a password.", "The password does not open the file."


WordBox = tuple[int, int, int, int, int]
"""Recognised words in the image of their page: the number of their characters without blanks, and
their left, top, right and bottom edge in thousandths of the image's width and height."""

Area = tuple[int, int, int, int]
"""A rectangle in an image: left, top, right and bottom edge in thousandths of its size."""


@dataclass(frozen=True)
class Page:
    """A page, slide, sheet or chapter as Markdown.

    Attributes:
        number: its number, from 1.
        text: its text as Markdown.
        unreadable: its parts that could not be read, each in a few words ("2 pictures without
            text").
        ocr: whether the text was recognised in an image.
        places: where the recognised words stand in the image, in the order of the text; empty
            if unknown.
    """

    number: int
    text: str
    unreadable: tuple[str, ...] = ()
    ocr: bool = False
    places: tuple[WordBox, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Length:
    """The number of pages to come; yielded first, by readers that know it."""

    pages: int


@dataclass(frozen=True)
class Remark:
    """One sentence for the user on the whole file, such as what was cut or left out."""

    text: str


ReaderEvent = Length | Page | Remark


@dataclass(frozen=True)
class Options:
    """Options of a reader.

    Attributes:
        max_pages: maximum number of pages that are read.
        password: opens a locked file.
        ocr: whether the text of pages that are images is recognised.
    """

    max_pages: int = 5000
    password: str | None = None
    ocr: bool = True


Reader = Callable[[Path, Options], Iterator[ReaderEvent]]
"""Reads the file at a path. Raises `DocumentError`; any other exception is a bug of the reader."""


@dataclass(frozen=True)
class Reading:
    """The result of reading a file.

    Attributes:
        kind: short name of the format, such as `pdf`.
        pages: the pages that were read.
        remarks: sentences for the user on the whole file.
        complete: False if a limit on time or memory ended the reading; then it is not cached.
    """

    kind: str
    pages: tuple[Page, ...]
    remarks: tuple[str, ...] = ()
    complete: bool = True

    @property
    def characters(self) -> int:
        return sum(len(page.text) for page in self.pages)
