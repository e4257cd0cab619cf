"""Slides and pages that are nothing but a picture: read by OCR, and said to be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.shared import Inches as WordInches
from pptx import Presentation
from pptx.util import Inches

from tests.support.made_pdfs import picture
from tools.documents.base import Options, Page
from tools.documents.readers.image import ocr
from tools.documents.readers.office import docx, pptx


def png(*lines: str, **of: Any) -> io.BytesIO:
    data = io.BytesIO()
    picture(*lines, **of).save(data, "PNG")
    return data


def pages(module: Any, path: Path, ocr: bool = True) -> list[Page]:
    pieces = module.read(path, Options(ocr=ocr))
    return [piece for piece in pieces if isinstance(piece, Page)]


def slides(path: Path) -> Path:
    """A picture alone; one beside text; one that shows nothing; the first again with notes."""
    show = Presentation()
    blank, titled = show.slide_layouts[6], show.slide_layouts[5]
    shown = png("Invoice 4711", "Total 1,250.00")
    first = show.slides.add_slide(blank)
    _add(first, shown)
    second = show.slides.add_slide(titled)
    second.shapes.title.text = "With words"
    _add(second, shown)
    third = show.slides.add_slide(blank)
    _add(third, png())
    fourth = show.slides.add_slide(titled)
    _add(fourth, shown, "An invoice")
    fourth.notes_slide.notes_text_frame.text = "Speak slowly"
    show.save(str(path))
    return path


def _add(slide: Any, data: io.BytesIO, said: str = "") -> None:
    drawn = slide.shapes.add_picture(data, 0, 0, Inches(10))
    drawn._element.nvPicPr.cNvPr.set("descr", said)


def test_a_slide_that_is_a_picture_is_read_by_ocr(tmp_path: Path) -> None:
    invoice = "Invoice 4711\nTotal 1,250.00"
    assert pages(pptx, slides(tmp_path / "a.pptx")) == [
        Page(1, invoice, ocr=True),
        Page(2, "# With words", ("1 picture",)),
        Page(3, "", ("1 picture",)),
        Page(4, f"{invoice}\n\n[Picture: An invoice]\n\nNotes:\n\nSpeak slowly", ocr=True),
    ]


def test_without_ocr_pictures_are_counted(tmp_path: Path) -> None:
    first, *_, last = pages(pptx, slides(tmp_path / "a.pptx"), ocr=False)
    assert first == Page(1, "", ("1 picture",))
    assert last.text == "[Picture: An invoice]\n\nNotes:\n\nSpeak slowly"
    assert last.unreadable == ("1 picture",) and not last.ocr


def test_the_same_picture_is_recognised_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def recognised(image: object) -> tuple[str, tuple[()]]:
        seen.append(image)
        return "words", ()

    monkeypatch.setattr(ocr, "recognised", recognised)
    texts = [page.text for page in pages(pptx, slides(tmp_path / "a.pptx"))]
    assert len(seen) == 2 and texts[0] == "words" and texts[3].startswith("words\n\n")


def test_a_picture_on_the_ground_of_a_slide_is_read(tmp_path: Path) -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    frame = slide.shapes.add_picture(png("Painted behind"), 0, 0, Inches(10))._element
    fill = frame.find("{*}blipFill")
    ground = slide.background._cSld.get_or_add_bgPr()
    fill.tag = fill.tag.replace("presentationml", "drawingml")
    ground.insert(0, fill)
    frame.getparent().remove(frame)
    show.save(str(tmp_path / "a.pptx"))
    (page,) = pages(pptx, tmp_path / "a.pptx")
    assert page.text == "Painted behind" and page.ocr


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xd7\xcd\xc6\x9a" + bytes(60)])
def test_a_picture_that_is_none_stays_counted(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.documents.readers.safe_zip.Archive.open", _opening(data))
    first = pages(pptx, slides(tmp_path / "a.pptx"))[0]
    assert first == Page(1, "", ("1 picture",))


def _opening(data: bytes) -> Any:
    from tools.documents.readers.safe_zip import Archive

    known = Archive.open
    return lambda self, name: io.BytesIO(data) if "/media/" in name else known(self, name)


def test_pages_of_word_that_are_pictures_are_read_each_for_itself(tmp_path: Path) -> None:
    document = Document()
    for number in range(2):
        shown = png(f"Page number {number}", size=(300, 80))
        document.add_picture(shown, WordInches(6), WordInches(8))
    document.add_page_break()
    document.add_paragraph("Words of its own.")
    document.add_picture(png("Not read"), WordInches(3))
    document.save(str(tmp_path / "a.docx"))
    assert pages(docx, tmp_path / "a.docx") == [
        *(Page(number + 1, f"Page number {number}", ocr=True) for number in range(2)),
        Page(3, "Words of its own.", ("1 picture",)),
    ]
    assert [page.unreadable for page in pages(docx, tmp_path / "a.docx", ocr=False)] == [
        ("1 picture",)
    ] * 3
