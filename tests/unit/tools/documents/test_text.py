"""Text, tables as text, HTML, e-mail, books, notebooks, OpenDocument, RTF: what a person sees."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.made_office import zipped
from tests.support.made_texts import (
    full_book,
    full_mail,
    full_notebook,
    full_open_sheet,
    full_open_text,
    full_page,
    full_rich_text,
)
from tests.support.words_in_order import pages, read, remarks, share_in_order, unread, words
from tools.documents.base import DocumentError
from tools.documents.readers.html import reader as html
from tools.documents.readers.layout.pagination import PAGE_CHARS, pieces
from tools.documents.readers.tables import delimited

MAKERS = {
    "html": full_page,
    "epub": full_book,
    "eml": full_mail,
    "rtf": full_rich_text,
    "odt": full_open_text,
    "ods": full_open_sheet,
    "ipynb": full_notebook,
}
UNSEEN = ("SCRIPT", "HIDDEN", "DELETED", "GONE", "PLAIN", "CONTENTS")


def texts(tmp_path: Path, name: str, data: bytes | str) -> list[str]:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return pages(read(path))


@pytest.mark.parametrize("kind", MAKERS)
def test_all_words_are_found_in_order_and_nothing_unseen(kind, tmp_path):
    expected = MAKERS[kind](tmp_path / f"file.{kind}")
    found = " ".join(pages(read(tmp_path / f"file.{kind}")))
    assert share_in_order(expected, found) == 1.0
    assert not set(words(found)) & set(UNSEEN)


# Plain text


def test_a_short_text_is_one_page_as_it_stands(tmp_path):
    assert texts(tmp_path, "x.md", "# Title\r\n\r\nOne\nline.\n\n\n- a\n- b\n") == [
        "# Title\n\nOne\nline.\n\n- a\n- b"
    ]


def test_a_long_text_is_cut_at_paragraph_ends(tmp_path):
    paragraph = "Some words in a sentence. " * 20
    found = texts(tmp_path, "x.txt", "\n\n".join([paragraph] * 50))
    assert len(found) == 10
    assert all(len(text) <= PAGE_CHARS and text.endswith("sentence.") for text in found)
    assert words(" ".join(found)) == words(paragraph) * 50


def test_a_form_feed_ends_a_page(tmp_path):
    assert texts(tmp_path, "rfc.txt", "one\n\f\ntwo\n\fthree") == ["one", "two", "three"]


def test_a_paragraph_without_end_is_cut_between_its_words(tmp_path):
    found = texts(tmp_path, "x.txt", "word " * 30_000)
    assert words(" ".join(found)) == ["word"] * 30_000
    assert all(len(text) <= PAGE_CHARS for text in found)
    chinese = texts(tmp_path, "y.txt", "这是一句话。" * 2000)
    assert all(text.endswith("。") for text in chinese)


def test_code_keeps_its_empty_lines_between_fences(tmp_path):
    code = "def f():\n    return 1\n\n\n" * 400
    found = texts(tmp_path, "x.py", code)
    assert all(text.startswith("```\n") and text.endswith("\n```") for text in found)
    assert "return 1\n\n\ndef" in found[0]
    assert words(" ".join(found)) == words(code)
    (text,) = texts(tmp_path, "y.js", "a = `x`\n// ```\n")
    assert text.startswith("````\n") and text.endswith("\n````")


def test_old_chinese_text_is_read(tmp_path):
    assert texts(tmp_path, "x.txt", "会议纪要".encode("gb18030")) == ["会议纪要"]


def test_controls_are_no_text(tmp_path):
    long = "plain words " * 20
    assert texts(tmp_path, "x.txt", f"{long}a\x08b\u00adc") == [f"{long}abc"]


def test_pages_beyond_the_limit_are_said(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("word " * 10_000)
    found = read(path, max_pages=3)
    assert len(pages(found)) == 3
    assert remarks(found) == ["Only the first 3 pages were read."]


READ_IN_LITTLE_MEMORY = """
import resource, sys
from tests.support.words_in_order import read
from pathlib import Path
read(Path(sys.argv[1]), max_pages=1)  # what is imported is not counted
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (64 << 20),) * 2)
print(len(read(Path(sys.argv[1]), max_pages=500)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_two_hundred_megabytes_are_read_in_little_memory(tmp_path):
    path = tmp_path / "x.txt"
    with path.open("wb") as file:
        file.write(b"Some words of a paragraph.\n\n" * 30_000)
        for _ in range(200):
            file.write(b"words without an end" * 50_000)
    command = [sys.executable, "-c", READ_IN_LITTLE_MEMORY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == "501", done.stderr[-2000:]


@pytest.mark.parametrize("size", [10, 100])
def test_pieces_hold_every_word(size):
    text = "One two three. Four five,\nsix seven\n\neight nine. " * 9
    parts = list(pieces(text, size))
    assert words(" ".join(parts)) == words(text)
    assert max(map(len, parts)) <= size


# Tables


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_table_is_known_by_its_separator(separator, tmp_path):
    rows = ["name,sum", "Ann,1", "Bob,2"]
    found = texts(tmp_path, "x.csv", "\n".join(row.replace(",", separator) for row in rows))
    assert found == ["| name | sum |\n| --- | --- |\n| Ann | 1 |\n| Bob | 2 |"]


def test_quoted_cells_hold_anything(tmp_path):
    (text,) = texts(tmp_path, "x.csv", 'a,b\n"one, two","three\nfour | ""five"""\n')
    assert text.endswith('| one, two | three four \\| "five" |')


def test_a_long_table_goes_on_with_its_header(tmp_path):
    rows = "\n".join(f"{number},value {number}" for number in range(2000))
    found = texts(tmp_path, "x.csv", f"id,what\n{rows}")
    assert len(found) > 3
    assert all(text.startswith("| id | what |\n| --- | --- |\n") for text in found)
    assert found[-1].endswith("| 1999 | value 1999 |")


def test_a_quotation_mark_that_never_closes_costs_few_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_CELL_CHARS", 1000)
    rows = "\n".join(f"{number},value" for number in range(2000))
    found = " ".join(texts(tmp_path, "x.csv", f'id,what\n1,"open\n{rows}'))
    assert found.count("value") == 2000
    assert "| 1999 | value |" in found


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ('1,"small,7', '| 1 | "small | 7 |'),
        ('1,"small,7\n2,"large,8', '| 2 | "large | 8 |'),
        ('1,"small,7\n2,"fine",8', "| 2 | fine | 8 |"),
        ('1,3" pipe,7', '| 1 | 3" pipe | 7 |'),
        ('1,"a ""b"" c",7', '| 1 | a "b" c | 7 |'),
        ('1,"two\n\nlines, and more",7', "| 1 | two lines, and more | 7 |"),
        ('1,"two\nlines ""x""","three\nlines"', '| 1 | two lines "x" | three lines |'),
        ('1,"said" so,7', "| 1 | said so | 7 |"),
    ],
)
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_quotation_marks_hold_cells_together_only_where_they_are_closed(
    rows, last, separator, tmp_path
):
    after = "\n".join(f"{number},last,{number}" for number in range(10, 15))
    text = f"id,note,price\n{rows}\n{after}\n"
    if separator != ",":
        text = text.replace("lines, and", "lines and").replace(",", separator)
        last = last.replace("lines, and", "lines and")
    (found,) = texts(tmp_path, "x.csv", text)
    assert last in found.splitlines()
    assert found.splitlines()[-5:] == [f"| {n} | last | {n} |" for n in range(10, 15)]


# HTML


def test_a_page_keeps_its_structure(tmp_path):
    full_page(tmp_path / "x.html")
    found = read(tmp_path / "x.html")
    (text,) = pages(found)
    for part in (
        "# Great page\n\n## First part\n\nSome bold words, a link,",
        "10⁶ été\nnext line",
        "- one\n  - nested\n\n3. three\n4. four",
        "Told above\n\n| Region | Sales |  |\n| --- | --- | --- |\n| Region | early | late |",
        "Placed left\n\n| inner | table |\n| --- | --- |\n| with | cells |",
        "```\ncode  kept\n\n  apart\n```",
        "> quoted words",
        "[Picture: A drawing]",
    ):
        assert part in text
    assert unread(found) == ["1 picture"]


def test_a_title_stands_in_for_a_heading(tmp_path):
    (text,) = texts(tmp_path, "x.html", "<title>The\n title</title><p>words")
    assert text == "# The title\n\nwords"


def test_an_old_page_says_its_encoding(tmp_path):
    data = '<html><meta charset="gbk"><p>中文</p>'.encode("gb18030")
    assert texts(tmp_path, "x.html", data) == ["中文"]


@pytest.mark.parametrize("tag", ["div", "blockquote", "ul><li", "table><tr><td>x<td", "b"])
def test_elements_in_one_another_without_end_are_read(tag, tmp_path):
    found = texts(tmp_path, "x.html", f"<html><body>{f'<{tag}>' * 2000}deep words")
    assert "deep words" in found[-1]


def test_a_page_without_end_is_read_from_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "MAX_MARKUP_CHARS", 10_000)
    (tmp_path / "x.html").write_text("<html><body>" + "<p>some words</p>" * 2000)
    found = read(tmp_path / "x.html")
    assert words(" ".join(pages(found)))[:2] == ["some", "words"]
    assert remarks(found) == ["The page is very long; only its beginning was read."]


def test_entities_of_a_page_are_not_fetched(tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    uri = (tmp_path / "secret").as_uri()
    page = f'<!DOCTYPE html [<!ENTITY x SYSTEM "{uri}">]><html><body><p>a&x;b</p>'
    page += f'<object data="{uri}"></object><iframe src="{uri}"></iframe></body></html>'
    assert "SECRET" not in texts(tmp_path, "x.html", page)[0]


# E-mail, books, notebooks


def test_a_picture_that_is_a_page_of_a_book_is_read_by_its_words(tmp_path):
    full_book(tmp_path / "x.epub")
    with zipfile.ZipFile(tmp_path / "x.epub") as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    item = '<item id="{0}" href="{0}.{1}" media-type="image/{2}"/>'
    package = parts["inner/book.opf"].replace(
        "</manifest>",
        item.format("map", "svg", "svg+xml") + item.format("cover", "png", "png") + "</manifest>",
    )
    spine = '<itemref idref="map"/><itemref idref="cover"/></spine>'
    parts["inner/book.opf"] = package.replace("</spine>", spine)
    parts["inner/map.svg"] = (
        '<svg xmlns="http://www.w3.org/2000/svg"><text>Map of <tspan>the harbour</tspan></text>'
        "<text>North</text></svg>"
    )
    parts["inner/cover.png"] = "PNG"
    zipped(tmp_path / "y.epub", parts)
    found = read(tmp_path / "y.epub")
    assert pages(found)[-2:] == ["Map of the harbour\n\nNorth", ""]
    assert unread(found) == ["1 picture"]


@pytest.mark.parametrize("closed", ["<script src='a.js'/>", "<style/>", "<title/>", "<a id='p1'/>"])
def test_elements_of_a_book_may_be_closed_in_themselves(closed, tmp_path):
    full_book(tmp_path / "x.epub")
    with zipfile.ZipFile(tmp_path / "x.epub") as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    chapter = "inner/text/one.xhtml"
    parts[chapter] = parts[chapter].replace("<body>", f"<head>{closed}</head><body>{closed}")
    zipped(tmp_path / "y.epub", parts)
    text = "\n".join(pages(read(tmp_path / "y.epub")))
    assert "It begins." in text and "And it ends." in text


def test_a_message_shows_its_fields_and_what_hangs_on_it(tmp_path):
    full_mail(tmp_path / "x.eml")
    found = read(tmp_path / "x.eml")
    (text,) = pages(found)
    assert text.startswith("From: Jürgen <j@example.org>\nTo: ann@example.org\nSubject: Grüße\n\n")
    assert unread(found) == ["1 attachment"]


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (b"=?gb2312?B?6UbW/bzGu64=?= <ann@example.org>", "镕铸计划 <ann@example.org>"),
        ("镕的会议".encode("gbk"), "镕的会议"),
        ("会议 Café".encode(), "会议 Café"),
        (b"=?iso-2022-jp?B?GyRCLWo7M0VEGyhC?=", "㈱山田"),
        (b"=?utf-8?B?5Lya6A==?= =?utf-8?B?rq7orrA=?=", "会议记"),
        (b"=?x-unknown?Q?Gr=FC=DFe?=", "Grüße"),
    ],
)
def test_the_fields_of_a_message_are_read_in_any_encoding(field, shown, tmp_path):
    data = b"From: " + field + b"\r\nSubject: " + field + b"\r\nTo: b@x.org\r\n\r\nwords"
    lines = texts(tmp_path, "x.eml", data)[0].splitlines()
    assert f"From: {shown}" in lines
    assert f"Subject: {shown}" in lines


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("gb2312", "gbk", "镕铸计划在明天。"),
        ("shift_jis", "cp932", "①髙橋さんの会議"),
        ("iso-8859-1", "cp1252", "10 € – “quoted”"),
        ("us-ascii", "cp1251", "Привет, это письмо."),
    ],
)
def test_the_text_of_a_message_is_read_where_its_charset_is_named_too_narrowly(
    charset, encoding, text, tmp_path
):
    for kind in ("plain", "html"):
        head = f"From: a@x.org\r\nSubject: s\r\nContent-Type: text/{kind}; charset={charset}\r\n"
        assert text in texts(tmp_path, "x.eml", f"{head}\r\n".encode() + text.encode(encoding))[0]


def test_a_message_with_odd_fields_is_read(tmp_path):
    mail = "From: \ud800<\nTo: @@\nDate: never\nSubject: =?x?q?=FF?=\n\n" + "some words " * 40
    data = mail.encode("utf-8", "surrogatepass")
    assert "some words" in texts(tmp_path, "x.eml", data)[0]
    unknown = b"From: a\nSubject: b\nContent-Type: text/plain; charset=no-such\n\nGr\xfc\xdfe"
    assert texts(tmp_path, "x.eml", unknown)[0].endswith("Grüße")


def test_chapters_begin_pages(tmp_path):
    full_book(tmp_path / "x.epub")
    first, second = pages(read(tmp_path / "x.epub"))
    assert first == "# The book\n\nby Ann Other\n\n# Chapter one\n\nIt begins."
    assert second == "# Chapter two\n\nAnd it ends."


def test_a_book_that_is_locked_is_said(tmp_path):
    full_book(tmp_path / "x.epub")
    reference = '<CipherReference URI="inner/text/one.xhtml"/>'
    with zipfile.ZipFile(tmp_path / "x.epub", "a") as book:
        book.writestr("META-INF/encryption.xml", f"<encryption>{reference}</encryption>")
    with pytest.raises(DocumentError, match="protected against copying"):
        read(tmp_path / "x.epub")


def test_a_book_without_contents_is_damaged(tmp_path):
    with pytest.raises(DocumentError, match="damaged"):
        read(zipped(tmp_path / "x.epub", {"mimetype": "application/epub+zip"}))


def test_a_notebook_shows_code_and_outputs(tmp_path):
    full_notebook(tmp_path / "x.ipynb")
    found = read(tmp_path / "x.ipynb")
    assert "```python\nfirst = 1\n\nprint(first)\n```\n\n```\nprinted words\n```" in pages(found)[0]
    assert unread(found) == ["1 picture"]


@pytest.mark.parametrize("data", ['{"nbformat": 4, "cells": ', "[" * 100_000, '{"nbformat": 4}x'])
def test_a_broken_notebook_is_damaged(data, tmp_path):
    (tmp_path / "x").write_text('{"nbformat": 4, "cells":' + data)
    with pytest.raises(DocumentError, match="damaged"):
        read(tmp_path / "x", "x.ipynb")


def test_a_notebook_of_odd_shapes_is_read(tmp_path):
    odd = {"nbformat": 4, "cells": [None, 7, {"cell_type": "code", "outputs": [3]}, {"source": 5}]}
    assert texts(tmp_path, "x.ipynb", json.dumps(odd)) == ["5"]


# OpenDocument and RTF


def test_an_open_document_keeps_its_structure(tmp_path):
    full_open_text(tmp_path / "x.odt")
    first, second = pages(read(tmp_path / "x.odt"))
    assert first.startswith("Header: Running head\n\n# Great text\n\nIt begins[^1] and goes on")
    assert "1. step one\n   a) part a\n2. step two" in first
    assert "| North | outer inner one, inner two |" in first
    assert first.endswith("[^1]: At the foot\n\nComment by Ann: Is that so")
    assert second == "On page two\n\n[^i]: At the very end\n\nFooter: Running foot"


def test_an_encrypted_open_document_is_said(tmp_path):
    parts = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": b"\1\2"}
    parts["META-INF/manifest.xml"] = "<manifest:encryption-data/>"
    with pytest.raises(DocumentError, match="without a password"):
        read(zipped(tmp_path / "x.odt", parts))


def test_rich_text_keeps_its_structure(tmp_path):
    full_rich_text(tmp_path / "x.rtf")
    first, second = pages(read(tmp_path / "x.rtf"))
    assert "# Chapter one\n\nHello wörld € 你好 words[^1] go on.\n\n- a bullet" in first
    assert "| Left lower | Right |\n| --- | --- |\n| Below | Last |" in first
    assert second == "After the break"


@pytest.mark.parametrize("data", [r"{\rtf1 words", r"{\rtf1 {{{ words \'zz }", "{\\rtf1 words\\"])
def test_broken_rich_text_is_read_as_far_as_it_goes(data, tmp_path):
    assert "words" in texts(tmp_path, "x.rtf", data)[0]


def test_a_link_on_a_long_line_takes_no_time(tmp_path):
    link = r'{\field{\*\fldinst{HYPERLINK "http://x"}}{\fldrslt{here}}}'
    found = texts(tmp_path, "x.rtf", rf"{{\rtf1 {link * 2000} end}}")
    assert words(found[-1])[-1] == "end" or found[-1].endswith("end")
