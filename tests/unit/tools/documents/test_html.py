"""HTML as runs of Markdown: one conversion for documents and for pages of the web."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.words_in_order import pages, read, remarks, unread
from tools.browser.base import LINK_CLOSES, LINK_OPENS
from tools.browser.html.main_text import html_text
from tools.documents.readers.html.tree import parse


def in_document(tmp_path: Path, body: str) -> str:
    path = tmp_path / "x.html"
    path.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return "\n\n".join(pages(read(path)))


def on_web(body: str) -> str:
    page = html_text(f"<html><body><main>{body}</main></body></html>", "https://host.example/")
    text = "\n".join(page.lines)
    for number, link in enumerate(page.links):
        text = text.replace(f"{LINK_OPENS}{number}{LINK_CLOSES}", link.text)
    return text


KATEX = """So <span class="katex"
><span class="katex-mathml"><math><semantics><mrow><mi>a</mi></mrow>
<annotation encoding="application/x-tex">a+b</annotation></semantics></math></span>
<span class="katex-html" aria-hidden="true">a+b</span></span>."""
MATHJAX_3 = """x <mjx-container><mjx-math aria-hidden=true><mjx-mi>y</mjx-mi></mjx-math>
<mjx-assistive-mml style="clip: rect(1px)"><math><mi>y</mi></math></mjx-assistive-mml>
</mjx-container> z"""
MATHJAX_2 = """x <span class=MathJax_Preview></span><span class=MathJax id=e1>E=mc2</span><script
type="math/tex">E=mc^2</script> z"""
WIKIPEDIA = r"""x <span class=mwe-math-element><span style="display: none;"><math
alttext="{\displaystyle a_1}"><mi>a</mi></math></span><img aria-hidden=true src=y
alt="{\displaystyle a_1}"></span> z"""


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        # Powers and indices: 10⁶ is not 106, 2nd is no power
        ("10<sup>6</sup> x<sup>n</sup> x<sup>k</sup> e<sup>2x</sup>", "10⁶ xⁿ x^k e^2x"),
        ("1<sup>st</sup> 2<sup>nd</sup> XX<sup>e</sup> M<sup>me</sup>", "1st 2nd XXe Mme"),
        ("word<sup><a href='#n1'>1</a></sup>, said<sup>[2]</sup>", "word¹, said[2]"),
        ("H<sub>2</sub>O, CO<sub>2</sub>", "H₂O, CO₂"),
        ("was <del>10 €</del> <s>9 €</s> 8 €", "was ~~10 €~~ ~~9 €~~ 8 €"),
        ("<code>x_1</code>, <kbd>Ctrl</kbd>, <q>said</q>", "x_1, Ctrl, “said”"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字", "漢(kan)字"),
        # A formula once, by its source
        (KATEX, "So $a+b$ ."),
        (MATHJAX_3, "x $y$ z"),
        (MATHJAX_2, "x $E=mc^2$ z"),
        (WIKIPEDIA, "x $a_1$ z"),
        ("<img alt='{\\displaystyle b}' src=y> z", "$b$ z"),
    ],
)
def test_a_look_that_has_a_meaning_is_told(markup, shown, tmp_path):
    assert on_web(f"<p>{markup}</p>") == shown
    assert in_document(tmp_path, f"<p>{markup}</p>") == shown


@pytest.mark.parametrize(
    ("mathml", "latex"),
    [
        (
            "<mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>v</mi><mn>2</mn></msup>",
            r"\frac{1}{2}v^{2}",
        ),
        ("<msub><mi>a</mi><mi>i</mi></msub><mo>&#x2062;</mo><mi>b</mi>", "a_{i}b"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", r"\sqrt{x+1}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi>"
            "</munderover><mi>i</mi>",
            r"\sum_{i=1}^{n}i",
        ),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", r"\sin x"),
        ("<mover><mi>v</mi><mo>→</mo></mover>", r"\vec{v}"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a,b)"),
        (
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>"
            "<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>",
            r"\begin{matrix} 1 & 2 \\ 3 & 4 \end{matrix}",
        ),
        ("<msup><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></msup>", "{a+b}^{2}"),
        ("<mrow>" * 400 + "<mi>x</mi>", "x"),
    ],
)
def test_mathml_is_told_as_latex(mathml, latex, tmp_path):
    markup = f"<p>E = <math>{mathml}</math></p>"
    assert on_web(markup) == f"E = ${latex}$"
    assert in_document(tmp_path, markup) == f"E = ${latex}$"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            "<tr><th rowspan=2>Item</th><th colspan=2>Price</th></tr>"
            "<tr><th>2023</th><th>2024</th></tr><tr><td>Tea</td><td>3</td><td>4</td></tr>",
            ["Item | Price |", "Item | 2023 | 2024", "Tea | 3 | 4"],
        ),
        (
            "<tr><th>A</th><th>B</th><th>C</th></tr><tr><td>1</td><td rowspan=2>x</td><td>2</td>"
            "</tr><tr><td>3</td><td>4</td></tr>",
            ["A | B | C", "1 | x | 2", "3 | x | 4"],
        ),
        (
            "<tr><th>A</th><th>B</th></tr><tr><td colspan=2>all</td></tr>"
            "<tr><td>1</td><td>2</td></tr>",
            ["A | B", "all |", "1 | 2"],
        ),
        (
            "<tr><th>A</th><th>B</th></tr><tr><td rowspan=999999>1</td><td colspan=-1>2</td></tr>",
            ["A | B", "1 | 2"],
        ),
    ],
)
def test_cells_that_span_leave_the_others_in_their_columns(rows, lines, tmp_path):
    for text in (on_web(f"<table>{rows}</table>"), in_document(tmp_path, f"<table>{rows}</table>")):
        found = [line.strip("| ").replace("  ", " ") for line in text.splitlines()]
        assert [line for line in found if "--" not in line] == [line.strip("| ") for line in lines]


def test_lists_keep_their_numbers_and_levels(tmp_path):
    markup = (
        "<ol><li>a<ul><li>b</li></ul></li><li value=7><p>c</p><p>d</p></li><li>e</li></ol>"
        "<ul><li>x</li></ul>"
    )
    assert on_web(markup).splitlines() == [
        "1. a", "   - b", "7. c", "   d", "8. e", "- x",
    ]  # fmt: skip
    assert in_document(tmp_path, markup) == "1. a\n   - b\n7. c\n\n   d\n8. e\n\n- x"


HIDDEN = "<p>公司今年的收入增长了。</p>" * 5


@pytest.mark.parametrize("style", ["visibility: hidden; opacity: 0", "display:none"])
def test_a_text_that_waits_for_a_script_is_shown(style, tmp_path):
    markup = f"<h1>标题</h1><div style='{style}'>{HIDDEN}</div>"
    assert "收入增长" in on_web(markup)
    assert "收入增长" in in_document(tmp_path, markup)


@pytest.mark.parametrize(
    "style", ["display:none", "opacity:0", "font-size:0", "color:#FFF; background: #fff"]
)
def test_what_is_hidden_beside_the_text_is_not_told(style, tmp_path):
    markup = f"<p>{'words ' * 20}</p><p style='{style}'>SECRET</p>"
    assert "SECRET" not in on_web(markup)
    assert "SECRET" not in in_document(tmp_path, markup)


@pytest.mark.parametrize("style", ["font-size:0", "color:white;background:white"])
def test_what_can_not_be_seen_is_never_told_however_much_it_is(style, tmp_path):
    markup = f"<p>words</p><div style='{style}'>{HIDDEN}</div>"
    assert "收入增长" not in on_web(markup)
    assert "收入增长" not in in_document(tmp_path, markup)


FORM = """<form>Name: <input value=Ann> <input type=checkbox checked>Yes <input type=radio>No
<input type=hidden value=TOKEN><input type=password value=SECRET>
<select><option>France<option selected>Japan</select> <select><option>Red<option>Blue</select>
<select multiple><option>One<option>Two</select><textarea>Hello there</textarea></form>"""


def test_what_a_form_was_filled_with_is_told_of_a_document_and_not_of_the_web(tmp_path):
    assert in_document(tmp_path, FORM) == "Name: Ann ☑ Yes ☐ No Japan Red Hello there"
    assert "Ann" not in on_web(f"<p>{'words ' * 40}</p>{FORM}")


def test_pictures_are_told_of_a_document_and_stand_for_links_on_the_web(tmp_path):
    markup = "<p>see <img src=x alt='A map'> and <img src=y></p><a href=/z><img alt=Go></a>"
    assert on_web(markup) == "see and\nGo"
    path = tmp_path / "x.html"
    path.write_text(f"<html><body>{markup}")
    found = read(path)
    assert pages(found) == ["see [Picture: A map] and\n\n[Picture: Go]"]
    assert unread(found) == ["1 picture"]


def test_a_page_of_frames_says_so(tmp_path):
    path = tmp_path / "x.html"
    path.write_text("<html><frameset cols='1,2'><frame src=a><frame src=b></frameset></html>")
    found = read(path)
    assert remarks(found) == ["The page is made of 2 frames, which lie in other files."]


CLOSED = "<{0}/><p>It came back.</p>"


@pytest.mark.parametrize("tag", ["script src='a.js'", "style", "title", "a id='x'", "div"])
@pytest.mark.parametrize("head", ["<?xml version='1.0' encoding='utf-8'?>", "<!DOCTYPE html>", ""])
def test_elements_of_xhtml_may_be_closed_in_themselves(tag, head):
    page = f'{head}<html xmlns="http://www.w3.org/1999/xhtml"><body>&nbsp;{CLOSED.format(tag)}</body></html>'
    tree = parse(page)
    assert tree is not None
    assert [one.text for one in tree.iter("p")] == ["It came back."]
    assert tree.find(".//p").getparent().tag == "body"


def test_what_only_claims_to_be_xml_is_read_as_html():
    tree = parse("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><p>a<br>b")
    assert tree is not None
    assert tree.find(".//p").text == "a"
