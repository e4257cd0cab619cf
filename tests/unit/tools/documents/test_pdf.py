"""The pdf reader, on files that reportlab writes and on files no program would write."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from tests.support.made_pdfs import (
    HELLO,
    inflating,
    one_page,
    picture,
    raw_pdf,
    scanned,
    stream,
    text_pdf,
    with_false_letters,
    without_letters,
    write,
)
from tools.documents.base import DocumentError, Length, Options, Page, PasswordNeeded, Remark
from tools.documents.readers.layout.reading_order import Box, in_lines
from tools.documents.readers.pdf import reader
from tools.documents.readers.pdf.text_cleanup import clean, meaningless
from tools.documents.worker.reading import MEGABYTE, Limits
from tools.documents.worker.reading import read as read_apart

NO_OCR = Options(ocr=False)


def pages(path: Path, options: Options = NO_OCR) -> list[Page]:
    return [piece for piece in reader.read(path, options) if isinstance(piece, Page)]


def remarks(path: Path, options: Options = NO_OCR) -> list[str]:
    return [piece.text for piece in reader.read(path, options) if isinstance(piece, Remark)]


def text(path: Path, options: Options = NO_OCR) -> str:
    return "\n".join(page.text for page in pages(path, options))


def file(folder: Path, data: bytes) -> Path:
    path = folder / "made.pdf"
    path.write_bytes(data)
    return path


def test_pages_come_one_by_one_after_their_number(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [["One"], ["Two"], []])
    assert list(reader.read(path, NO_OCR)) == [
        Length(3),
        Page(1, "One"),
        Page(2, "Two"),
        Page(3, ""),
    ]


def test_words_parted_at_a_line_s_end_are_whole_again(tmp_path: Path) -> None:
    lines = ["an extra-", "ordinary day so\u00ad", "ftly; state-of-", "the-art, Hans-", "Peter"]
    found = text(text_pdf(tmp_path / "a.pdf", [lines]))
    assert found == "an extraordinary day softly; state-of-the-art, Hans-Peter"


def test_ligatures_and_what_nobody_sees_are_put_right(tmp_path: Path) -> None:
    line = "e\ufb03cient \ufb01nd soft\u00adhyphen no\u00a0break zero\u200bwidth cafe\u0301"
    assert text(text_pdf(tmp_path / "a.pdf", [[line]])) == (
        "efficient find softhyphen no break zerowidth café"
    )
    assert clean("\uf0b7 one\x07\ud800") == "• one"


def test_paragraphs_stand_apart_and_headings_are_marked(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    write(canvas, ["The yearly report"], size=20)
    write(canvas, ["A first paragraph that is long enough", "to go on in a second line."], 740)
    write(canvas, ["Another paragraph, after some room."], 690)
    write(canvas, ["Far away"], 2000)  # above the page
    canvas.save()
    assert text(tmp_path / "a.pdf") == (
        "# The yearly report\n\nA first paragraph that is long enough\nto go on in a second line."
        "\n\nAnother paragraph, after some room."
    )


def test_fields_and_comments_are_read_with_the_page(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    write(canvas, ["Application"])
    form = canvas.acroForm
    form.textfield(name="name", tooltip="Full name", value="Ada", x=50, y=700)
    form.checkbox(name="agree", tooltip="I agree", x=50, y=650, checked=True)
    form.checkbox(name="news", x=80, y=650)
    form.radio(name="size", tooltip="Size", value="small", selected=False, x=50, y=600)
    form.radio(name="size", tooltip="Size", value="large", selected=True, x=80, y=600)
    form.choice(name="land", tooltip="Land", value="Peru", options=["Peru", "Chad"], x=50, y=500)
    canvas.textAnnotation("Check this", Rect=[50, 300, 70, 320])
    canvas.linkURL("http://localhost/", (0, 0, 10, 10))
    canvas.save()
    assert text(tmp_path / "a.pdf") == (
        "Application\n\nFilled in:\n- Full name: Ada\n- [x] I agree\n- [ ] news\n"
        "- [ ] Size: small\n- [x] Size: large\n- Land: Peru\n\nComments:\n- Check this"
    )


def test_scans_and_nonsense_are_told_from_text_page_by_page(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    write(canvas, ["A page of text"])
    canvas.showPage()
    scanned(canvas, picture("Invoice 4711", "Total 1,250.00"))
    canvas.save()
    shown = b"BT /F 24 Tf 20 60 Td (Receipt 0815) Tj ET"
    garbled = file(tmp_path, with_false_letters(shown, "0 0 300 120"))

    plain, scan = pages(tmp_path / "a.pdf", Options())
    assert plain == Page(1, "A page of text")
    assert scan == Page(2, "Invoice 4711\nTotal 1,250.00", ocr=True)
    assert pages(garbled, Options()) == [Page(1, "Receipt 0815", ocr=True)]
    # Without OCR there is no text, and it is said why.
    assert pages(tmp_path / "a.pdf")[1] == Page(2, "", ("a scanned page",))
    assert pages(garbled) == [Page(1, "", (reader.GARBLED,))]


def test_a_font_that_names_no_letters_makes_nonsense(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [["Жёлтые листья падают"]])
    assert text(path) == "Жёлтые листья падают"
    path.write_bytes(without_letters(path.read_bytes()))
    assert pages(path) == [Page(1, "", (reader.GARBLED,))]


def test_a_page_whose_recognition_fails_is_said_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise reader.ocr.OcrFailed("no weights")

    monkeypatch.setattr(reader.ocr, "recognised", broken)
    canvas = Canvas(str(tmp_path / "a.pdf"))
    scanned(canvas, picture("Invoice"))
    write(canvas, ["A page of text"], top=100)
    canvas.save()
    assert pages(tmp_path / "a.pdf", Options()) == [
        Page(1, "", (reader.ocr.FAILED,)),
        Page(2, "A page of text"),
    ]


def test_a_picture_among_text_is_said(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    write(canvas, ["Some words of a page that is no scan, long enough to be taken for a text."] * 3)
    canvas.drawInlineImage(picture("Invoice"), 50, 300, 400, 300)
    canvas.save()
    assert pages(tmp_path / "a.pdf")[0].unreadable == ("1 picture",)


def test_nonsense_is_told_from_text() -> None:
    assert meaningless("Größe 中文 “x” 3 • \uf0b7\r\n") == 0
    assert meaningless("\ue001\ue002\ufffd\x01") == 1
    assert meaningless("") == 0


def test_lines_come_in_reading_order() -> None:
    def column(left: float, word: str) -> dict[str, Box]:
        return {f"{word}{n}": Box(left, 100 + 30 * n, left + 300, 122 + 30 * n) for n in range(4)}

    def lines(places: dict[str, Box]) -> list[str]:
        return [" ".join(row) for row in in_lines([*places], places.__getitem__)]

    title = {"Title": Box(200, 20, 500, 60)}
    left, right = column(20, "left"), column(400, "right")
    assert lines({**right, **title, **left}) == ["Title", *left, *right]
    # A table's columns are narrow: its rows are the lines.
    cells = {f"{x}{y}": Box(100 * x, 30 * y + x, 100 * x + 40, 30 * y + 22) for x in (0, 4, 8)
             for y in range(3)}  # fmt: skip
    assert lines(cells) == ["00 40 80", "01 41 81", "02 42 82"]
    assert lines({}) == []
    # Columns under a table, and a table under columns
    below = {name: Box(place.left, place.top + 300, place.right, place.bottom + 300)
             for name, place in cells.items()}  # fmt: skip
    assert lines({**below, **right, **left}) == [*left, *right, *lines(cells)]
    # Of two lines side by side neither is a column.
    pair = {"a": Box(0, 0, 300, 20), "b": Box(400, 0, 700, 20), "c": Box(0, 30, 300, 50)}
    assert lines(pair) == ["a b", "c"]


@pytest.mark.parametrize(
    ("password", "typed"),
    [("secret", "secret"), ("pässwörd", "pässwörd"), ("пароль".encode("cp1251"), "пароль")],
)
def test_a_password_opens_a_file_in_any_script(
    tmp_path: Path, password: str | bytes, typed: str
) -> None:
    lock = StandardEncryption(password, ownerPassword="owner", strength=128)
    path = text_pdf(tmp_path / "a.pdf", [["Behind the lock"]], encrypt=lock)
    assert text(path, Options(password=typed)) == "Behind the lock"
    with pytest.raises(PasswordNeeded, match="needs a password"):
        text(path)
    with pytest.raises(PasswordNeeded, match="does not open"):
        text(path, Options(password="wrong"))


def test_what_pdfium_does_not_open_is_read_by_pypdf(tmp_path: Path) -> None:
    whole = one_page(HELLO)
    path = file(tmp_path, whole.replace(b"/Root 1 0 R", b"/Root 2 0 R"))
    with pytest.raises(reader.Damaged):
        reader.open_pdf(path, None)
    assert text(path) == "Hello there"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "damaged or cut short"),
        (one_page(HELLO)[:300], "damaged or cut short"),
        (raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"),
         "no pages"),
        (one_page(HELLO).replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt<</Filter/X>>"),
         "can't be opened here"),
    ],
)  # fmt: skip
def test_a_file_without_pages_says_why(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(DocumentError, match=sentence):
        pages(file(tmp_path, data))


def test_what_is_missing_of_a_file_is_said(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [[f"Page {n}"] for n in range(5)])
    assert remarks(path, Options(max_pages=2)) == ["Only the first 2 of 5 pages were read."]
    cut = file(tmp_path, one_page(HELLO).partition(b"startxref")[0])
    assert text(cut) == "Hello there"
    assert "cut short" in remarks(cut)[0]


def test_pages_that_are_not_there_are_said(tmp_path: Path) -> None:
    lies = raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 3>>")
    assert pages(file(tmp_path, lies)) == [Page(n, "", ("a damaged page",)) for n in (1, 2, 3)]


# The worst of files cost a child process, and no more time and memory than they are given.

APART = Limits(memory=400 * MEGABYTE, seconds=30.0)
ITSELF = stream(
    b"/X Do /X Do",
    "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>",
)


@pytest.mark.parametrize(
    "data",
    [
        one_page(HELLO, box="-1e30 -1e30 1e30 1e30"),
        one_page(b"[" * 1_000_000 + b"]" * 1_000_000 + HELLO),
        one_page(b"q " * 500_000 + HELLO),
    ],
    ids=["giant page", "deep arrays", "deep states"],
)
def test_a_page_that_only_looks_dangerous_is_read(tmp_path: Path, data: bytes) -> None:
    reading = read_apart(file(tmp_path, data), "made.pdf", APART, NO_OCR)
    assert [page.text for page in reading.pages] == ["Hello there"]


@pytest.mark.parametrize(
    "data",
    [
        one_page(inflating(1500), stream="/Filter/FlateDecode"),
        one_page(b"/X Do", more=[ITSELF], resources="/XObject<</X 6 0 R>>"),
    ],
    ids=["gigabytes", "a form that draws itself"],
)
def test_a_bomb_is_one_file_s_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"crash|more than"):
        read_apart(file(tmp_path, data), "made.pdf", APART, NO_OCR)


def test_the_picture_of_a_giant_page_is_bounded(tmp_path: Path) -> None:
    data = one_page(b"0 0 900000 900000 re f", box="0 0 1000000 1000000")
    image = reader.draw(file(tmp_path, data), 1, 20_000, None)
    assert image.width * image.height <= 25_000_000
