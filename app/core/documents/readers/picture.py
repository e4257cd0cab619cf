"""A picture as a document: its text by OCR, a page a frame where it is a TIFF."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from app.core.documents.base import DocumentError, Length, Options, Page, Piece, Remark
from app.core.documents.readers import ocr

log = logging.getLogger(__name__)

MOST_PIXELS = 100_000_000  # of one frame


def read(path: Path, options: Options) -> Iterator[Piece]:
    """See `base.Reader`."""
    with _opened(path) as image:
        frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        count = min(frames, options.most_pages)
        yield Length(count)
        if count < frames:
            yield Remark(f"Only the first {count:,} of {frames:,} pages were read.")
        for number, frame in zip(range(1, count + 1), ImageSequence.Iterator(image), strict=False):
            yield _page(frame, number, options)


def draw(path: Path, page: int, width: int, password: str | None) -> Image.Image:
    """A frame, counted from 1, at most `width` pixels wide."""
    with _opened(path) as image:
        try:
            image.seek(page - 1)
        except EOFError:
            raise DocumentError("There is no such page.") from None
        shown = _loaded(image)
    shown.thumbnail((width, 4 * width))
    return shown


def _opened(path: Path) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # what is too large is said in words below
    try:
        image = Image.open(path)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise DocumentError("The file is damaged, or a picture of an unknown kind.") from None
    return image


def _page(frame: Image.Image, number: int, options: Options) -> Page:
    if not options.ocr:
        return Page(number, "", (ocr.OFF,))
    try:
        return ocr.page_of(_loaded(frame), number)
    except ocr.OcrFailed:
        log.exception("a picture could not be recognised")
        return Page(number, "", (ocr.FAILED,), ocr=True)


def _loaded(frame: Image.Image) -> Image.Image:
    """The frame the right way up, on white."""
    if frame.width * frame.height > MOST_PIXELS:
        raise DocumentError(f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels.")
    frame.draft("RGB", (2 * ocr.SIDE, 2 * ocr.SIDE))
    try:
        upright = ImageOps.exif_transpose(frame)
    except (OSError, ValueError, SyntaxError):
        raise DocumentError("The file is damaged or cut short.") from None
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    colours = upright.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
