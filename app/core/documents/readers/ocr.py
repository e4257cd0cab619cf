"""Text out of pictures, with RapidOCR; the weights of its models are in its wheel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from app.core.documents.base import Page
from app.core.documents.readers.boxes import Box, in_order
from app.core.documents.readers.lines import markdown

if TYPE_CHECKING:
    from PIL import Image

THREADS = 1  # two files are read at a time, and what waits for the processor spins
SIDE = 1440  # pixels; what is higher is recognised in strips, what is far smaller is enlarged
LEAST = 30  # pixels

NOTHING, OFF, FAILED = "a picture without text", "a scanned page", "a page that OCR failed on"
"""What is said of a page whose picture gave no text."""


class OcrFailed(Exception):
    """Nothing could be recognised; its text is for the log."""


def page_of(picture: Image.Image, number: int) -> Page:
    """The page that the picture shows. Raises `OcrFailed`."""
    text = recognised(picture)
    return Page(number, text, () if text else (NOTHING,), ocr=True)


def recognised(picture: Image.Image) -> str:
    """The text that the picture shows, in reading order. Raises `OcrFailed`."""
    try:
        best = _seen(picture)
        if _is_sideways(best):
            turned = (_seen(picture.rotate(turn, expand=True)) for turn in (90, 270))
            best = max(best, *turned, key=lambda boxes: sum(each.certainty for each in boxes))
    except MemoryError:
        raise
    except Exception as error:
        raise OcrFailed(f"{type(error).__name__}: {error}") from error
    return markdown(in_order(best))


def _seen(picture: Image.Image) -> list[Box]:
    return [box for top, strip in _strips(picture) for box in _boxes(strip, top)]


def _is_sideways(boxes: Sequence[Box]) -> bool:
    """Whether most of the text runs up or down the page."""
    tall = sum(len(box.text) for box in boxes if box.height > 2 * (box.right - box.left))
    return 2 * tall > sum(len(box.text) for box in boxes)


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Strips that are not too high, each with its upper edge; cut where nothing is written."""
    import numpy

    scale = min(SIDE / picture.width, 1.0) if picture.height > SIDE / 2 else 1.0
    scale = 2.0 if max(picture.size) < SIDE / 2 else scale
    if scale != 1.0:
        across, down = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((across, down))
    top = 0
    while picture.height - top > SIDE * 1.1:
        low = top + SIDE // 2
        window = picture.crop((0, low, picture.width, top + SIDE)).convert("L")
        cut = low + int(numpy.asarray(window).std(axis=1).argmin())
        yield top, picture.crop((0, top, picture.width, cut))
        top = cut
    yield top, picture.crop((0, top, picture.width, picture.height))


def _boxes(picture: Image.Image, down: int) -> Iterator[Box]:
    import numpy

    if min(picture.size) < LEAST:
        return
    found = _engine()(numpy.asarray(picture.convert("RGB"))[:, :, ::-1])
    if not found.txts:
        return
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        left, top, right, bottom = map(float, (*corners.min(axis=0), *corners.max(axis=0)))
        yield Box(text, left, top + down, right, bottom + down, score * len(text))


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    runtime = "EngineConfig.onnxruntime"
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            # One line at a time: together they would all be as long as the longest.
            "Rec.rec_batch_num": 1,
            f"{runtime}.intra_op_num_threads": THREADS,
            f"{runtime}.inter_op_num_threads": 1,
        }
    )
