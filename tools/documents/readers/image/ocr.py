"""Text out of pictures, with RapidOCR; the weights of its models are in its wheel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.documents.base import Page, WordBox
from tools.documents.readers.layout.reading_order import Box, in_lines, middle
from tools.documents.readers.layout.text_lines import Line, markdown

if TYPE_CHECKING:
    from PIL import Image

THREADS = 1  # two files are read at a time, and what waits for the processor spins
SIDE = 1440  # pixels; what is higher is recognised in strips, what is far smaller is enlarged
MIN_EDGE_PX = 30  # pixels

NOTHING, OFF, FAILED = "a picture without text", "a scanned page", "a page that OCR failed on"
"""What is said of a page whose picture gave no text."""


class Words(NamedTuple):
    """Words with the rectangle around them, in pixels from the picture's upper left corner, and
    how many of their characters are thought to be right."""

    text: str
    box: Box
    certainty: float = 0.0


class OcrFailed(Exception):
    """Nothing could be recognised; its text is for the log."""


def page_of(picture: Image.Image, number: int) -> Page:
    """The page that the picture shows. Raises `OcrFailed`."""
    text, places = recognised(picture)
    return Page(number, text, () if text else (NOTHING,), ocr=True, places=places)


def recognised(picture: Image.Image) -> tuple[str, tuple[WordBox, ...]]:
    """The text that the picture shows, in reading order, and where its words stand; that is left
    out where the text runs up or down. Raises `OcrFailed`."""
    try:
        best = upright = _seen(picture)
        if _is_sideways(best):
            turned = (_seen(picture.rotate(turn, expand=True)) for turn in (90, 270))
            best = max(best, *turned, key=lambda seen: sum(each.certainty for each in seen))
    except MemoryError:
        raise
    except Exception as error:
        raise OcrFailed(f"{type(error).__name__}: {error}") from error
    rows = in_lines(best, lambda words: words.box)
    places = (_place(words, picture.size) for row in rows for words in row)
    return markdown(list(map(line_of, rows))), tuple(places) if best is upright else ()


def line_of(row: Sequence[Words]) -> Line:
    """The words of a line as one."""
    height = middle(words.box.height for words in row)
    base = -middle(words.box.bottom for words in row)
    text = " ".join(words.text for words in row)
    return Line(text, row[0].box.left, base, height, base)


def _place(words: Words, size: tuple[int, int]) -> WordBox:
    across, down = (1000 / side for side in size)
    left, top, right, bottom = words.box
    signs = len("".join(words.text.split()))
    edges = round(left * across), round(top * down), round(right * across), round(bottom * down)
    return signs, *edges


def _seen(picture: Image.Image) -> list[Words]:
    """What is written on the picture, in its own pixels."""
    scale = min(SIDE / picture.width, 1.0) if picture.height > SIDE / 2 else 1.0
    scale = 2.0 if max(picture.size) < SIDE / 2 else scale
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
    """Strips that are not too high, each with its upper edge; cut where nothing is written."""
    import numpy

    top = 0
    while picture.height - top > SIDE * 1.1:
        low = top + SIDE // 2
        window = picture.crop((0, low, picture.width, top + SIDE)).convert("L")
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
            "Det.limit_side_len": SIDE,
            # One line at a time: together they would all be as long as the longest.
            "Rec.rec_batch_num": 1,
            f"{runtime}.intra_op_num_threads": THREADS,
            f"{runtime}.inter_op_num_threads": 1,
        }
    )
