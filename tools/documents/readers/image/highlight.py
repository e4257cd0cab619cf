"""Highlights areas of a page image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL import Image, ImageChops, ImageDraw

INK, EDGE = (255, 222, 110), (214, 132, 0)
MARGIN = 0.003  # of a mark around the words, as a share of the image's width
Edges = Sequence[float]
"""Left, top, right and bottom, in pixels."""


def marked(image: Image.Image, areas: Iterable[Edges]) -> Image.Image:
    """The image with transparent marks on these areas, given in pixels."""
    ink = Image.new("RGB", image.size, "white")
    pen, around = ImageDraw.Draw(ink), max(2.0, MARGIN * image.width)
    boxes = [
        (left - around, top - around, right + around, bottom + around)
        for left, top, right, bottom in areas
    ]
    for box in boxes:
        pen.rectangle(box, fill=INK)
    shown = ImageChops.multiply(image.convert("RGB"), ink)
    edge = ImageDraw.Draw(shown)
    for box in boxes:
        # The ink is invisible on a dark background; the outline is not.
        edge.rectangle(box, outline=EDGE, width=max(1, round(around / 2)))
    return shown


def enlarged(image: Image.Image, areas: Iterable[Sequence[int]]) -> list[Edges]:
    """Areas in thousandths of the image's size, converted to pixels."""
    across, down = image.width / 1000, image.height / 1000
    return [(a * across, b * down, c * across, d * down) for a, b, c, d in areas]
