"""Calls PDFium: opens files, reads the lines and graphics of a page, renders its image.

Used by one thread in a process of its own, because PDFium is not thread-safe and some files crash
it.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfPage

from tools.documents.base import LOCKED, WRONG, DocumentError, PasswordNeeded
from tools.documents.readers.layout.text_lines import Line
from tools.documents.readers.pdf.page_order import Run, in_order
from tools.documents.readers.pdf.text_cleanup import HYPHENATION, clean, meaningless, rejoined

if TYPE_CHECKING:
    from PIL import Image

OCR_SCALE = 123 / 72  # pixels per point, so that OCR can read letters of 8 points
MAX_SIDE_PIXELS, MAX_PIXELS = 20_000, 24_000_000
"""Limits on the image of a page, whatever size the page declares."""
MAX_OBJECTS = 1000  # of a page that are examined
MIN_IMAGE_SHARE = 0.05  # of the page's area; smaller images are ornaments
SAMPLED_CHARS = 24  # of a page, whose fonts are asked for errors

# Encodings of passwords by the programs that lock files. PDFium itself tries Latin-1.
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp437", "cp850", "gb18030", "big5", "cp932", "cp949")
_HOLD_PICTURES = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_BREAK = re.compile(f"(\r\n|{HYPHENATION})")


class Damaged(DocumentError):
    """PDFium finds no pages in the file."""


@dataclass(frozen=True)
class Graphics:
    """The graphics of a page.

    Attributes:
        objects: number of all objects, text included.
        pictures: number of images of at least `MIN_IMAGE_SHARE`.
        covered: the share of the page's area that these images cover, 0 to 1.
    """

    objects: int
    pictures: int
    covered: float


def open_pdf(path: Path, password: str | None) -> PdfDocument:
    """Open a file, with its password or None; the caller closes it.

    Raises `PasswordNeeded` for a missing or wrong password, `Damaged` for a file without pages,
    and `DocumentError` for an unknown kind of encryption.
    """
    error = 0
    for secret in _secrets(password):
        raw = pdfium.FPDF_LoadDocument(os.fsencode(path), secret)
        if raw:
            pdf = PdfDocument(raw)
            if len(pdf):
                pdf.init_forms()
                return pdf
            pdf.close()
            error = 0
            break
        error = pdfium.FPDF_GetLastError()
        if error != pdfium.FPDF_ERR_PASSWORD:
            break
    if error == pdfium.FPDF_ERR_PASSWORD:
        raise PasswordNeeded(WRONG if password else LOCKED)
    if error == pdfium.FPDF_ERR_SECURITY:
        raise DocumentError("The file is locked in a way that can't be opened here.")
    raise Damaged("The file is damaged or cut short: no page can be found in it.")


def text_lines(page: PdfPage) -> tuple[list[Line], float]:
    """The lines of a page in reading order, and the share of meaningless characters, 0 to 1.

    Lines outside of the page's box are left out. A character is meaningless if its font doesn't
    map the glyph to Unicode.
    """
    textpage = page.get_textpage()
    try:
        text = textpage.get_text_range()
        if not text:
            return [], 0.0
        count = textpage.count_chars()
        place = _Place(textpage.raw, page.get_bbox(), same=count == _length_utf16(text))
        lines = in_order(list(_runs(text, place)), place.edges)
        samples = range(0, count, max(1, count // SAMPLED_CHARS))
        errors = sum(
            pdfium.FPDFText_HasUnicodeMapError(textpage.raw, each) == 1 for each in samples
        )
        return lines, max(errors / len(samples), meaningless(text))
    finally:
        textpage.close()


def graphics_of(page: PdfPage) -> Graphics:
    """The graphics of a page, of which the first `MAX_OBJECTS` objects are examined."""
    objects = pdfium.FPDFPage_CountObjects(page)
    area = page.get_width() * page.get_height() or 1.0
    raw, kind_of, get = page.raw, pdfium.FPDFPageObj_GetType, pdfium.FPDFPage_GetObject
    sizes = [
        _area(each) / area
        for index in range(min(objects, MAX_OBJECTS))
        if kind_of(each := get(raw, index)) in _HOLD_PICTURES and _shows_picture(each)
    ]
    large = [size for size in sizes if size >= MIN_IMAGE_SHARE]
    return Graphics(objects, len(large), min(1.0, sum(large)))


def picture(page: PdfPage, width: int | None = None, bare: bool = False) -> Image.Image:
    """Render a page, within `MAX_SIDE_PIXELS` and `MAX_PIXELS`.

    Arguments:
        page: an open page.
        width: width in pixels; None: sharp enough for OCR.
        bare: whether to leave out comments and the values of form fields.

    Raises `Damaged` for a page without a size.
    """
    across, down = page.get_size()
    if not (0 < across < math.inf and 0 < down < math.inf):
        raise Damaged("The page has no size.")
    longest = max(across, down)
    scale = width / across if width else max(OCR_SCALE, OCR_SCALE * 842 / longest)
    scale = min(scale, MAX_SIDE_PIXELS / longest, math.sqrt(MAX_PIXELS / (across * down)))
    bitmap = page.render(
        scale=scale, rev_byteorder=True, draw_annots=not bare, may_draw_forms=not bare
    )
    image: Image.Image = bitmap.to_pil()
    return image


def _secrets(password: str | None) -> Iterator[bytes | None]:
    if not password:
        yield None
        return
    forms = (password, *(unicodedata.normalize(form, password) for form in ("NFC", "NFKC", "NFD")))
    tried = set[bytes]()
    for form, encoding in ((form, code) for code in ("utf-8", *_ENCODINGS) for form in forms):
        try:
            secret = form.encode(encoding)
        except UnicodeEncodeError:
            continue
        if secret not in tried:
            tried.add(secret)
            yield secret


def _runs(text: str, place: _Place) -> Iterator[Run]:
    """The visible lines of a page's text; lines with a hyphenated word are joined."""
    # PDFium's indices count UTF-16 units.
    length = len if _length_utf16(text) == len(text) else _length_utf16
    run: Run | None = None
    start, break_before = 0, ""
    for piece, break_after in zip(*[iter([*_BREAK.split(text), ""])] * 2, strict=True):
        words = clean(piece).strip()
        if words:
            before = len(piece) - len(piece.lstrip())
            seen = place.look(start + before)
            if run is not None and break_before == HYPHENATION:
                line = run.line
                line = line._replace(text=rejoined(line.text, words), foot=place.base)
                run = run._replace(line=line)
            elif seen or place.shows(start + length(piece.rstrip()) - 1):
                if run is not None:
                    yield run
                middle = (before + len(piece)) // 2
                while piece[middle].isspace():
                    middle -= 1
                height = place.size(length(piece[before:middle]))
                line = Line(words, place.left, place.base, height, place.base)
                run = Run(line, start + before, piece.strip())
        start += length(piece) + length(break_after)
        break_before = break_after
    if run is not None:
        yield run


class _Place:
    """The position of a character on its page: `left` and `base`, in points.

    Arguments:
        raw: PDFium's text page.
        box: the visible part of the page, in points: left, bottom, right, top.
        same: whether PDFium's list of characters has the same indices as the text.
    """

    def __init__(self, raw: Any, box: tuple[float, float, float, float], same: bool) -> None:
        self._raw = raw
        self._box = box
        self._same = same
        self._index = 0
        self._x, self._y, self._matrix = ctypes.c_double(), ctypes.c_double(), pdfium.FS_MATRIX()
        self._to_x, self._to_y = ctypes.byref(self._x), ctypes.byref(self._y)
        self._to_matrix = ctypes.byref(self._matrix)
        self._edges = [ctypes.c_double() for _ in range(4)]  # left, right, bottom, top
        self._to_edges = [ctypes.byref(each) for each in self._edges]
        self.left = self.base = 0.0

    def look(self, index: int) -> bool:
        """Move to the character at an index in the text, and tell whether it is visible."""
        if not self._same:
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, index)
        self._index = index
        pdfium.FPDFText_GetCharOrigin(self._raw, self._index, self._to_x, self._to_y)
        self.left, self.base = self._x.value, self._y.value
        left, bottom, right, top = self._box
        return left <= self.left <= right and bottom <= self.base <= top

    def shows(self, index: int) -> bool:
        """Whether the character at an index is visible, without moving there."""
        before = self._index, self.left, self.base
        seen = self.look(index)
        self._index, self.left, self.base = before
        return seen

    def edges(self, index: int) -> tuple[float, float]:
        """The left and right edge in points of the character at an index in the text."""
        if not self._same:
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, index)
        pdfium.FPDFText_GetCharBox(self._raw, index, *self._to_edges)
        return self._edges[0].value, self._edges[1].value

    def size(self, further: int) -> float:
        """The font size in points of the character `further` indices on."""
        index = self._index + further
        pdfium.FPDFText_GetMatrix(self._raw, index, self._to_matrix)
        scale = math.hypot(self._matrix.b, self._matrix.d)
        return float(pdfium.FPDFText_GetFontSize(self._raw, index)) * scale


def _length_utf16(text: str) -> int:
    if text.isascii() or max(text) <= "\uffff":
        return len(text)
    return len(text) + sum(sign > "\uffff" for sign in text)


def _shows_picture(item: Any, depth: int = 3) -> bool:
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind != pdfium.FPDF_PAGEOBJ_FORM or not depth:
        return bool(kind == pdfium.FPDF_PAGEOBJ_IMAGE)
    count = min(pdfium.FPDFFormObj_CountObjects(item), 20)
    parts = (pdfium.FPDFFormObj_GetObject(item, index) for index in range(count))
    return any(_shows_picture(part, depth - 1) for part in parts)


def _area(item: Any) -> float:
    """The area of an object's bounds, in square points."""
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(item, *map(ctypes.byref, edges)):
        return 0.0
    left, bottom, right, top = (edge.value for edge in edges)
    return abs((right - left) * (top - bottom))
