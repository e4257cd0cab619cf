"""Small files as people have them: a report with a table and a scanned page, a contract with a
footnote, slides, a workbook."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_NOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def make_pdf(path: Path, scanned: str = "", password: str = "") -> Path:
    """A cover, a page with a table, and where there is text for it a page that is a picture."""
    from pypdf import PdfWriter
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Image, PageBreak, Paragraph, SimpleDocTemplate, Table

    style = getSampleStyleSheet()
    rows = [["Year", "Revenue", "Staff"], ["2023", "41 million", "210"]]
    table = Table([*rows, ["2024", "57 million", "244"]], style=[("GRID", (0, 0), (-1, -1), 1, 0)])
    told = Paragraph("The company builds bridges in twelve countries.", style["BodyText"])
    flow = [Paragraph("Annual report", style["Title"]), told, PageBreak()]
    flow += [Paragraph("Key figures", style["Heading1"]), table]
    if scanned:
        flow += [PageBreak(), Image(io.BytesIO(_picture(scanned)), width=450, height=90)]
    SimpleDocTemplate(str(path), title=scanned).build(flow)
    if password:
        writer = PdfWriter(clone_from=path)
        writer.encrypt(password, algorithm="RC4-128")
        writer.write(path)
    return path


def make_docx(path: Path, note: str) -> Path:
    """A paragraph, a table, and a footnote."""
    from docx import Document

    document = Document()
    document.add_heading("Contract", 1)
    document.add_paragraph("The tenant pays the rent monthly.")
    table = document.add_table(rows=2, cols=2)
    for at, text in enumerate(("Rent", "1,250 euros", "Deposit", "3,750 euros")):
        table.cell(at // 2, at % 2).text = text
    data = io.BytesIO()
    document.save(data)
    with zipfile.ZipFile(data) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(
                name,
                _with_note(name, source.read(name).decode("utf-8", "ignore"))
                if name in _CHANGED
                else source.read(name),
            )
        target.writestr("word/footnotes.xml", _FOOTNOTES.format(note=note))
    return path


def make_pptx(path: Path, title: str, text: str) -> Path:
    """One slide."""
    from pptx import Presentation

    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = title
    slide.placeholders[1].text = text
    show.save(str(path))
    return path


def make_xlsx(path: Path, *rows: tuple[object, ...]) -> Path:
    """One sheet."""
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


_CHANGED = ("word/document.xml", "[Content_Types].xml", "word/_rels/document.xml.rels")
_FOOTNOTES = (
    f'<?xml version="1.0" encoding="UTF-8"?><w:footnotes xmlns:w="{_WORD}"><w:footnote w:id="2">'
    "<w:p><w:r><w:t>{note}</w:t></w:r></w:p></w:footnote></w:footnotes>"
)


def _with_note(name: str, xml: str) -> str:
    if name == "[Content_Types].xml":
        part = f'<Override PartName="/word/footnotes.xml" ContentType="{_NOTES}"/>'
        return xml.replace("</Types>", f"{part}</Types>")
    if name.endswith(".rels"):
        kind, target = f"{_RELATION}/footnotes", "footnotes.xml"
        relation = f'<Relationship Id="rIdNotes" Type="{kind}" Target="{target}"/>'
        return xml.replace("</Relationships>", f"{relation}</Relationships>")
    said = "monthly.</w:t></w:r>"
    return xml.replace(said, f'{said}<w:r><w:footnoteReference w:id="2"/></w:r>')


def _picture(text: str) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1500, 300), 255)
    ImageDraw.Draw(image).text((60, 110), text, fill=0, font=ImageFont.load_default(56))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
