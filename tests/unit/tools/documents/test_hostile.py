"""Office files that were made to do harm, or are broken: an error in words, within bounds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.made_office import full_word, p, repacked, word, zipped
from tests.support.made_sheets import full_slides, full_workbook
from tests.support.words_in_order import pages, read, remarks
from tools.documents.base import DocumentError, Options
from tools.documents.readers import safe_zip
from tools.documents.readers.office import docx, pptx, xlsx

MAKERS = {"docx": full_word, "pptx": full_slides, "xlsx": full_workbook}


def hostile_xml(tmp_path: Path) -> str:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    return f'<!DOCTYPE x [<!ENTITY e0 "BOMB">{levels}<!ENTITY out SYSTEM "{secret.as_uri()}">]>'


@pytest.mark.parametrize(("kind", "main"), [("docx", "word/document.xml"), ("xlsx", "sheet1.xml")])
def test_entities_are_neither_expanded_nor_fetched(kind, main, tmp_path):
    MAKERS[kind](tmp_path / "file")
    doctype = hostile_xml(tmp_path).encode()

    def change(name: str, data: bytes) -> bytes:
        if not name.endswith(main):
            return data
        begin = data.index(b"<", data.find(b"?>") + 1 if b"?>" in data else 0)
        body = data[begin:].replace(b"<w:t>", b"<w:t>&out;&e8;").replace(b"<v>", b"<v>&out;&e8;")
        return doctype + body

    found = " ".join(pages(read(repacked(tmp_path / "file", change))))
    assert "SECRET" not in found
    assert "BOMB" not in found


@pytest.mark.parametrize("kind", MAKERS)
def test_a_zip_bomb_is_not_unpacked(kind, tmp_path):
    MAKERS[kind](tmp_path / "file")
    part = {"docx": "word/document.xml", "pptx": "ppt/slides/slide2.xml"}.get(kind, "sheet1.xml")
    bomb = b" " * (safe_zip.UNCHECKED_BYTES + 1)
    path = repacked(tmp_path / "file", lambda name, data: data + bomb * name.endswith(part))
    with pytest.raises(DocumentError, match="unpacks to far more"):
        read(path)


def test_all_parts_together_are_bounded(tmp_path, monkeypatch):
    full_slides(tmp_path / "x.pptx")
    monkeypatch.setattr(safe_zip, "MAX_BYTES", 50_000)
    with pytest.raises(DocumentError, match="unpacks to far more"):
        read(tmp_path / "x.pptx")


def test_damaged_data_in_a_package_is_said(tmp_path):
    path = word(tmp_path / "x.docx", p("words of any kind") * 300)
    data = bytearray(path.read_bytes())
    at = data.index(b"word/document.xml") + 60
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(DocumentError, match="damaged"):
        read(path)


@pytest.mark.parametrize("read_it", [docx.read, pptx.read, xlsx.read])
def test_a_package_of_another_kind_is_an_error_in_words(read_it, tmp_path):
    with pytest.raises(DocumentError):
        list(read_it(zipped(tmp_path / "x", {"a": "b"}), Options()))


def test_macros_are_left_alone(tmp_path):
    path = word(tmp_path / "x.docm", p("words"))
    macro = 'application/vnd.ms-word.document.macroEnabled.main+xml"'
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0AutoOpen")
    renamed = b'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"'
    path = repacked(path, lambda _, data: data.replace(renamed, macro.encode()))
    assert pages(read(path)) == ["words"]


def test_no_more_pages_than_allowed_and_that_is_said(tmp_path):
    full_slides(tmp_path / "x.pptx")
    pieces = read(tmp_path / "x.pptx", max_pages=2)
    assert len(pages(pieces)) == 2
    assert remarks(pieces) == ["Only the first 2 pages were read."]


def test_tables_in_one_another_without_end_are_an_error_in_words(tmp_path):
    depth = 400
    nested = "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc>" * depth + p("x")
    nested += "</w:tc></w:tr></w:tbl>" * depth
    with pytest.raises(DocumentError):
        read(word(tmp_path / "x.docx", nested))
