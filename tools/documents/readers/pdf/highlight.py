"""Finds words of a PDF's page in its image, to highlight them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from tools.citations import find
from tools.documents.readers.image.highlight import Edges
from tools.documents.readers.pdf.text_cleanup import HYPHENATION, clean


def words_on(page: PdfPage, words: Iterable[str], size: tuple[int, int]) -> list[Edges]:
    """The rectangles of words in an image of the page, one for each line that they span.

    Arguments:
        page: an open page.
        words: words or sentences; those that the page's text doesn't contain are ignored.
        size: width and height of the image in pixels.
    """
    textpage = page.get_textpage()
    try:
        text, indices = _readable(textpage.get_text_range())
        found = (span for each in words for span in find(text, each))
        spans = ((indices[start], indices[end - 1] + 1) for start, end in found)
        lines = [line for start, end in spans for line in _lines(textpage.raw, start, end)]
        return [_edges(page, line, size) for line in lines]
    finally:
        textpage.close()


def _readable(text: str) -> tuple[str, list[int]]:
    """The cleaned text, and for each character its index in PDFium's text, in UTF-16 units."""
    cleaned: list[str] = []
    indices: list[int] = []
    index = 0
    for character in text:
        # The hyphen may belong to the word, as in `state-of-the-art`.
        replacement = "-\n" if character == HYPHENATION else clean(character)
        cleaned.append(replacement)
        indices += [index] * len(replacement)
        index += 1 + (character > "\uffff")
    return "".join(cleaned), indices


def _lines(raw: ctypes.c_void_p, start: int, end: int) -> Iterator[tuple[float, ...]]:
    """The rectangles of a span of the text, in points: left, top, right, bottom."""
    first = pdfium.FPDFText_GetCharIndexFromTextIndex(raw, start)
    last = pdfium.FPDFText_GetCharIndexFromTextIndex(raw, end - 1)
    edges = [ctypes.c_double() for _ in range(4)]
    for index in range(pdfium.FPDFText_CountRects(raw, first, last - first + 1)):
        if pdfium.FPDFText_GetRect(raw, index, *map(ctypes.byref, edges)):
            yield tuple(edge.value for edge in edges)


def _edges(page: PdfPage, line: Sequence[float], size: tuple[int, int]) -> Edges:
    """A rectangle of the page in pixels of its image, which may be rotated."""
    left, top, right, bottom = line
    (a, b), (c, d) = (_pixel(page, *corner, size) for corner in ((left, top), (right, bottom)))
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _pixel(page: PdfPage, x: float, y: float, size: tuple[int, int]) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(
        page.raw, 0, 0, *size, 0, x, y, ctypes.byref(across), ctypes.byref(down)
    )
    return across.value, down.value
