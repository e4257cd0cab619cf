"""Image files: their text by OCR; each frame of a TIFF is a page."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from tools.documents.base import Area, DocumentError, Length, Options, Page, ReaderEvent, Remark
from tools.documents.readers.image import ocr
from tools.documents.readers.safe_zip import DAMAGED

log = logging.getLogger(__name__)

MAX_PIXELS = 100_000_000  # of one frame
BROKEN = "a damaged page"


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with _opened(path) as image:
        frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        count = min(frames, options.max_pages)
        yield Length(count)
        if count < frames:
            yield Remark(f"Only the first {count:,} of {frames:,} pages were read.")
        for number in range(1, count + 1):
            try:
                _turn(image, number)
                yield _page(image, number, options)
            except DocumentError:
                if count == 1:
                    raise
                yield Page(number, "", (BROKEN,))


def draw(
    path: Path,
    page: int,
    width: int,
    password: str | None,
    words: Sequence[str] = (),
    areas: Sequence[Area] = (),
) -> Image.Image:
    """Render a frame, at most `width` pixels wide, with `areas` marked. Frames count from 1.

    `password` and `words` are for other formats, and ignored. Raises `DocumentError`.
    """
    with _opened(path) as image:
        _turn(image, page)
        shown = _loaded(image)
    shown.thumbnail((width, 4 * width))
    if not areas:
        return shown
    from tools.documents.readers.image.highlight import enlarged, marked

    return marked(shown, enlarged(shown, areas))


def loaded(source: IO[bytes]) -> Image.Image:
    """The first frame of a picture, the right way up, on white. Raises `DocumentError`."""
    with _opened(source) as image:
        return _loaded(image)


def _opened(source: Path | IO[bytes]) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # `MAX_PIXELS` is checked below
    try:
        image = Image.open(source)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise DocumentError("The file is damaged, or a picture of an unknown kind.") from None
    return image


def _turn(image: Image.Image, page: int) -> None:
    try:
        image.seek(page - 1)
    except EOFError:
        raise DocumentError("There is no such page.") from None
    except (OSError, SyntaxError, ValueError):
        raise DocumentError(DAMAGED) from None


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
    if frame.width * frame.height > MAX_PIXELS:
        raise DocumentError(f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels.")
    frame.draft("RGB", (2 * ocr.SIDE_PX, 2 * ocr.SIDE_PX))
    try:
        upright = ImageOps.exif_transpose(frame)
    except (OSError, ValueError, SyntaxError):
        raise DocumentError(DAMAGED) from None
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    colours = upright.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
