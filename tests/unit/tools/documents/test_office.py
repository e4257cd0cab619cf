"""docx, pptx, xlsx: every construct that a person sees, and files that are odd or hostile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.made_office import (
    LISTS,
    NAMESPACES,
    STYLES,
    full_word,
    item,
    p,
    r,
    repacked,
    strict,
    styled,
    tbl,
    word,
)
from tests.support.made_sheets import full_slides, full_workbook
from tests.support.words_in_order import pages, read, remarks, share_in_order, unread
from tools.documents.base import Length
from tools.documents.readers.layout.reading_order import Box, in_reading_order
from tools.documents.readers.office.drawingml import diagram
from tools.documents.readers.safe_xml import parse
from tools.documents.readers.tables.number_formats import number

MAKERS = {"docx": full_word, "pptx": full_slides, "xlsx": full_workbook}
BREAK = '<w:r><w:br w:type="page"/></w:r>'


def docx_pages(tmp_path: Path, body: str, **parts: str) -> list[str]:
    return pages(read(word(tmp_path / "x.docx", body, parts)))


@pytest.mark.parametrize("kind", MAKERS)
def test_all_words_are_found_in_order(kind, tmp_path):
    expected = MAKERS[kind](tmp_path / "file")
    found = " ".join(pages(read(tmp_path / "file")))
    assert share_in_order(expected, found) == 1.0
    for gone in ("DELETED", "MOVED", "HIDDEN", "PAGE"):
        assert gone not in found


@pytest.mark.parametrize("kind", MAKERS)
def test_the_strict_dialect_reads_the_same(kind, tmp_path):
    MAKERS[kind](tmp_path / "file")
    strict(tmp_path / "file", tmp_path / "strict")
    assert pages(read(tmp_path / "strict")) == pages(read(tmp_path / "file"))


# Word


def test_a_table_is_a_table_and_a_nested_one_stands_in_its_cell(tmp_path):
    full_word(tmp_path / "x.docx")
    (text,) = pages(read(tmp_path / "x.docx"))
    assert "| Region | Amount |\n| --- | --- |\n| South | 42 |" in text
    assert "| outer cell inner one, inner two; inner three, inner four | beside |" in text
    assert "| North | first | second |\n| North | third | fourth |" in text


def test_headings_notes_and_comments_have_their_marks(tmp_path):
    full_word(tmp_path / "x.docx")
    (text,) = pages(read(tmp_path / "x.docx"))
    assert "\n# The great report\n\n# 1 Beginnings\n" in text
    assert "\n## 1.1 Deeper things\n" in text
    assert "here[^1] and goes on[^i] to" in text
    assert text.endswith("[^1]: At the foot\n\nComment by Ann on “Doubtful claim”: Is that so")


def test_lists_count_as_word_does(tmp_path):
    body = item("one", 1) + item("sub", 1, 1) + item("two", 1) + item("sub", 1, 1) + item("x", 4)
    (text,) = docx_pages(tmp_path, body, numbering=LISTS)
    assert " ".join(text.split()) == "1. one (a) sub 2. two (a) sub 1. x"


def test_pages_end_where_word_ended_them(tmp_path):
    rendered = "<w:r><w:lastRenderedPageBreak/><w:t>second, </w:t></w:r>"
    body = p("first") + p(runs=BREAK + rendered) + p("long " * 2000, runs=rendered)
    first, second, third = docx_pages(tmp_path, body)
    assert (first, third) == ("first", "second,")
    assert len(second) > 9000


def test_other_documents_are_cut_at_paragraph_ends_and_keep_headings_with_their_text(tmp_path):
    filling = p("Some words of a paragraph. " * 20)
    body = styled("One", "berschrift1") + filling * 5 + styled("Two", "berschrift1") + filling * 9
    texts = docx_pages(tmp_path, body, styles=STYLES)
    assert [text[:6] for text in texts] == ["# One\n", "# Two\n", "Some w"]
    assert all(len(text) < 3100 and text.endswith("paragraph.") for text in texts)


def test_a_page_may_begin_inside_a_paragraph_or_a_row(tmp_path):
    body = p("before", runs=BREAK + r("after")) + tbl(("a", "b"), (p("c", runs=BREAK), "d"))
    assert docx_pages(tmp_path, body) == [
        "before",
        "after\n\n| a | b |\n| --- | --- |",
        "| a | b |\n| --- | --- |\n| c | d |",
    ]


def test_a_long_table_has_its_header_on_every_page(tmp_path):
    texts = docx_pages(
        tmp_path, tbl(("Name", "Value"), *((f"row {n}", "x" * 40) for n in range(99)))
    )
    assert len(texts) > 1
    assert all(text.startswith("| Name | Value |\n| --- | --- |\n| row") for text in texts)


def test_pictures_and_objects_are_counted(tmp_path):
    picture = "<w:r><w:drawing><a:graphic><pic:pic/></a:graphic></w:drawing></w:r>"
    path = word(tmp_path / "x.docx", p("x", runs=picture * 2 + "<w:r><w:object/></w:r>"))
    assert unread(read(path)) == ["2 pictures", "1 embedded object"]


def test_a_chart_in_a_document_is_its_data(tmp_path):
    data = f"""<c:chartSpace {NAMESPACES}><c:chart><c:plotArea><c:pieChart><c:ser><c:cat><c:strRef>
<c:strCache><c:pt idx="0"><c:v>Wood</c:v></c:pt></c:strCache></c:strRef></c:cat><c:val><c:numRef>
<c:numCache><c:pt idx="0"><c:v>7</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser></c:pieChart>
</c:plotArea></c:chart></c:chartSpace>"""
    drawing = '<w:r><w:drawing><c:chart r:id="r0"/></w:drawing></w:r>'
    (text,) = docx_pages(tmp_path, p("See", runs=drawing), chart=data)
    assert "| Wood | 7 |" in text


def test_a_docx_made_by_a_library_is_read(tmp_path):
    from docx import Document

    document = Document()
    document.add_heading("Title", 0)
    document.add_paragraph("step", "List Number")
    document.add_paragraph("point", "List Bullet")
    document.add_table(1, 2).cell(0, 1).text = "cell"
    document.sections[0].header.paragraphs[0].text = "on top"
    document.add_comment(document.paragraphs[1].runs, "Really?", author="Bob")
    document.save(str(tmp_path / "x.docx"))
    (text,) = pages(read(tmp_path / "x.docx"))
    for part in ("Header: on top", "# Title", "1. step\n- point", "| cell |", "by Bob on “step”"):
        assert part in text


def test_missing_and_broken_parts_cost_only_themselves(tmp_path):
    full_word(tmp_path / "x.docx")

    def change(name: str, data: bytes) -> bytes | None:
        if name in ("word/styles.xml", "word/numbering.xml", "word/header.xml"):
            return None
        return data[:60] if name == "word/footnotes.xml" else data

    pieces = read(repacked(tmp_path / "x.docx", change))
    (text,) = pages(pieces)
    assert "Beginnings" in text
    assert "step one" in text
    assert remarks(pieces) == [
        "The document's footnotes and headers are missing or damaged and were not read."
    ]


def test_a_text_that_breaks_off_is_read_up_to_there_and_said(tmp_path):
    path = word(tmp_path / "x.docx", p("kept words") * 3)
    pieces = read(repacked(path, lambda name, data: data[:-60] if "document.xml" in name else data))
    assert pages(pieces)[0].startswith("kept words")
    assert "is damaged" in remarks(pieces)[0]


def test_a_field_that_never_ends_hides_nothing(tmp_path):
    field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    assert docx_pages(tmp_path, p("a", runs=field) + p("b") + p("c")) == ["a\n\nb\n\nc"]


# Slides


def test_a_slide_is_a_page_in_reading_order(tmp_path):
    full_slides(tmp_path / "x.pptx")
    pieces = read(tmp_path / "x.pptx")
    assert pieces[0] == Length(3)
    first, second, third = pages(pieces)
    assert first.startswith("# Opening words\n\n- First point\n   - Finer point\n- Second point\n")
    assert first.index("Bottom left") < first.index("Bottom right")
    assert first.endswith("Notes:\n\nSpeak slowly")
    assert "| North | first | 2 |\n| North | second | 3 |" in second
    assert "| Season | Ships | Trains |\n| --- | --- | --- |\n| Spring | 25% | 75% |" in third
    assert unread(pieces) == ["1 picture"]


def test_columns_are_read_one_after_another():
    boxes = {
        "title": Box(0, 0, 100, 10),
        "left": Box(0, 20, 40, 100),
        "right above": Box(60, 20, 100, 50),
        "right below": Box(60, 60, 100, 100),
    }
    assert in_reading_order([*reversed(boxes), "nowhere"], boxes.get) == [*boxes, "nowhere"]


def test_a_diagram_is_a_nested_list():
    space = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
    text = '<dgm:t><a:p xmlns:a="{}"><a:r><a:t>{}</a:t></a:r></a:p></dgm:t>'
    main = "http://schemas.openxmlformats.org/drawingml/2006/main"
    points = "".join(
        f'<dgm:pt modelId="{at}">{text.format(main, word)}</dgm:pt>'
        for at, word in enumerate(("Second", "First", "Under it"))
    )
    links = "".join(
        f'<dgm:cxn srcId="{parent}" destId="{at}" srcOrd="{order}"/>'
        for parent, at, order in (("doc", 0, 1), ("doc", 1, 0), ("1", 2, 0))
    )
    model = f'<dgm:ptLst><dgm:pt modelId="doc" type="doc"/>{points}</dgm:ptLst>'
    root = parse(f"<x {space}>{model}<dgm:cxnLst>{links}</dgm:cxnLst></x>".encode())
    assert [one.text for one in diagram(root)] == ["- First", "   - Under it", "- Second"]


def test_a_slide_that_is_missing_is_said_on_its_page(tmp_path):
    full_slides(tmp_path / "x.pptx")
    gone = repacked(tmp_path / "x.pptx", lambda name, data: None if "slide2.x" in name else data)
    pieces = read(gone)
    assert len(pages(pieces)) == 3
    assert "this slide" in unread(pieces)


# Sheets


def test_a_sheet_is_a_page_of_values(tmp_path):
    full_workbook(tmp_path / "x.xlsx")
    first, second = pages(read(tmp_path / "x.xlsx"))
    assert first.startswith("# Sales\n\nFigures of the year\n\n| Region | Day | Share | Amount |\n")
    assert "| North | 2024-03-01 | 12.5% | $1234.5 |" in first
    assert "| North | 2024-03-02 13:45 | 100% | 2469 |" in first
    assert "| South side | TRUE | 30:00:00 | 0.3 |" in first
    assert second == "# Far cells (hidden sheet)\n\nthe last cell"


@pytest.mark.slow
def test_a_hundred_thousand_cells_are_pages_with_the_header(tmp_path):
    full_workbook(tmp_path / "x.xlsx")
    header = "".join(f'<c t="inlineStr"><is><t>name {at}</t></is></c>' for at in range(10))
    rows = (f"<row>{f'<c><v>{number}</v></c>' * 10}</row>" for number in range(1, 10_000))
    sheet = f"<sheetData><row>{header}</row>{''.join(rows)}</sheetData></worksheet>"

    def change(name: str, data: bytes) -> bytes:
        if "sheet1.xml" not in name or name.endswith(".rels"):
            return data
        return data[: data.index(b"<sheetData>")] + sheet.encode()

    texts = pages(read(repacked(tmp_path / "x.xlsx", change)))[:-1]
    assert all("| name 0 | name 1 |" in text and len(text) < 7000 for text in texts)
    found = [int(cell) for text in texts for cell in re.findall(r"^\| (\d+) \|", text, re.M)]
    assert found == list(range(1, 10_000))
    assert "# Sales (from row " in texts[1]


def test_formulas_without_a_value_are_said(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append([1, "=A1+1"])
    book.save(tmp_path / "x.xlsx")
    pieces = read(tmp_path / "x.xlsx")
    assert "| 1 | =A1+1 |" in pages(pieces)[0]
    assert "formulas have no saved value" in remarks(pieces)[0]


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        ("45352", "dd/mm/yyyy", "2024-03-01"),
        ("45352.5", "m/d/yy h:mm", "2024-03-01 12:00"),
        ("0.25", "hh:mm", "06:00"),
        ("1.5", "[h]:mm", "36:00:00"),
        ("45352", 'yyyy"年"m"月"d"日"', "2024-03-01"),
        ("0.305", "0.0%", "30.5%"),
        ("-5", "[$€-407]#,##0.00", "-€5"),
        ("1000000", '#,##0 "kr"', "1000000 kr"),
        ("0.30000000000000004", "General", "0.3"),
        ("12345678901234567890", "", "1.23456789012346e+19"),
        ("0.00001", "", "0.00001"),
        ("7", '0 "days"', "7"),
        ("-1", "yyyy-mm-dd", "1899-12-29"),
        ("1e300", "yyyy-mm-dd", "1e+300"),
        ("text", "0", "text"),
    ],
)
def test_numbers_are_written_as_they_are_meant(raw, code, text):
    assert number(raw, code) == text
