"""Pdf files made to order: whole ones with reportlab, strange ones object by object."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

_MATPLOTLIB = find_spec("matplotlib")
assert _MATPLOTLIB is not None and _MATPLOTLIB.origin is not None
FONT = str(Path(_MATPLOTLIB.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf")
HELLO = b"BT /F 12 Tf 72 700 Td (Hello there) Tj ET"


def text_pdf(path: Path, pages: Iterable[Sequence[str]], encrypt: object = None) -> Path:
    """A page for each list of lines."""
    canvas = Canvas(str(path), encrypt=encrypt)
    for lines in pages:
        write(canvas, lines)
        canvas.showPage()
    canvas.save()
    return path


def write(canvas: Canvas, lines: Sequence[str], top: float = 780, size: float = 10) -> None:
    """Lines one below the other, in a font that has most letters."""
    if "DejaVu" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont("DejaVu", FONT))
    text = canvas.beginText(50, top)
    text.setFont("DejaVu", size)
    for line in lines:
        text.textLine(line)
    canvas.drawText(text)


def picture(*lines: str, size: tuple[int, int] = (500, 160)) -> Image.Image:
    """The lines as a scanner sees them."""
    image = Image.new("RGB", size, "white")
    font = ImageFont.truetype(FONT, 28)
    for at, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 20 + 60 * at), line, font=font, fill="black")
    return image


def scanned(canvas: Canvas, image: Image.Image) -> None:
    """A page that is nothing but a picture, as large as this."""
    canvas.setPageSize(image.size)
    canvas.drawImage(ImageReader(image), 0, 0, *image.size)
    canvas.showPage()


def raw_pdf(*objects: bytes, root: int = 1) -> bytes:
    """A file of these objects, which are numbered from 1."""
    data = bytearray(b"%PDF-1.7\n")
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<</Size %d/Root %d 0 R>>\n" % (len(objects) + 1, root)
    return bytes(data + b"startxref\n%d\n%%%%EOF\n" % start)


def one_page(
    content: bytes, box: str = "0 0 612 792", more: Sequence[bytes] = (), **of: str
) -> bytes:
    """A file of one page; `more` are objects from number 6 on, `of` goes into the dictionaries
    of its `stream`, its `resources` and its `font`, which is object 5."""
    resources = f"/Font<</F 5 0 R>>{of.get('resources', '')}".encode()
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Resources<<%b>>/Contents 4 0 R>>"
        % (box.encode(), resources),
        stream(content, of.get("stream", "")),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%b>>" % of.get("font", "").encode(),
        *more,
    )


def stream(data: bytes, entries: str = "") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries.encode(), len(data), data)


def inflating(megabytes: int) -> bytes:
    """What is so many megabytes of blanks once it is decompressed."""
    # One megabyte, compressed for itself, so often; its sum (RFC 1950, section 8.2) in one step.
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    size, blank = megabytes << 20, ord(" ")
    low = (1 + size * blank) % 65521
    high = (size + blank * size * (size + 1) // 2) % 65521
    return b"\x78\xda" + block * megabytes + packer.flush() + struct.pack(">HH", high, low)


def without_letters(data: bytes) -> bytes:
    """The file, whose fonts don't say any more which letters they draw."""
    writer = PdfWriter(clone_from=BytesIO(data))
    for each in writer._objects:
        if isinstance(each, dict) and "/ToUnicode" in each:
            del each["/ToUnicode"]
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def with_false_letters(content: bytes, box: str) -> bytes:
    """A page whose font says that its letters are of the private use area."""
    table = b"1 begincodespacerange <00> <ff> endcodespacerange\n"
    table += b"1 beginbfrange <20> <7e> <e020> endbfrange"
    return one_page(content, box, [stream(table)], font="/ToUnicode 6 0 R")
