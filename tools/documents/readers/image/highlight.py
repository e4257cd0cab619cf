"""Areas of a page image, highlighted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL import Image, ImageChops, ImageDraw

INK, EDGE = (255, 222, 110), (214, 132, 0)
AROUND = 0.003  # of the picture's width: how far a mark goes beyond the words
Edges = Sequence[float]
"""Left, top, right and bottom, in pixels."""


def marked(image: Image.Image, areas: Iterable[Edges]) -> Image.Image:
    """The picture with marks on these areas, through which it can be seen."""
    ink = Image.new("RGB", image.size, "white")
    pen, around = ImageDraw.Draw(ink), max(2.0, AROUND * image.width)
    boxes = [
        (left - around, top - around, right + around, bottom + around)
        for left, top, right, bottom in areas
    ]
    for box in boxes:
        pen.rectangle(box, fill=INK)
    shown = ImageChops.multiply(image.convert("RGB"), ink)
    edge = ImageDraw.Draw(shown)
    for box in boxes:
        # On a dark ground the ink is not seen.
        edge.rectangle(box, outline=EDGE, width=max(1, round(around / 2)))
    return shown


def enlarged(image: Image.Image, areas: Iterable[Sequence[int]]) -> list[Edges]:
    """Areas in thousandths of the picture, in its pixels."""
    across, down = image.width / 1000, image.height / 1000
    return [(a * across, b * down, c * across, d * down) for a, b, c, d in areas]
