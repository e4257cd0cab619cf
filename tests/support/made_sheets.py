"""Slides and workbooks that hold every construct a reader must know, and the words in them.

As in `made_office`, each function writes a file and returns its words in their order.
"""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any


def full_slides(path: Path) -> str:
    """A pptx with everything."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    # Drawn from the last to the first, so that only the places tell the order.
    _text(slide, "Bottom right", 5, 5.6)
    _text(slide, "Bottom left", 0.5, 5.6)
    slide.shapes.title.text = "Opening words"
    body = slide.placeholders[1].text_frame
    body.text = "First point"
    for text, level in (("Finer point", 1), ("Second point", 0)):
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = text, level
    slide.placeholders[1].height = Inches(3)
    slide.notes_slide.notes_text_frame.text = "Speak slowly"

    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Tables and groups"
    grid = slide.shapes.add_table(3, 3, Inches(0.5), Inches(1.6), Inches(8), Inches(1.5)).table
    for at, text in enumerate(("Area", "Sales", "", "North", "first", "2", "", "second", "3")):
        grid.cell(at // 3, at % 3).text = text
    grid.cell(0, 1).merge(grid.cell(0, 2))
    grid.cell(1, 0).merge(grid.cell(2, 0))
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    _text(inner, "Grouped deeply", 3, 4)
    _text(group, "Grouped", 0.5, 4)
    picture = slide.shapes.add_picture(_picture(), Inches(7), Inches(6))
    picture._element.nvPicPr.cNvPr.set("descr", "A small square")

    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Numbers drawn"
    data = CategoryChartData(number_format="0%")
    data.categories = ["Spring", "Autumn"]
    data.add_series("Ships", (0.25, 0.5))
    data.add_series("Trains", (0.75, 1))
    place = (Inches(1), Inches(2), Inches(6), Inches(4))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Traffic"
    chart.category_axis.has_title = True
    chart.category_axis.axis_title.text_frame.text = "Season"
    show.save(str(path))
    return """Opening words First point Finer point Second point Bottom left Bottom right
    Notes Speak slowly
    Tables and groups Area Sales North first 2 North second 3 Grouped Grouped deeply
    Picture A small square
    Numbers drawn Chart Traffic Season Ships Trains Spring 25 75 Autumn 50 100"""


def full_workbook(path: Path) -> str:
    """An xlsx with everything."""
    from xlsxwriter import Workbook

    book = Workbook(path, {"default_date_format": "dd/mm/yyyy"})
    formats = {code: book.add_format({"num_format": code}) for code in _CODES}
    sheet = book.add_worksheet("Sales")
    sheet.merge_range("A1:D1", "Figures of the year")
    sheet.write_row("A3", ["Region", "Day", "Share", "Amount"])
    sheet.merge_range("A4:A5", "North")
    sheet.write_datetime("B4", datetime.datetime(2024, 3, 1))
    sheet.write_datetime("B5", datetime.datetime(2024, 3, 2, 13, 45), formats["yyyy-mm-dd hh:mm"])
    sheet.write_number("C4", 0.125, formats["0.0%"])
    sheet.write_number("C5", 1, formats["0%"])
    sheet.write_number("D4", 1234.5, formats['"$"#,##0.00'])
    sheet.write_formula("D5", "=D4*2", None, 2469)
    sheet.write_rich_string("A6", "So", book.add_format({"bold": True}), "uth", " side")
    sheet.write_boolean("B6", True)
    sheet.write_number("C6", 1.25, formats["[h]:mm"])
    sheet.write_number("D6", 0.1 + 0.2)
    sheet.write_comment("D6", "Ask Ann", {"author": "Bob"})
    chart: Any = book.add_chart({"type": "pie"})
    chart.add_series({"categories": "=Sales!$A$4:$A$6", "values": "=Sales!$D$4:$D$6"})
    chart.set_title({"name": "Parts of it"})
    sheet.insert_chart("F2", chart)
    sheet.insert_textbox("F20", "Floating text")
    other = book.add_worksheet("Far cells")
    other.write("XFD1048576", "the last cell")
    other.hide()
    book.close()
    return """Sales Figures of the year Region Day Share Amount North 2024 03 01 12 5 1234 5
    North 2024 03 02 13 45 100 2469 South side TRUE 30 00 00 0 3
    Chart Parts of it 1234 5 2469 0 3 Floating text Comment on D6 Ask Ann
    Far cells hidden sheet the last cell"""


_CODES = ("yyyy-mm-dd hh:mm", "0.0%", "0%", '"$"#,##0.00', "[h]:mm")


def _text(parent: Any, text: str, left: float, top: float) -> None:
    from pptx.util import Inches

    shapes = getattr(parent, "shapes", parent)
    box = shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.5))
    box.text_frame.text = text


def _picture() -> io.BytesIO:
    from PIL import Image

    data = io.BytesIO()
    Image.new("L", (9, 9)).save(data, "PNG")
    data.seek(0)
    return data
