"""The share of words found in order, by format, in generated files that hold every construct.

Each file is read as the app reads it, in a process of its own. Counted: the words of the longest
common subsequence of what a person reads in the file and what the reader gave, over the former.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.figures import Figure, at_least
from tests.support.made_office import full_word, strict
from tests.support.made_sheets import full_slides, full_workbook
from tests.support.made_texts import (
    full_book,
    full_mail,
    full_notebook,
    full_open_sheet,
    full_open_text,
    full_page,
    full_rich_text,
)
from tests.support.words_in_order import share_in_order
from tools.documents.worker.reading import read

SHARE = 0.98
MAKERS: dict[str, Callable[[Path], str]] = {
    "docx": full_word,
    "pptx": full_slides,
    "xlsx": full_workbook,
    "html": full_page,
    "epub": full_book,
    "eml": full_mail,
    "rtf": full_rich_text,
    "odt": full_open_text,
    "ods": full_open_sheet,
    "ipynb": full_notebook,
}
STRICT = ("docx", "pptx", "xlsx")
TEXTS = (
    ("txt in UTF-8", "utf-8", "Die Straße führt über Brücken. 这条路经过几座桥。"),
    ("txt in GB 18030", "gb18030", "第一条 本合同自双方签字之日起生效。"),
    ("txt in Big5", "big5", "第一條 本合約自雙方簽字之日起生效。"),
    ("txt in Shift JIS", "cp932", "この契約は署名の日から有効となります。"),
    ("txt in EUC-KR", "cp949", "이 계약은 서명한 날부터 효력이 있다."),
    ("txt in cp1251", "cp1251", "Договор вступает в силу со дня подписания."),
    ("txt in cp1252", "cp1252", "Le contrat entre en vigueur dès sa signature."),
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        shares = dict(_shares(Path(folder)))
    return [at_least(f"words of {kind}", share, SHARE, "") for kind, share in shares.items()]


def _shares(folder: Path) -> list[tuple[str, float]]:
    shares = [("pdf", _share(folder / "file.pdf", _full_pdf(folder / "file.pdf")))]
    for kind, make in MAKERS.items():
        path = folder / f"file.{kind}"
        expected = make(path)
        shares.append((kind, _share(path, expected)))
        if kind in STRICT:
            other = strict(path, folder / f"strict.{kind}")
            shares.append((f"{kind}, Strict", _share(other, expected)))
    rows = [("Name", "Sum"), *((f"row {number}", str(number)) for number in range(300))]
    table = folder / "file.csv"
    table.write_text("\n".join(";".join(row) for row in rows))
    shares.append(("csv", _share(table, " ".join(" ".join(row) for row in rows))))
    for kind, encoding, text in TEXTS:
        path = folder / "file.txt"
        path.write_bytes(text.encode(encoding))
        shares.append((kind, _share(path, text)))
    return shares


def _share(path: Path, expected: str) -> float:
    reading = read(path, path.name)
    return share_in_order(expected, "\n\n".join(page.text for page in reading.pages))


def _full_pdf(path: Path) -> str:
    """A PDF with headings, paragraphs, a table, two columns and several pages."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import (
        BalancedColumns,
        Flowable,
        PageBreak,
        Paragraph,
        SimpleDocTemplate,
        Table,
    )

    styles = getSampleStyleSheet()
    told = [f"Paragraph {number} says " + "one thing and another, " * 9 for number in range(6)]
    columns = [f"Column text {number} goes " + "on and on in lines, " * 9 for number in range(4)]
    rows = [["Region", "Amount"], *([f"Place {number}", f"{number} tons"] for number in range(5))]
    flow: list[Flowable] = [
        Paragraph("A great report", styles["Title"]),
        *(Paragraph(text, styles["BodyText"]) for text in told),
        PageBreak(),
        Paragraph("Figures", styles["Heading1"]),
        Table(rows),
        PageBreak(),
        BalancedColumns([Paragraph(text, styles["BodyText"]) for text in columns], nCols=2),
    ]
    SimpleDocTemplate(str(path), pagesize=A4).build(flow)
    cells = " ".join(" ".join(row) for row in rows)
    return " ".join(["A great report", *told, "Figures", cells, *columns])
