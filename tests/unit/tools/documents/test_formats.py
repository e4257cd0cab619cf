"""Which reader a file gets: by what is in it, whatever it is called."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.support.made_office import full_word, p, word, zipped
from tests.support.made_sheets import full_slides, full_workbook
from tests.support.made_texts import full_book, full_open_sheet, full_open_text
from tools.documents.base import DocumentError, PasswordNeeded
from tools.documents.formats import READERS, kind_of, reader

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
MAIL = "Received: from a\r\nFrom: a@b.c\r\nTo: d@e.f\r\nSubject: x\r\n\r\nHello"


def kind(tmp_path: Path, data: bytes | str, name: str) -> str:
    path = tmp_path / "file"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return kind_of(path, name)


def picture(form: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (3, 3)).save(data, form)
    return data.getvalue()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (full_word, "docx"),
        (full_slides, "pptx"),
        (full_workbook, "xlsx"),
        (full_book, "epub"),
        (full_open_text, "odt"),
        (full_open_sheet, "ods"),
    ],
)
def test_a_package_is_known_by_its_parts(make, expected, tmp_path):
    make(tmp_path / "file")
    assert kind_of(tmp_path / "file", "lies.pdf") == expected
    assert kind_of(tmp_path / "file", "no suffix") == expected


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n", "x.docx", "pdf"),
        (b"junk\0\1\2%PDF-1.4", "scan", "pdf"),
        ('"""Reads %PDF-1.4."""\n', "pdf.py", "code"),
        (r"{\rtf1 x}", "letter.doc", "rtf"),
        (picture("PNG"), "x.txt", "picture"),
        (picture("JPEG"), "x", "picture"),
        (picture("GIF"), "x", "picture"),
        (picture("WEBP"), "x", "picture"),
        (picture("TIFF"), "x", "picture"),
        (picture("BMP"), "x", "picture"),
        ("<!DOCTYPE html><p>x", "report.xls", "html"),
        ("\ufeff<!-- saved -->\n<html><body>x", "page.txt", "html"),
        ("<p>x</p>", "page.htm", "html"),
        ("x < y and y > z", "page.txt", "text"),
        ("<?php ?><html>", "index.php", "code"),
        (MAIL, "message.txt", "email"),
        ("Subject: x\nFrom: y\n\nHello", "m.eml", "email"),
        ("From: a\n\nTo: nobody", "note.txt", "text"),
        ('{"cells": [], "nbformat": 4}', "x.json", "notebook"),
        ("{}", "x.ipynb", "notebook"),
        ("{}", "x.json", "code"),
        ("a,b\n1,2", "x.CSV", "csv"),
        ("a\tb\n1\t2", "export.xls", "csv"),
        ("# Title", "x.md", "text"),
        ("Title\n=====", "x.rst", "text"),
        (r"\section{x}", "x.tex", "text"),
        ("x = 1", "x.py", "code"),
        ("all:", "Makefile", "code"),
        ("some words", "file.unknown", "text"),
        ("some words", "..\\..\\x.txt", "text"),
        ("你好，世界".encode("gb18030"), "x.txt", "text"),
        ("words".encode("utf-16"), "x.txt", "text"),
        ("words and more of them".encode("utf-16-le"), "x.txt", "text"),
    ],
)
def test_content_decides_and_the_name_between_texts(data, name, expected, tmp_path):
    assert kind(tmp_path, data, name) == expected


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (bytes(range(256)) * 20, "binary data"),
        (b"\x7fELF\2\1\1" + bytes(60), "a program"),
        (b"\x1f\x8b\x08" + bytes(60), "a packed archive"),
        (b"\0\0\0\x20ftypisom" + bytes(60), "a video"),
        (b"ID3\3\0\0" + bytes(60), "a sound recording"),
        (b"SQLite format 3\0" + bytes(60), "a database"),
        (OLE + "WordDocument".encode("utf-16-le"), "Save it as .docx"),
        (OLE + "PowerPoint Document".encode("utf-16-le"), "Save it as .pptx"),
        (OLE + "Workbook".encode("utf-16-le"), "Save it as .xlsx"),
        (OLE + "__substg1.0_0037001F".encode("utf-16-le"), "Save it as .eml"),
        (OLE, "an old Office file"),
        (b"PK\3\4" + bytes(100), "damaged or cut short"),
    ],
)
def test_what_no_reader_reads_is_said(data, sentence, tmp_path):
    with pytest.raises(DocumentError) as caught:
        kind(tmp_path, data, "file.docx")
    assert sentence in str(caught.value)
    assert not isinstance(caught.value, PasswordNeeded)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"a.txt": "x", "b/c.txt": "y"}, "zip archive"),
        ({"xl/workbook.bin": b"x", "[Content_Types].xml": "<x/>"}, "Save it as .xlsx"),
        ({"Index/Document.iwa": b"x"}, "Export it"),
    ],
)
def test_a_zip_file_of_another_kind_is_said(parts, sentence, tmp_path):
    with pytest.raises(DocumentError, match=sentence):
        kind_of(zipped(tmp_path / "file", parts), "file.docx")


def test_a_package_that_is_cut_short_is_said(tmp_path):
    path = word(tmp_path / "x.docx", p("words") * 500)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DocumentError, match="cut short"):
        kind_of(path, "x.docx")


def test_a_file_that_is_gone_is_no_documents_fault(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        kind_of(tmp_path / "gone", "gone.txt")


@pytest.mark.parametrize("one", [one for one in READERS if one not in ("pdf", "picture")])
def test_every_kind_has_a_reader(one):
    assert callable(reader(one))
