"""The lines of a pdf's page in the order of reading, however they were drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from tools.documents.base import Options, Page
from tools.documents.readers.pdf import reader

Words = tuple[float, float, str]
"""Left and bottom in points, and what is written there."""


def text(folder: Path, *drawn: Words, size: float = 11) -> str:
    path = folder / "a.pdf"
    canvas = Canvas(str(path), pagesize=(612, 792))
    canvas.setFont("Helvetica", size)
    for left, bottom, words in drawn:
        canvas.drawString(left, bottom, words)
    canvas.save()
    found = reader.read(path, Options(ocr=False))
    return "\n".join(piece.text for piece in found if isinstance(piece, Page))


LEFT = [
    "Rivers carry sand and clay from",
    "the mountains to the sea, where",
    "they settle in wide fans; the",
    "finest grains drift on for years",
    "before they reach the ground of",
    "the deep ocean and rest there.",
]
RIGHT = [
    "Wind does the same on land. It",
    "lifts the dust of dry fields and",
    "drops it far away, so that the",
    "soil of one country grows from",
    "that of another one, and layers",
    "of it tell of ancient storms.",
]


def column(words: list[str], left: float, top: float = 700) -> list[Words]:
    return [(left, top - 14 * at, line) for at, line in enumerate(words)]


def in_turn(*columns: list[Words]) -> list[Words]:
    """The columns, drawn line by line across."""
    return [word for row in zip(*columns, strict=True) for word in row]


@pytest.mark.parametrize("gap", [310, 240])
def test_two_columns_of_prose_drawn_across_are_read_one_after_the_other(tmp_path, gap):
    title = (60, 760, "On the travels of dust and sand")
    drawn = [title, *in_turn(column(LEFT, 60), column(RIGHT, gap))]
    assert text(tmp_path, *drawn).splitlines()[2:] == [*LEFT, *RIGHT]


def test_columns_that_were_drawn_one_after_the_other_stay_so(tmp_path):
    title = (60, 714, "A title close above both columns of this page")
    drawn = [title, *column(LEFT, 60), *column(RIGHT, 310)]
    assert text(tmp_path, *drawn).splitlines()[1:] == [*LEFT, *RIGHT]


def test_the_rows_of_a_table_drawn_across_stay_rows(tmp_path):
    labels = ["Name of the person asking", "Street and number", "Town and country",
              "What is asked for", "When it is needed", "Who pays for it"]  # fmt: skip
    values = ["Ann Other, born Example", "Long Street 12, back yard", "Springfield, far away",
              "A permit for a shed", "Before the first of March", "The person asking"]  # fmt: skip
    found = text(tmp_path, *in_turn(column(labels, 60), column(values, 320)))
    assert found.splitlines() == [
        f"{label} {value}" for label, value in zip(labels, values, strict=True)
    ]


FRUIT = [["Item", "Price", "Stock"], ["Figs", "1.20", "15"], ["Pears", "2.40", "26"],
         ["Plums", "3.60", "37"], ["Limes", "4.80", "48"]]  # fmt: skip


def test_a_table_drawn_column_by_column_is_read_in_rows(tmp_path):
    columns = [column([row[at] for row in FRUIT], left) for at, left in enumerate((72, 250, 400))]
    below = (72, 560, "Prices hold until the end of the month.")
    found = text(tmp_path, *columns[0], *columns[1], *columns[2], below)
    assert found.split("\n\n")[0].splitlines() == [" ".join(row) for row in FRUIT]
    assert found.endswith(below[2])


def test_values_filled_in_after_the_labels_stand_beside_them(tmp_path):
    labels = column(["Name:", "Town:", "Date:", "Sum:"], 72)
    values = column(["Ann Other", "Springfield", "2 May", "12.50"], 200)
    found = text(
        tmp_path, *labels, *values, (72, 600, "All of it is said to be true and complete.")
    )
    assert found.splitlines()[:4] == [
        "Name: Ann Other", "Town: Springfield", "Date: 2 May", "Sum: 12.50",
    ]  # fmt: skip


def test_lines_drawn_from_below_are_read_from_above(tmp_path):
    drawn = column(["Stock on Monday", "Apples 15", "Pears 26", "Plums 37", "Figs 48"], 72)
    assert text(tmp_path, *reversed(drawn)).splitlines() == [words for _, _, words in drawn]


def test_a_note_in_the_margin_does_not_part_the_text(tmp_path):
    margin = [(480, 672, "see also"), (480, 658, "chapter 4")]
    found = text(tmp_path, *column(LEFT, 60), *margin)
    assert found.splitlines() == [*LEFT, "see also", "chapter 4"]
