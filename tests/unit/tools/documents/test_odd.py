"""Files as no program writes them: every one ends as text, or as a sentence of why not."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image

from app.core.document_qa.retrieval.chunking import MAX_CHUNK_CHARS, chunk_pages
from app.core.document_qa.store import ranges
from tests.support.document_scene import sheets
from tests.support.made_office import full_word, p, r, word
from tests.support.made_pdfs import picture
from tests.support.made_sheets import full_slides, full_workbook
from tests.support.made_texts import (
    full_book,
    full_mail,
    full_notebook,
    full_open_text,
    full_rich_text,
)
from tools.citations import find
from tools.documents.base import DocumentError, Options, Page
from tools.documents.formats import kind_of, reader
from tools.documents.readers.image import image as picture_reader
from tools.documents.readers.office.encryption import opened

# Libraries warn of what they make the best of.
pytestmark = pytest.mark.filterwarnings("ignore")

MAKERS: dict[str, Callable[[Path], object]] = {
    "docx": full_word,
    "pptx": full_slides,
    "xlsx": full_workbook,
    "odt": full_open_text,
    "epub": full_book,
    "rtf": full_rich_text,
    "eml": full_mail,
    "ipynb": full_notebook,
    "png": lambda path: picture("words").save(path),
}
MAGIC = (
    *(b"PK\3\4", b"PK\5\6", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1", b"From: a\nTo: b\n"),
    *(b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF89a", b"RIFF....WEBP", b"BM", b"<html>"),
    *(b"{", b"\xff\xfe", b"\xef\xbb\xbf", b""),
)
OLE = MAGIC[2] + "EncryptedPackage".encode("utf-16-le")
MAIL, RAISED = b"From: a\nTo: b\nSubject: s\n", '<w:vertAlign w:val="superscript"/>'

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@cache
def made(kind: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a.{kind}")
        MAKERS[kind](path)
        return path.read_bytes()


def ends_well(data: bytes, name: str) -> None:
    """It is read, or refused in a sentence that tells nothing of this machine."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "file")
        file.write_bytes(data)
        numbers: list[int] = []
        sentence = "."
        try:
            with opened(file, "secret") as path:
                for piece in reader(kind_of(path, name))(path, Options(ocr=False)):
                    numbers += [piece.number] if isinstance(piece, Page) else []
        except DocumentError as error:
            sentence = str(error)
        assert sentence.endswith(".") and folder not in sentence
        assert numbers == list(range(1, len(numbers) + 1))


@few
@given(data=some.data())
@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_that_is_cut_short_or_damaged_anywhere(kind: str, data: some.DataObject) -> None:
    whole = bytearray(made(kind))
    for _ in range(data.draw(some.integers(0, 4), "faults")):
        at = data.draw(some.integers(0, len(whole) - 1), "at")
        fault = data.draw(some.binary(min_size=1, max_size=8), "bytes")
        whole[at : at + data.draw(some.sampled_from((0, len(fault), 300)), "over")] = fault
    length = data.draw(some.sampled_from((len(whole), len(whole) // 2)), "length")
    ends_well(bytes(whole[:length]), f"a.{kind}")


@few
@given(data=some.data())
@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx", "odt", "epub"])
def test_a_package_whose_parts_say_something_else(kind: str, data: some.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(made(kind))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    texts = [name for name in parts if name.endswith((".xml", ".rels", ".xhtml", ".opf"))]
    for _ in range(data.draw(some.integers(1, 4), "changes")):
        name = data.draw(some.sampled_from(texts), "part")
        pieces = parts[name].split(b'"')
        at = data.draw(some.integers(0, len(pieces) - 1), "piece")
        odd = (b"-1", b"", b"99999999999999999999", b"1e400", b"NaN", "é".encode(), pieces[0])
        pieces[at] = data.draw(some.sampled_from(odd), "said")
        parts[name] = b'"'.join(pieces)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    ends_well(changed.getvalue(), f"a.{kind}")


@settings(few, max_examples=40)
@given(
    magic=some.sampled_from((*MAGIC, OLE)),
    body=some.binary(max_size=600),
    name=some.sampled_from(("a.docx", "a.csv", "a.html", "a.eml", "a.ipynb", "a.py", "a")),
)
def test_any_bytes_behind_what_files_begin_with(magic: bytes, body: bytes, name: str) -> None:
    ends_well(magic + body, name)


ENDLESS = {
    "comments": ("a.md", b"<!--x-->\n" * 5_000 + b"text"),
    "empty lines": ("a.txt", b"\n" * 3_000_000 + b"x"),
    "blanks": ("a.txt", b" " * 3_000_000 + b"\f x"),
    "scripts": ("a.html", b"<html>" + b"<script " * 300_000),
    "groups": ("a.rtf", b"{\\rtf1 {" + b"\\v x" * 300_000),
    "blanks of Word": ("a.docx", p("x" + " " * 2_000_000 + "x")),
    "raised figures": ("a.docx", p(runs=r("1" * 500_000 + "x", RAISED))),
    "nested mail": ("a.eml", MAIL + b"Content-Type: text/html\n\n" + b"<div>" * 10_000),
    "a charset that is none": ("a.eml", MAIL + b'Content-Type: text/plain; charset="a\0"\n\nx'),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", ENDLESS)
def test_what_repeats_without_end_is_read_once(what: str, tmp_path: Path) -> None:
    name, data = ENDLESS[what]
    if isinstance(data, str):
        data = word(tmp_path / "a.docx", data).read_bytes()
    ends_well(data, name)


def test_a_damaged_page_of_a_scan_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    frames = [picture(word) for word in ("First", "Second", "Third")]
    frames[0].save(path, save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate")
    with Image.open(path) as image:
        image.seek(1)
        start = image.tag_v2[273][0]  # where its data begin
    data = bytearray(path.read_bytes())
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    found = [each for each in picture_reader.read(path, Options()) if isinstance(each, Page)]
    assert [page.text for page in found] == ["First", "", "Third"]
    assert found[1].unreadable == (picture_reader.BROKEN,)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("sign", ["\n", "-", " ", "\n \t", "# #", "[1], ", "* "])
def test_a_page_of_one_sign_is_shown_cut_and_searched(sign: str) -> None:
    text = sign * (100_000 // len(sign)) + "x"
    (sheet,) = sheets(text)
    assert sheet.shown.endswith("x\n")
    passages, _ = chunk_pages([sheet, *sheets("\n\n" + "y " * (MAX_CHUNK_CHARS // 2), first=2)])
    assert max(len(passage.text) for passage in passages) <= MAX_CHUNK_CHARS + 1
    assert "".join(passage.text for passage in passages)
    assert find(text, "words that are not there") == ()


def test_a_page_s_number_may_be_far_too_long() -> None:
    for pages in ("9" * 5_000, f"1-{'9' * 5_000}"):
        with pytest.raises(DocumentError, match="no range of pages"):
            ranges(pages, 3)
