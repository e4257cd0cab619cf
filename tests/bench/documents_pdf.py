"""Reading a PDF of 500 pages, with 55 lines of a dozen words each.

Pages per second are those of pypdfium2 alone, which opens the file and takes each page's text, and
those of the app's reader; each in a process of its own, from its start to its last page, in turn,
the best of three. The time until a document is ready begins when it is added to the store. Memory
is the growth of this process's unique set.
"""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from reportlab.pdfgen.canvas import Canvas

from app.core.document_qa.store import DocumentStore
from backends.messages import Document
from tests.bench.figures import Figure, at_least, at_most
from tools.documents.loader import DocumentLoader
from tools.documents.worker.reading import read

PAGES, RUNS = 500, 3
ALONE = """
import sys, pypdfium2
pdf = pypdfium2.PdfDocument(sys.argv[1])
for page in pdf:
    page.get_textpage().get_text_range()
"""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.pdf").resolve()
        write(path)
        alone, ours = zip(*((_alone(path), _ours(path)) for _ in range(RUNS)), strict=True)
        ready, memory = _ready(path)
    return [
        at_least("pages a second, of pypdfium2 alone", min(alone) / min(ours), 0.7, ""),
        Figure("  alone", f"{PAGES / min(alone):.0f}"),
        Figure("  read by the app", f"{PAGES / min(ours):.0f}"),
        at_most("500 pages ready to ask", ready, 5.0, "s"),
        at_most("memory of the app after it", memory, 200.0, "MiB", 0),
    ]


def write(path: Path) -> None:
    """The file; its words are made up, and always the same."""
    chance = random.Random(500)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(3000)]
    canvas = Canvas(str(path))
    for _ in range(PAGES):
        text = canvas.beginText(50, 790)
        text.setFont("Times-Roman", 10)
        for _ in range(55):
            text.textLine(" ".join(chance.choices(words, k=12)))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()


def _alone(path: Path) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", ALONE, str(path)], check=True)
    return time.monotonic() - began


def _ours(path: Path) -> float:
    began = time.monotonic()
    pages = len(read(path, path.name).pages)
    assert pages == PAGES
    return time.monotonic() - began


def _ready(path: Path) -> tuple[float, float]:
    """Seconds until the file is ready, and the memory that it then takes, in MiB."""
    this = psutil.Process()
    gc.collect()
    before = this.memory_full_info().uss
    store = DocumentStore(DocumentLoader())
    began = time.monotonic()
    store.add(Document(path, "application/pdf", path.name, path.stat().st_size))
    store.wait()
    took = time.monotonic() - began
    (entry,) = store.entries()
    assert entry.reading is not None
    gc.collect()
    return took, (this.memory_full_info().uss - before) / 2**20
