"""What PDFium is asked for: a file opened, the lines of a page, what is drawn there, its picture.

One thread at a time, and in a process of its own: it is not safe with threads, and files exist
that crash it.
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
from tools.documents.readers.pdf.text_cleanup import PARTED, clean, meaningless, rejoined

if TYPE_CHECKING:
    from PIL import Image

SHARP = 123 / 72  # pixels a point: letters of 8 points can be recognised
LONGEST_SIDE, MOST_PIXELS = 20_000, 24_000_000
"""Of a picture of a page, whatever size the page claims to have."""
MAX_OBJECTS = 1000  # of a page that are looked at
LARGE = 0.05  # of a page's area: what is smaller is an ornament
SAMPLES = 24  # characters of a page whose glyphs are looked up

# As which bytes the password was typed when the file was locked. PDFium itself tries Latin-1.
_ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp437", "cp850", "gb18030", "big5", "cp932", "cp949")
_HOLD_PICTURES = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_BREAK = re.compile(f"(\r\n|{PARTED})")


class Damaged(DocumentError):
    """PDFium finds no pages in the file."""


@dataclass(frozen=True)
class Drawn:
    """What is on a page beside text: the number of `objects`, that of large `pictures`, and the
    share of the page that these cover."""

    objects: int
    pictures: int
    covered: float


def open_pdf(path: Path, password: str | None) -> PdfDocument:
    """The open file. Raises `PasswordNeeded`, `Damaged`, `DocumentError`."""
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
    """The lines that can be seen, and the share of their signs that have no meaning: glyphs
    without a character, as in files whose fonts don't say what they draw."""
    textpage = page.get_textpage()
    try:
        text = textpage.get_text_range()
        if not text:
            return [], 0.0
        count = textpage.count_chars()
        place = _Place(textpage.raw, page.get_bbox(), same=count == _length_utf16(text))
        lines = in_order(list(_runs(text, place)), place.edges)
        samples = range(0, count, max(1, count // SAMPLES))
        errors = sum(pdfium.FPDFText_HasUnicodeMapError(textpage.raw, at) == 1 for at in samples)
        return lines, max(errors / len(samples), meaningless(text))
    finally:
        textpage.close()


def drawn(page: PdfPage) -> Drawn:
    """What is on the page beside text, as far as `MAX_OBJECTS` go."""
    objects = pdfium.FPDFPage_CountObjects(page)
    area = page.get_width() * page.get_height() or 1.0
    raw, kind_of, get = page.raw, pdfium.FPDFPageObj_GetType, pdfium.FPDFPage_GetObject
    sizes = [
        _size(each) / area
        for at in range(min(objects, MAX_OBJECTS))
        if kind_of(each := get(raw, at)) in _HOLD_PICTURES and _shows_picture(each)
    ]
    large = [size for size in sizes if size >= LARGE]
    return Drawn(objects, len(large), min(1.0, sum(large)))


def picture(page: PdfPage, width: int | None = None, bare: bool = False) -> Image.Image:
    """The page as it looks, `width` pixels wide or sharp enough to be read, within the limits
    above; `bare` is without comments and what a form was filled with."""
    across, down = page.get_size()
    if not (0 < across < math.inf and 0 < down < math.inf):
        raise Damaged("The page has no size.")
    longest = max(across, down)
    scale = width / across if width else max(SHARP, SHARP * 842 / longest)
    scale = min(scale, LONGEST_SIDE / longest, math.sqrt(MOST_PIXELS / (across * down)))
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
    """The lines of a page's text that are on it, words that are parted at their ends whole."""
    # PDFium counts in UTF-16.
    length = len if _length_utf16(text) == len(text) else _length_utf16
    run: Run | None = None
    start, break_before = 0, ""
    for piece, break_after in zip(*[iter([*_BREAK.split(text), ""])] * 2, strict=True):
        words = clean(piece).strip()
        if words:
            before = len(piece) - len(piece.lstrip())
            seen = place.look(start + before)
            if run is not None and break_before == PARTED:
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
    """Where a character stands on its page: `left` and `base`, in points.

    PDFium has more characters than the text, or fewer, unless they are the `same`.
    """

    def __init__(self, raw: Any, box: tuple[float, float, float, float], same: bool) -> None:
        self._raw = raw
        self._box = box
        self._same = same
        self._at = 0
        self._x, self._y, self._matrix = ctypes.c_double(), ctypes.c_double(), pdfium.FS_MATRIX()
        self._to_x, self._to_y = ctypes.byref(self._x), ctypes.byref(self._y)
        self._to_matrix = ctypes.byref(self._matrix)
        self._edges = [ctypes.c_double() for _ in range(4)]  # left, right, bottom, top
        self._to_edges = [ctypes.byref(each) for each in self._edges]
        self.left = self.base = 0.0

    def look(self, index: int) -> bool:
        """Go to a character, by its index in the text; whether the page shows it."""
        if not self._same:
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, index)
        self._at = index
        pdfium.FPDFText_GetCharOrigin(self._raw, self._at, self._to_x, self._to_y)
        self.left, self.base = self._x.value, self._y.value
        left, bottom, right, top = self._box
        return left <= self.left <= right and bottom <= self.base <= top

    def shows(self, index: int) -> bool:
        """Whether the page shows another character."""
        before = self._at, self.left, self.base
        seen = self.look(index)
        self._at, self.left, self.base = before
        return seen

    def edges(self, index: int) -> tuple[float, float]:
        """The left and the right edge of a character, by its index in the text."""
        if not self._same:
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, index)
        pdfium.FPDFText_GetCharBox(self._raw, index, *self._to_edges)
        return self._edges[0].value, self._edges[1].value

    def size(self, further: int) -> float:
        """How high the letters are some characters further on, in points."""
        at = self._at + further
        pdfium.FPDFText_GetMatrix(self._raw, at, self._to_matrix)
        scale = math.hypot(self._matrix.b, self._matrix.d)
        return float(pdfium.FPDFText_GetFontSize(self._raw, at)) * scale


def _length_utf16(text: str) -> int:
    if text.isascii() or max(text) <= "\uffff":
        return len(text)
    return len(text) + sum(sign > "\uffff" for sign in text)


def _shows_picture(item: Any, depth: int = 3) -> bool:
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind != pdfium.FPDF_PAGEOBJ_FORM or not depth:
        return bool(kind == pdfium.FPDF_PAGEOBJ_IMAGE)
    count = min(pdfium.FPDFFormObj_CountObjects(item), 20)
    parts = (pdfium.FPDFFormObj_GetObject(item, at) for at in range(count))
    return any(_shows_picture(part, depth - 1) for part in parts)


def _size(item: Any) -> float:
    """The area an object takes on its page, in square points."""
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetBounds(item, *map(ctypes.byref, edges)):
        return 0.0
    left, bottom, right, top = (edge.value for edge in edges)
    return abs((right - left) * (top - bottom))
