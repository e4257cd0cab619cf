"""Words marked on the picture of their page: the marks cover the words, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from tests.support.made_pdfs import picture, scanned, text_pdf, write
from tools.citations import find
from tools.documents.base import Options, Page
from tools.documents.page_images import areas
from tools.documents.readers.image import image as picture_reader
from tools.documents.readers.pdf import reader

WIDTH = 900  # pixels
POINT = WIDTH / 595.28  # of an A4 page, in pixels
BASE = 500  # points
FAR = 4 * POINT  # how far a mark may go beyond its words: a letter is wider


def look(path: Path, **marks: object) -> Image.Image:
    module = reader if path.suffix == ".pdf" else picture_reader
    return module.draw(path, 1, WIDTH, None, **marks).convert("RGB")


def mark_on(path: Path, **marks: object) -> tuple[float, float, float, float]:
    """The edges of all that is marked."""
    plain, marked = look(path), look(path, **marks)
    changed = ImageChops.difference(plain, marked).getbbox()
    assert changed is not None
    return changed


def ink_of(image: Image.Image, box: tuple[float, float, float, float]) -> tuple[float, ...]:
    """The edges of what is written within a box."""
    left, top, right, bottom = map(round, box)
    dark = image.crop((left, top, right, bottom)).convert("L").point(lambda at: 255 * (at < 90))
    a, b, c, d = dark.getbbox() or (0, 0, 0, 0)
    return left + a, top + b, left + c, top + d


def covers(mark: tuple[float, ...], words: tuple[float, ...], far: float = FAR) -> bool:
    left, top, right, bottom = mark
    a, b, c, d = words
    return left <= a <= left + far and top <= b <= top + far and right - far <= c <= right and (
        bottom - far <= d <= bottom
    )  # fmt: skip


def one_line(path: Path, *words: str, rotation: int = 0) -> list[tuple[float, float]]:
    """A page with a line of words, and from where to where on the page each goes, in points."""
    canvas, left, edges = Canvas(str(path)), 72.0, []
    canvas.setPageRotation(rotation)
    canvas.setFont("Helvetica", 14)
    for word in words:
        canvas.drawString(left, BASE, word)
        edges.append((left, left + stringWidth(word, "Helvetica", 14)))
        left = edges[-1][1] + stringWidth(" ", "Helvetica", 14)
    canvas.save()
    return edges


def test_the_mark_covers_the_words_and_no_others(tmp_path: Path) -> None:
    edges = one_line(tmp_path / "a.pdf", "We", "earned", "57", "million", "euros")
    mark = mark_on(tmp_path / "a.pdf", words=["57 million"])
    left, right = edges[2][0] * POINT, edges[3][1] * POINT
    top = (842 - BASE - 14) * POINT
    words = ink_of(look(tmp_path / "a.pdf"), (left - 1, top, right + 1, top + 18 * POINT))
    assert covers(mark, words)
    assert edges[1][1] * POINT < mark[0] and mark[2] < edges[4][0] * POINT
    # What is marked can still be read.
    shown = look(tmp_path / "a.pdf", words=["57 million"])
    assert covers(mark, ink_of(shown, mark)) and shown.getpixel((mark[0] + 4, mark[1] + 3))[2] < 150


def test_a_page_that_is_turned_is_marked_where_its_words_are(tmp_path: Path) -> None:
    one_line(tmp_path / "a.pdf", "Turned", rotation=90)
    mark = mark_on(tmp_path / "a.pdf", words=["Turned"])
    plain = look(tmp_path / "a.pdf")
    assert covers(mark, ink_of(plain, (0, 0, *plain.size)), far=2 * FAR)
    assert mark[3] - mark[1] > mark[2] - mark[0]


def test_words_of_two_lines_have_a_mark_each(tmp_path: Path) -> None:
    lines = ["It was an extra-", "ordinary day, e\ufb03cient too", "and over"]
    path = text_pdf(tmp_path / "a.pdf", [lines])
    (page,) = (piece for piece in reader.read(path, Options(ocr=False)) if isinstance(piece, Page))
    words = "extraordinary day, efficient"
    assert find(page.text, words)
    mark = mark_on(path, words=[words])
    height = 12 * POINT  # of a line
    assert 1.5 * height < mark[3] - mark[1] < 2.5 * height
    plain, marked = look(path), look(path, words=[words])
    beside = (0, 0, round(mark[2]), round(mark[1] + 5))
    assert ImageChops.difference(plain.crop(beside), marked.crop(beside)).getbbox()[0] > 80 * POINT


@pytest.mark.parametrize("marks", [{"words": ["never written"]}, {"words": [""]}, {"areas": []}])
def test_what_is_not_there_leaves_the_page_as_it_is(tmp_path: Path, marks: dict) -> None:
    path = text_pdf(tmp_path / "a.pdf", [["Some words"]])
    assert ImageChops.difference(look(path), look(path, **marks)).getbbox() is None


@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_recognised_words_are_marked_where_they_were_seen(tmp_path: Path, kind: str) -> None:
    image, path = picture("Invoice 4711", "Total 1,250.00 euros"), tmp_path / f"a.{kind}"
    if kind == "pdf":
        canvas = Canvas(str(path))
        scanned(canvas, image)
        canvas.save()
        read = reader.read
    else:
        image.save(path)
        read = picture_reader.read
    (page,) = (piece for piece in read(path, Options()) if isinstance(piece, Page))
    assert page.ocr and page.places
    spans = find(page.text, "1,250.00")
    mark = mark_on(path, areas=areas(page, spans))
    plain = look(path)
    # The second line, of which the words before and behind stay as they are.
    line = ink_of(plain, (0, plain.height * 0.45, plain.width, plain.height))
    assert line[0] + 0.1 * (line[2] - line[0]) < mark[0] and mark[2] < line[2] - 0.1 * plain.width
    assert mark[1] <= line[1] and mark[3] >= line[3] - 0.02 * plain.height
    assert mark[1] > 0.35 * plain.height


def test_areas_follow_the_signs_of_the_text() -> None:
    page = Page(1, "ab cd\n\nef", ocr=True, places=((4, 100, 10, 500, 20), (2, 0, 30, 100, 40)))
    assert areas(page, [(0, 2)]) == ((100, 10, 300, 20),)
    assert areas(page, [(3, 8)]) == ((300, 10, 500, 20), (0, 30, 50, 40))
    assert areas(page, [(40, 50)]) == () == areas(Page(1, "ab cd"), [(0, 2)])


def test_a_form_s_text_does_not_move_the_marks(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    write(canvas, ["Application of Ada"])
    canvas.acroForm.textfield(name="name", value="Application of Bob", x=50, y=500)
    canvas.save()
    mark = mark_on(tmp_path / "a.pdf", words=["Application of Ada"])
    assert mark[3] < (842 - 700) * POINT
