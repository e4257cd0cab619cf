"""Documents of other formats with what a reader must know of each, and the words in them.

As in `made_office`, each function writes a file and returns its words in their order.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.made_office import zipped

_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF_SPACES = (
    " ".join(
        f'xmlns:{prefix}="{_ODF}{name}:1.0"'
        for prefix, name in {
            "office": "office",
            "text": "text",
            "table": "table",
            "draw": "drawing",
            "style": "style",
            "fo": "xsl-fo-compatible",
        }.items()
    )
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)

PAGE = """<!DOCTYPE html><html><head><title>Unseen title</title><style>p {color: red}</style>
<script>var SCRIPT = "<p>SCRIPT</p>"</script></head><body><h1>Great page</h1>
<p hidden>HIDDEN</p><div style="display: none">HIDDEN</div><noscript>HIDDEN</noscript>
<h2>First <em>part</em></h2><p>Some <b>bold</b> words, a <a href="http://x.invalid">link</a>,
10<sup>6</sup> &eacute;t&eacute;<br>next line</p>
<ul><li>one<ul><li>nested</li></ul></li></ul><ol start="3"><li>three</li><li>four</li></ol>
<table><caption>Told above</caption><tr><th rowspan="2">Region</th><th colspan="2">Sales</th></tr>
<tr><th>early</th><th>late</th></tr><tr><td>North</td><td>1</td><td>2</td></tr></table>
<table><tr><td>Placed left</td><td><table><tr><th>inner</th><th>table</th></tr>
<tr><td>with</td><td>cells</td></tr></table></td></tr></table>
<pre>code  kept

  apart</pre><blockquote>quoted words</blockquote><img src="x.png" alt="A drawing">
<img src="y.png"></body></html>"""
PAGE_WORDS = """Great page First part Some bold words a link 10⁶ été next line one nested 3 three
4 four Told above Region Sales Region early late North 1 2 Placed left inner table with cells
code kept apart quoted words Picture A drawing"""


def full_page(path: Path) -> str:
    """An HTML page with everything."""
    path.write_text(PAGE, encoding="utf-8")
    return PAGE_WORDS


def full_book(path: Path) -> str:
    """An EPUB of two chapters, the second of which lies first in the file."""
    container = f"""<container xmlns="{_ODF}container"><rootfiles>
<rootfile full-path="inner/book.opf"/></rootfiles></container>"""
    package = """<package xmlns="http://www.idpf.org/2007/opf">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The book</dc:title>
<dc:creator>Ann Other</dc:creator></metadata><manifest>
<item id="two" href="second%20one.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
</manifest><spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/></spine>
</package>"""
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": container,
        "inner/book.opf": package,
        "inner/second one.xhtml": page.format("<h1>Chapter two</h1><p>And it ends.</p>"),
        "inner/nav.xhtml": page.format("<p>CONTENTS</p>"),
        "inner/text/one.xhtml": page.format("<h1>Chapter one</h1><p>It begins.</p>"),
    }
    zipped(path, parts)
    return "The book by Ann Other Chapter one It begins Chapter two And it ends"


def full_mail(path: Path) -> str:
    """A message in two versions, with an attachment and a forwarded message."""
    path.write_bytes(
        b"""From: =?utf-8?B?SsO8cmdlbg==?= <j@example.org>
To: ann@example.org
Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: multipart/alternative; boundary=C

--C
Content-Type: text/plain

PLAIN
--C
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Sch=F6ne <b>Worte</b></p>
--C--
--B
Content-Disposition: attachment; filename="plan.pdf"

x
--B
Content-Type: message/rfc822

From: bob@example.org
Subject: Before

Forwarded words
--B--
"""
    )
    return """From Jürgen j example org To ann example org Subject Grüße Schöne Worte
    Attachment plan pdf Forwarded message From bob example org Subject Before Forwarded words"""


def full_rich_text(path: Path) -> str:
    """An RTF as word processors write it."""
    path.write_bytes(
        rb"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset134 SimSun;}}
{\stylesheet{\s1\outlinelevel0 heading 1;}}{\info{\title HIDDEN}}{\header Running head\par}
\pard\plain\s1\outlinelevel0 {Chapter one}\par\pard\plain Hello w\'f6rld \u8364?
 {\f1 \'c4\'e3\'ba\'c3} words{\super\chftn{\footnote\pard {\super\chftn} At the foot.}} go on.\par
{\listtext\'b7\tab}a bullet\par{\listtext 2.\tab}an item\par
\trowd\cellx1\cellx2 \pard\intbl Left\par lower\cell Right\cell{\trowd\cellx1\cellx2\row}
\trowd\cellx1\cellx2 \pard\intbl Below\cell Last\cell\row
\pard See {\field{\*\fldinst{HYPERLINK "http://x.invalid"}}{\fldrslt{the link}}}{\deleted GONE}\par
Boxes{\shp{\*\shpinst{\sp{\sn x}{\sv 2}}{\shptxt\pard Boxed words\par}}}\page After the break\par
{\pict\pngblip 89504e47}}"""
    )
    return """Running head Chapter one Hello wörld 你好 words 1 go on a bullet 2 an item
    Left lower Right Below Last See the link Boxes Boxed words 1 At the foot After the break"""


def full_open_text(path: Path) -> str:
    """An odt with everything."""
    styles = """<text:list-style style:name="L"><text:list-level-style-number text:level="1"
style:num-format="1" style:num-suffix="."/><text:list-level-style-number text:level="2"
style:num-format="a" style:num-suffix=")"/></text:list-style>
<style:style style:name="S"><style:text-properties style:text-position="super 58%"/></style:style>
<style:style style:name="B"><style:paragraph-properties fo:break-before="page"/></style:style>"""
    note = """<text:note text:note-class="{}"><text:note-citation>7</text:note-citation>
<text:note-body><text:p>{}</text:p></text:note-body></text:note>"""
    inner = _grid(("inner one", "inner two"))
    body = f"""<text:tracked-changes><text:deletion><text:p>DELETED</text:p></text:deletion>
</text:tracked-changes><text:h text:outline-level="1">Great text</text:h>
<text:p>It begins{note.format("footnote", "At the foot")} and<text:s/>goes on
{note.format("endnote", "At the very end")}<text:tab/>10<text:span text:style-name="S">6</text:span>
</text:p><text:section><text:p>In a section<office:annotation><dc:creator>Ann</dc:creator>
<text:p>Is that so</text:p></office:annotation></text:p></text:section>
<text:list text:style-name="L"><text:list-item><text:p>step one</text:p><text:list>
<text:list-item><text:p>part a</text:p></text:list-item></text:list></text:list-item>
<text:list-item><text:p>step two</text:p></text:list-item></text:list>
{_grid(("Region", "Amount"), ("North", "<text:p>outer</text:p>" + inner))}
<text:p>Before<draw:frame><draw:text-box><text:p>Boxed words</text:p></draw:text-box></draw:frame>
</text:p><text:p text:style-name="B">On page two</text:p>"""
    edges = "".join(
        f"<style:{kind}><text:p>Running {kind[:4]}</text:p></style:{kind}>"
        for kind in ("header", "footer")
    )
    _open_document(path, "text", f"<office:text>{body}</office:text>", styles, edges)
    return """Running head Great text It begins 1 and goes on i 10⁶ In a section
    1 step one a part a 2 step two Region Amount North outer inner one inner two Before Boxed words
    1 At the foot Comment by Ann Is that so On page two i At the very end Running foot"""


def full_open_sheet(path: Path) -> str:
    """An ods with a table at the end of all its empty cells."""
    rows = _grid(("Name", "Value"), ("Ann", "5")).removesuffix("</table:table>")
    rows = rows.replace("<table:table>", '<table:table table:name="People">')
    empty = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell '
    empty += 'table:number-columns-repeated="16384"/></table:table-row>'
    sheet = f"<office:spreadsheet>{rows}{empty}</table:table></office:spreadsheet>"
    _open_document(path, "spreadsheet", sheet)
    return "People Name Value Ann 5"


def full_notebook(path: Path) -> str:
    """A notebook with text, code and outputs of several kinds."""
    table = "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>"
    outputs = [
        {"output_type": "stream", "text": ["printed words\n"]},
        {"output_type": "execute_result", "data": {"text/html": table, "text/plain": "PLAIN"}},
        {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: odd"]},
        {"output_type": "display_data", "data": {"image/png": "AAAA"}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Notes\n", "\n", "Some text"]},
        {"cell_type": "code", "source": "first = 1\n\nprint(first)", "outputs": outputs},
    ]
    metadata = {"language_info": {"name": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "metadata": metadata, "cells": cells}))
    return """Notes Some text python first 1 print first printed words x y 1 2 ValueError odd"""


def _grid(*rows: tuple[str, ...]) -> str:
    def cell(text: str) -> str:
        inner = text if text.startswith("<") else f"<text:p>{text}</text:p>"
        return f"<table:table-cell>{inner}</table:table-cell>"

    told = ("".join(map(cell, row)) for row in rows)
    lines = "".join(f"<table:table-row>{row}</table:table-row>" for row in told)
    return f"<table:table>{lines}</table:table>"


def _open_document(path: Path, kind: str, body: str, styles: str = "", edges: str = "") -> None:
    content = f"""<office:document-content {_ODF_SPACES}><office:automatic-styles>{styles}
</office:automatic-styles><office:body>{body}</office:body></office:document-content>"""
    master = f"""<office:document-styles {_ODF_SPACES}><office:master-styles>{edges}
</office:master-styles></office:document-styles>"""
    mime = f"application/vnd.oasis.opendocument.{kind}"
    zipped(path, {"mimetype": mime, "content.xml": content, "styles.xml": master})
