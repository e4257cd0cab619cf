"""Office files that hold every construct a reader must know, and the words one reads in them.

Each function writes a file and returns its words in the order in which a person reads them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_OFFICE, _STRICT = "http://schemas.openxmlformats.org", "http://purl.oclc.org/ooxml"
_RELATIONS = f"{_OFFICE}/officeDocument/2006/relationships"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": f"{_OFFICE}/wordprocessingml/2006/main",
        "r": _RELATIONS,
        "m": f"{_OFFICE}/officeDocument/2006/math",
        "mc": f"{_OFFICE}/markup-compatibility/2006",
        "wp": f"{_OFFICE}/drawingml/2006/wordprocessingDrawing",
        "a": f"{_OFFICE}/drawingml/2006/main",
        "c": f"{_OFFICE}/drawingml/2006/chart",
        "pic": f"{_OFFICE}/drawingml/2006/picture",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "v": "urn:schemas-microsoft-com:vml",
    }.items()
)


def zipped(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """A zip file of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def repacked(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The package with each part as `change(name, data)` has it; None leaves it out."""
    with zipfile.ZipFile(path) as source:
        parts = {name: change(name, source.read(name)) for name in source.namelist()}
    return zipped(path, {name: data for name, data in parts.items() if data is not None})


def word(path: Path, body: str, parts: Mapping[str, str] | None = None) -> Path:
    """A docx of a body and of further parts, such as `footnotes`, by their relation's name."""
    others = parts or {}
    main = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
    return zipped(
        path,
        {
            "[Content_Types].xml": _types("wordprocessingml.document.main", "word/document"),
            "_rels/.rels": _relations({"officeDocument": "word/document.xml"}),
            "word/document.xml": main,
            "word/_rels/document.xml.rels": _relations({kind: f"{kind}.xml" for kind in others}),
            **{f"word/{kind}.xml": xml for kind, xml in others.items()},
        },
    )


def p(text: str = "", properties: str = "", runs: str = "") -> str:
    """A paragraph of one run of text, and of further runs."""
    own = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{own}{r(text) if text else ''}{runs}</w:p>"


def r(text: str, properties: str = "") -> str:
    """A run of text."""
    own = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{own}<w:t xml:space="preserve">{text}</w:t></w:r>'


def tbl(*rows: Iterable[str]) -> str:
    """A table of cells, each the XML that is in it or plain text."""
    cells = ("".join(_cell(cell) for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def _cell(content: str) -> str:
    return f"<w:tc>{content if content.startswith('<') else p(content)}</w:tc>"


def strict(source: Path, target: Path) -> Path:
    """The same file in the Strict dialect of Office Open XML."""
    with zipfile.ZipFile(source) as archive:
        parts = {
            name: _as_strict(archive.read(name)) if name.endswith((".xml", ".rels")) else b""
            for name in archive.namelist()
        }
    return zipped(target, parts)


def _as_strict(data: bytes) -> bytes:
    kept = f"{_OFFICE}/package/", f"{_OFFICE}/markup-compatibility/"
    uris = re.compile(rf"{_OFFICE}/([\w/]+?)/2006/(\w+)")

    def renamed(found: re.Match[str]) -> str:
        if found[0].startswith(kept):
            return found[0]
        return f"{_STRICT}/{found[1]}/{found[2]}"

    return uris.sub(renamed, data.decode()).encode()


LISTS = f"""<w:numbering {NAMESPACES}>
<w:abstractNum w:abstractNumId="0">
 <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
 <w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%2)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1">
 <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="2">
 <w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/></w:lvl>
 <w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>
</w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="0"/>
 <w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
</w:numbering>"""
STYLES = f"""<w:styles {NAMESPACES}>
<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/>
 <w:pPr><w:numPr><w:numId w:val="3"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="berschrift2"/></w:style>
<w:style w:styleId="berschrift2"><w:name w:val="heading 2"/><w:pPr><w:numPr>
 <w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
</w:styles>"""


def item(text: str, number: int, level: int = 0) -> str:
    """An item of the list of this number in `LISTS`."""
    place = f'<w:ilvl w:val="{level}"/><w:numId w:val="{number}"/>'
    return p(text, f"<w:numPr>{place}</w:numPr>")


def styled(text: str, style: str) -> str:
    return p(text, f'<w:pStyle w:val="{style}"/>')


def box(text: str) -> str:
    """A text box as Word writes it: in newer markup, and again in older."""
    content = f"<w:txbxContent>{p(text)}</w:txbxContent>"
    new = f"<w:drawing><wp:anchor><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp></wp:anchor>"
    old = f"<w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict>"
    return (
        "<w:r><mc:AlternateContent>"
        f'<mc:Choice Requires="wps">{new}</w:drawing></mc:Choice>'
        f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>"
    )


def full_word(path: Path) -> str:
    """A docx with everything."""
    ref = "<w:r><w:{0}Reference w:id='{1}'/></w:r>".format
    nested = p("outer cell") + tbl(("inner one", "inner two"), ("inner three", "inner four")) + p()
    merged = "<w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr>" + p("North") + "</w:tc>"
    goes_on = "<w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc>"
    wide = "<w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + p("Sales of both") + "</w:tc>"
    field = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    body = [
        styled("The great report", "Titel"),
        styled("Beginnings", "berschrift1"),
        p(
            "It begins here",
            runs=ref("footnote", 2) + r(" and goes on") + ref("endnote", 5) + r(" to its end."),
        ),
        styled("Deeper things", "Own"),
        tbl(("Region", "Amount"), ("South", "42"), (nested, "beside")),
        f"<w:tbl><w:tr><w:tc>{p('Area')}</w:tc>{wide}</w:tr>"
        f"<w:tr>{merged}<w:tc>{p('first')}</w:tc><w:tc>{p('second')}</w:tc></w:tr>"
        f"<w:tr>{goes_on}<w:tc>{p('third')}</w:tc><w:tc>{p('fourth')}</w:tc></w:tr></w:tbl>",
        p("Before the box.", runs=box("Boxed words")),
        "<w:sdt><w:sdtPr/><w:sdtContent>" + p("Controlled paragraph") + "</w:sdtContent></w:sdt>",
        p("Chosen", runs=f"<w:sdt><w:sdtContent>{r(' from a list')}</w:sdtContent></w:sdt>"),
        p(
            "Kept",
            runs=f"<w:ins>{r(' inserted')}</w:ins><w:del><w:r><w:delText>DELETED</w:delText></w:r>"
            f"</w:del><w:moveFrom>{r('MOVED')}</w:moveFrom><w:moveTo>{r(' moved')}</w:moveTo>",
        ),
        p(
            runs="<w:commentRangeStart w:id='0'/>"
            + r("Doubtful claim")
            + "<w:commentRangeEnd w:id='0'/>"
            + ref("comment", 0)
        ),
        item("step one", 1),
        item("part a", 1, 1),
        item("part b", 1, 1),
        item("step two", 1),
        item("a bullet", 2),
        item("anew", 4),
        p(
            runs=f"<w:hyperlink r:id='x'>{r('Linked words')}</w:hyperlink>{field('begin')}"
            f"<w:r><w:instrText> PAGE </w:instrText></w:r>{field('separate')}{r(' seven')}"
            f"{field('end')}{r('HIDDEN', '<w:vanish/>')}"
        ),
        p("Mass 10", runs=r("6", '<w:vertAlign w:val="superscript"/>') + r(" kg")),
        p(
            runs="<m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num>"
            "<m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath>"
        ),
        p(runs="<w:r><w:t>Last line</w:t><w:br/><w:t>broken</w:t><w:tab/><w:t>tabbed</w:t></w:r>"),
        "<w:sectPr/>",
    ]
    note = "<w:{0}s {1}><w:{0} w:id='{2}'>{3}</w:{0}></w:{0}s>".format
    parts = {
        "styles": STYLES,
        "numbering": LISTS,
        "footnotes": note("footnote", NAMESPACES, 2, p("At the foot")),
        "endnotes": note("endnote", NAMESPACES, 5, p("At the very end")),
        "comments": f"<w:comments {NAMESPACES}><w:comment w:id='0' w:author='Ann'>"
        f"{p('Is that so')}</w:comment></w:comments>",
        "header": f"<w:hdr {NAMESPACES}>{p('Running head')}</w:hdr>",
        "footer": f"<w:ftr {NAMESPACES}>{p('Running foot')}</w:ftr>",
    }
    word(path, "".join(body), parts)
    return """Running head The great report 1 Beginnings It begins here 1 and goes on i to its end
    1.1 Deeper things Region Amount South 42 outer cell inner one inner two inner three inner four
    beside Area Sales of both North first second third fourth Before the box Boxed words
    Controlled paragraph Chosen from a list Kept inserted moved Doubtful claim
    1 step one a part a b part b 2 step two a bullet 1 anew Linked words seven Mass 10⁶ kg a b
    Last line broken tabbed i At the very end Running foot
    1 At the foot Comment by Ann on Doubtful claim Is that so"""


def _types(main: str, part: str) -> str:
    kind = f"application/vnd.openxmlformats-officedocument.{main}+xml"
    return (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{part}.xml" ContentType="{kind}"/></Types>'
    )


def _relations(targets: Mapping[str, str]) -> str:
    ones = "".join(
        f'<Relationship Id="r{at}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">{ones}</Relationships>'
