"""Recognises text in images with RapidOCR, whose wheel contains the weights of its models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.documents.base import Page, WordBox
from tools.documents.readers.layout.reading_order import Box, in_lines, median
from tools.documents.readers.layout.text_lines import Line, markdown

if TYPE_CHECKING:
    from PIL import Image

THREADS = 1  # because two files are read at a time, and waiting threads would spin
SIDE_PX = 1440  # a higher image is recognised in strips; one below half is enlarged
MIN_EDGE_PX = 30  # smaller images are skipped

EMPTY, OFF, FAILED = "a picture without text", "a scanned page", "a page that OCR failed on"
"""The values of `Page.unreadable` for a page whose image gave no text."""


class Words(NamedTuple):
    """Words, their bounding box in pixels from the image's upper left corner, and the expected
    number of correct characters."""

    text: str
    box: Box
    certainty: float = 0.0


class OcrFailed(Exception):
    """The recognition failed; the message is for the log."""


def page_of(picture: Image.Image, number: int) -> Page:
    """The page with the text of the image. Raises `OcrFailed`."""
    text, places = recognised(picture)
    return Page(number, text, () if text else (EMPTY,), ocr=True, places=places)


def recognised(picture: Image.Image) -> tuple[str, tuple[WordBox, ...]]:
    """The text of the image in reading order, and the boxes of its words; no boxes if the text is
    rotated by 90 degrees. Raises `OcrFailed`."""
    try:
        best = upright = _find_words(picture)
        if _is_sideways(best):
            turned = (_find_words(picture.rotate(turn, expand=True)) for turn in (90, 270))
            best = max(best, *turned, key=lambda seen: sum(each.certainty for each in seen))
    except MemoryError:
        raise
    except Exception as error:
        raise OcrFailed(f"{type(error).__name__}: {error}") from error
    rows = in_lines(best, lambda words: words.box)
    places = (_place(words, picture.size) for row in rows for words in row)
    return markdown(list(map(line_of, rows))), tuple(places) if best is upright else ()


def line_of(row: Sequence[Words]) -> Line:
    """The words of a line, joined."""
    height = median(words.box.height for words in row)
    base = -median(words.box.bottom for words in row)
    text = " ".join(words.text for words in row)
    return Line(text, row[0].box.left, base, height, base)


def _place(words: Words, size: tuple[int, int]) -> WordBox:
    across, down = (1000 / side for side in size)
    left, top, right, bottom = words.box
    characters = len("".join(words.text.split()))
    edges = round(left * across), round(top * down), round(right * across), round(bottom * down)
    return characters, *edges


def _find_words(picture: Image.Image) -> list[Words]:
    """The words in the image, with boxes in pixels of the original size."""
    scale = min(SIDE_PX / picture.width, 1.0) if picture.height > SIDE_PX / 2 else 1.0
    scale = 2.0 if max(picture.size) < SIDE_PX / 2 else scale
    sized = picture
    if scale != 1.0:
        across, down = (max(1, round(side * scale)) for side in picture.size)
        sized = picture.resize((across, down))
    return [words for top, strip in _strips(sized) for words in _words(strip, top, scale)]


def _is_sideways(seen: Sequence[Words]) -> bool:
    """Whether most of the text runs up or down the page."""
    tall = sum(len(words.text) for words in seen if words.box.height > 2 * words.box.width)
    return 2 * tall > sum(len(words.text) for words in seen)


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Horizontal strips with their upper edges, cut where the image has the least contrast."""
    import numpy

    top = 0
    while picture.height - top > SIDE_PX * 1.1:
        low = top + SIDE_PX // 2
        window = picture.crop((0, low, picture.width, top + SIDE_PX)).convert("L")
        cut = low + int(numpy.asarray(window).std(axis=1).argmin())
        yield top, picture.crop((0, top, picture.width, cut))
        top = cut
    yield top, picture.crop((0, top, picture.width, picture.height))


def _words(picture: Image.Image, down: int, scale: float) -> Iterator[Words]:
    import numpy

    if min(picture.size) < MIN_EDGE_PX:
        return
    found = _engine()(numpy.asarray(picture.convert("RGB"))[:, :, ::-1])
    if not found.txts:
        return
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        edges = (*corners.min(axis=0), *corners.max(axis=0))
        left, top, right, bottom = (float(edge) / scale for edge in edges)
        further = down / scale
        box = Box(left, top + further, right, bottom + further)
        yield Words(text, box, score * len(text))


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    runtime = "EngineConfig.onnxruntime"
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE_PX,
            # One line at a time, because a batch pads all lines to the longest.
            "Rec.rec_batch_num": 1,
            f"{runtime}.intra_op_num_threads": THREADS,
            f"{runtime}.inter_op_num_threads": 1,
        }
    )
