"""Highlights words in the image of a PDF's page."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from tools.citations import find
from tools.documents.readers.image.highlight import Edges
from tools.documents.readers.pdf.text_cleanup import PARTED, clean


def words_on(page: PdfPage, words: Iterable[str], size: tuple[int, int]) -> list[Edges]:
    """Where the words stand on a picture of the page, a stretch for each line of each of them;
    nothing for those that the page's own text does not have."""
    textpage = page.get_textpage()
    try:
        text, places = _readable(textpage.get_text_range())
        found = (span for each in words for span in find(text, each))
        spans = ((places[start], places[end - 1] + 1) for start, end in found)
        lines = [line for start, end in spans for line in _lines(textpage.raw, start, end)]
        return [_edges(page, line, size) for line in lines]
    finally:
        textpage.close()


def _readable(text: str) -> tuple[str, list[int]]:
    """The text as a page of ours has it, and for each sign its place in PDFium's, in UTF-16."""
    signs: list[str] = []
    places: list[int] = []
    at = 0
    for sign in text:
        # A word that a line parts may have a hyphen of its own there.
        shown = "-\n" if sign == PARTED else clean(sign)
        signs.append(shown)
        places += [at] * len(shown)
        at += 1 + (sign > "\uffff")
    return "".join(signs), places


def _lines(raw: ctypes.c_void_p, start: int, end: int) -> Iterator[tuple[float, ...]]:
    """The rectangles of a stretch of the text, in points: left, top, right, bottom."""
    first = pdfium.FPDFText_GetCharIndexFromTextIndex(raw, start)
    last = pdfium.FPDFText_GetCharIndexFromTextIndex(raw, end - 1)
    edges = [ctypes.c_double() for _ in range(4)]
    for at in range(pdfium.FPDFText_CountRects(raw, first, last - first + 1)):
        if pdfium.FPDFText_GetRect(raw, at, *map(ctypes.byref, edges)):
            yield tuple(edge.value for edge in edges)


def _edges(page: PdfPage, line: Sequence[float], size: tuple[int, int]) -> Edges:
    """A rectangle of the page on its picture, which may be turned."""
    left, top, right, bottom = line
    (a, b), (c, d) = (_pixel(page, *corner, size) for corner in ((left, top), (right, bottom)))
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _pixel(page: PdfPage, x: float, y: float, size: tuple[int, int]) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(
        page.raw, 0, 0, *size, 0, x, y, ctypes.byref(across), ctypes.byref(down)
    )
    return across.value, down.value
