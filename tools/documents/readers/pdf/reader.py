"""pdf: the text of each page; OCR for scanned pages; pypdf for pages that PDFium can't read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from tools.documents.base import Area, DocumentError, Length, Options, Page, ReaderEvent, Remark
from tools.documents.readers.image import ocr
from tools.documents.readers.layout.pagination import counted
from tools.documents.readers.layout.text_lines import Body, markdown
from tools.documents.readers.pdf.forms import annotations_of
from tools.documents.readers.pdf.pdfium import (
    Damaged,
    Graphics,
    graphics_of,
    open_pdf,
    picture,
    text_lines,
)
from tools.documents.readers.pdf.text_cleanup import clean, rejoined

if TYPE_CHECKING:
    from PIL import Image
    from pypdf import PdfReader

log = logging.getLogger(__name__)

MAX_MEANINGLESS_SHARE = 0.3  # of the characters of a page; above it the page is recognised by OCR
MAX_SCAN_CHARS = 100  # of text on a scanned page, such as a stamp or running title
MIN_SCAN_SHARE = 0.5  # of a scanned page that is covered by images

GARBLED = "text whose font doesn't say which letters it draws"
BROKEN = "a damaged page"
_END = b"%%EOF"


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    try:
        pdf = open_pdf(path, options.password)
    except Damaged:
        yield from _by_pypdf(path, options)
        return
    try:
        yield from _Reading(path, pdf, options).pieces()
    finally:
        pdf.close()


def draw(
    path: Path,
    page: int,
    width: int,
    password: str | None,
    words: Sequence[str] = (),
    areas: Sequence[Area] = (),
) -> Image.Image:
    """Render a page.

    Arguments:
        path: path of the file.
        page: number of the page, from 1.
        width: width of the image in pixels.
        password: opens a locked file.
        words: words of the page's own text to mark.
        areas: areas of the image to mark.

    Raises `DocumentError`, also if there is no such page.
    """
    pdf = open_pdf(path, password)
    try:
        if not 1 <= page <= len(pdf):
            raise DocumentError("There is no such page.")
        sheet = pdf[page - 1]
        image = picture(sheet, width)
        if not words and not areas:
            return image
        from tools.documents.readers.image.highlight import enlarged, marked
        from tools.documents.readers.pdf.highlight import words_on

        return marked(image, [*enlarged(image, areas), *words_on(sheet, words, image.size)])
    except PdfiumError:
        raise DocumentError("The page is damaged.") from None
    finally:
        pdf.close()


class _Reading:
    """The reading of one file."""

    def __init__(self, path: Path, pdf: PdfDocument, options: Options) -> None:
        self._path = path
        self._pdf = pdf
        self._options = options
        self._body = Body()
        self._other: PdfReader | None = None

    def pieces(self) -> Iterator[ReaderEvent]:
        total = len(self._pdf)
        count = min(total, self._options.max_pages)
        yield Length(count)
        if count < total:
            yield _cut(count, total)
        yield from self._remarks()
        for number in range(1, count + 1):
            yield self._page(number)

    def _remarks(self) -> Iterator[Remark]:
        with self._path.open("rb") as file:
            file.seek(max(0, self._path.stat().st_size - 4096))
            if _END not in file.read():
                yield Remark("The file seems to be cut short; what is missing can't be told.")
        if self._pdf.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
            yield Remark("It is an XFA form; what it was filled with may be missing.")
        if attached := self._pdf.count_attachments():
            files = "1 attached file was" if attached == 1 else f"{attached:,} attached files were"
            yield Remark(f"{files} not read.")

    def _page(self, number: int) -> Page:
        try:
            page = self._pdf[number - 1]
        except PdfiumError:
            return self._page_by_pypdf(number)
        try:
            return self._seen(page, number)
        except PdfiumError:
            return self._page_by_pypdf(number)
        finally:
            page.close()

    def _seen(self, page: PdfPage, number: int) -> Page:
        lines, nonsense = text_lines(page)
        graphics = graphics_of(page)
        garbled = nonsense > MAX_MEANINGLESS_SHARE
        chars = sum(len(line.text) for line in lines)
        on_page = annotations_of(self._pdf, page)
        if garbled or _is_scan(chars, graphics):
            recognised = self._recognised(page, number)
            if garbled or len(recognised.text) > chars:
                unreadable = (GARBLED,) if garbled and not recognised.ocr else recognised.unreadable
                text = _joined(recognised.text, on_page)
                return replace(recognised, text=text, unreadable=unreadable)
            if not lines:
                return replace(recognised, text=on_page)
        self._body.see(lines)
        pictures = counted(["picture"] * graphics.pictures)
        return Page(number, _joined(markdown(lines, self._body), on_page), pictures)

    def _recognised(self, page: PdfPage, number: int) -> Page:
        """The page by OCR; an empty page if OCR is off or fails."""
        if not self._options.ocr:
            return Page(number, "", (ocr.OFF,))
        try:
            return ocr.page_of(picture(page, bare=True), number)
        except (ocr.OcrFailed, DocumentError):
            log.exception("page %d could not be recognised", number)
            return Page(number, "", (ocr.FAILED,))

    def _page_by_pypdf(self, number: int) -> Page:
        try:
            if self._other is None:
                self._other = _pypdf(self._path, self._options.password)
            return _plain(self._other, number)
        except DocumentError:
            return Page(number, "", (BROKEN,))


def _is_scan(chars: int, graphics: Graphics) -> bool:
    if not chars:
        return graphics.objects > 0
    return chars < MAX_SCAN_CHARS and graphics.covered >= MIN_SCAN_SHARE


def _joined(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _cut(count: int, total: int) -> Remark:
    return Remark(f"Only the first {count:,} of {total:,} pages were read.")


def _by_pypdf(path: Path, options: Options) -> Iterator[ReaderEvent]:
    reader = _pypdf(path, options.password)
    total = len(reader.pages)
    if not total:
        raise DocumentError("The file has no pages.")
    count = min(total, options.max_pages)
    yield Length(count)
    if count < total:
        yield _cut(count, total)
    for number in range(1, count + 1):
        yield _plain(reader, number)


def _pypdf(path: Path, password: str | None) -> PdfReader:
    from pypdf import PdfReader

    try:
        reader = PdfReader(path, strict=False, password=password)
        len(reader.pages)
    except MemoryError:
        raise
    except Exception:
        log.info("pypdf failed", exc_info=True)
        raise Damaged("The file is damaged or cut short: no page can be found in it.") from None
    return reader


def _plain(reader: PdfReader, number: int) -> Page:
    """The text of a page by pypdf."""
    try:
        text = reader.pages[number - 1].extract_text()
    except MemoryError:
        raise
    except Exception:
        log.info("pypdf failed", exc_info=True)
        return Page(number, "", (BROKEN,))
    lines = list[str]()
    for line in map(clean, text.splitlines()):
        if lines and lines[-1].endswith("-") and line[:1].islower():
            lines[-1] = rejoined(lines[-1].rstrip("-"), line)
        else:
            lines.append(line.rstrip())
    return Page(number, "\n".join(lines).strip())
