"""Citations in an answer: numbered, looked up, checked, and never half on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.core.rendering.citations import (
    MARK,
    MARK_OPENS,
    CitationCache,
    copied,
    highlighted,
    numbered,
)
from app.ui.elements.markdown import Mark, link, prepared
from app.ui.transcript.blocks import CitationCollector, SourcesBlock, TextBlock
from app.ui.transcript.sources import sources_html
from tests.support.browser_parts import Lists, Pages, ask, page
from tools.browser import BrowserTool
from tools.browser.base import Page

NASTY = '<b>"x"</b> [a](http://evil.example) & **bold**'


def read(tmp_path: Path, *lines: str, title: str = "Otters", url: str = "https://a.example/o"):
    """A browser that has read one page, number 0."""
    tool = BrowserTool(Lists(), Pages(lambda url: page(url, *lines, title=title)))
    ask(tool, f'open_url("{url}")', tmp_path)
    return tool


def test_numbers_go_by_source_and_marks_by_quotation(tmp_path):
    tool = BrowserTool(Lists(), Pages(lambda url: page(url, f"This is {url} indeed.")))
    for url in ("https://a.example/", "https://b.example/"):
        ask(tool, f'open_url("{url}")', tmp_path)
    text = "B【1†This is https】 A【0†indeed】 B【1†indeed】 B【1†This is https】 no【7†x】"
    answer = numbered(text, tool.cited)
    assert [each.number for each in answer.citations] == [1, 2, 1, 0]
    assert [MARK.sub("", answer.text)] == ["B A B B no"]
    assert [int(place) for place in MARK.findall(answer.text)] == [0, 1, 2, 0, 3]
    assert answer.citations[3].trouble == "no such source"
    after = numbered("C【0†indeed】 and 【0†indeed and more】", tool.cited, answer.citations)
    assert [each.number for each in after.citations] == [1, 2, 1, 0, 2]
    assert [each.trouble for each in after.citations[3:]] == [
        "no such source", "not found in the page",
    ]  # fmt: skip


def test_what_is_no_citation_stays(tmp_path):
    tool = read(tmp_path, "One line.")
    for text in (
        "【第一】",
        "【7】 seven",
        "【2026年】",
        "【†x】",
        "a 【 b",
        f"【0†{'x' * 3000}】",
    ):
        assert numbered(text, tool.cited) == numbered(text, tool.cited).__class__(text)
    forged = numbered(f"{MARK_OPENS}0\ue101", tool.cited)
    assert not MARK.search(forged.text)
    whole = numbered("【0】【0†source】【0†L3-L5】", tool.cited).citations
    assert [(each.words, each.trouble) for each in whole] == [("", ""), ("source", "")]


pieces = st.sampled_from(
    ["【", "】", "†", "0", "1", "12", "One line", " ", "x", "【0†One line】", "[", "L3"]
)


@given(st.lists(pieces, max_size=30))
def test_a_growing_text_only_ever_grows(parts):
    """Whatever the pieces: no half citation is shown, and what was shown stays."""
    kept = Page("https://a.example/", "A", 200, ("One line.",), (), datetime.now(UTC))
    tool = BrowserTool(Lists(), Pages(lambda url: kept))
    tool._sources.keep(kept)
    before = ""
    for end in range(len(parts) + 1):
        text = "".join(parts[:end])
        now = numbered(text, tool.cited, growing=True).text
        assert now.startswith(before)
        before = now
    assert numbered("".join(parts), tool.cited).text.startswith(before)


def test_the_quotation_is_marked_in_the_kept_text(tmp_path):
    lines = [f"Line {at}." for at in range(8)]
    tool = read(tmp_path, *lines[:4], "Otters **hold** hands, and sleep.", *lines[4:])
    (cited,) = numbered("【0†otters hold hands】", tool.cited).citations
    shown = highlighted(cited.citation, around=1)
    assert shown[0] == ("Line 3.\n", False) and shown[-1] == (", and sleep.\nLine 4.", False)
    assert [text for text, marked in shown if marked] == ["Otters **hold** hands"]
    (missing,) = numbered("【0†otters hold feet】", tool.cited).citations
    assert highlighted(missing.citation) == []
    (gap,) = numbered("【0†otters ... sleep】", tool.cited).citations
    marked = [text for text, marked in highlighted(gap.citation) if marked]
    assert marked == ["Otters", "sleep"]


def test_what_was_found_stays_found_and_what_was_not_is_looked_for_again(tmp_path):
    tool = BrowserTool(Lists(), Pages(lambda url: page(url, "Words of the page.")))
    look = CitationCache(tool)
    assert not look(0, "Words of the page").found
    ask(tool, 'open_url("https://a.example/")', tmp_path)
    found = look(0, "Words of the page")
    assert found.found and look(0, "Words of the page") is found


def test_strangers_words_are_never_markup(tmp_path):
    tool = read(tmp_path, NASTY, title=NASTY, url="https://a.example/?q=<b>'\"x")
    text = f"Look!【0†{NASTY}】【0†not {NASTY}】"
    html = sources_html(numbered(text, tool.cited).citations, "0")
    assert "<b>" not in html and "<mark>&lt;b&gt;" in html
    assert html.count("<a ") == 1 and "evil.example)" in html
    assert 'href="https://a.example/?q=%3Cb%3E&#x27;%22x"' in html
    drawn = prepared(
        *(lambda block: (block.text, block.marks))(
            CitationCollector(tool.cited, "4").blocks(text)[0]
        )
    )
    assert drawn == (
        "Look!\u2060[1](#cited-4-1)\u2060[1](#cited-4-2) :orange-badge[not found in the page]"
    )


def test_only_the_webs_addresses_are_links():
    for url in ("javascript:alert(1)", "local://book/a.md", "data:text/html,x", "//a.example"):
        assert "<a" not in link("x", url)
    assert 'rel="noopener noreferrer"' in link("x", "HTTPS://a.example/")


def test_marks_in_code_are_numbers_alone():
    marks = [Mark("1", "cited-0-1")]
    text = "a\ue1000\ue101 `b\ue1000\ue101`\n\n```\nc\ue1000\ue101\n```\n"
    assert prepared(text, marks) == "a\u2060[1](#cited-0-1) `b[1]`\n\n```\nc[1]\n```\n"
    assert prepared("x\ue1007\ue101", marks) == "x\ue1007\ue101"


def test_blocks_and_what_is_copied(tmp_path):
    tool = read(tmp_path, "One line.")
    citing = CitationCollector(tool.cited, "2")
    (block,) = citing.blocks("It says so【0†One line】.")
    assert isinstance(block, TextBlock) and block.marks == (Mark("1", "cited-2-1"),)
    (sources,) = citing.sources()
    assert isinstance(sources, SourcesBlock) and sources.scope == "2"
    assert CitationCollector(None).blocks("【0†One line】") == [TextBlock("【0†One line】")]
    assert copied(["So【0†One line】.", "No【0†x】"], tool.cited) == (
        "So[1].\n\nNo[1]\n\n[1] Otters https://a.example/o"
    )
    assert copied(["a", "b"], None) == "a\n\nb"
