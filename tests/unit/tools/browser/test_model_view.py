"""What the model reads of results and pages, whatever a provider or a reader hands over."""

from __future__ import annotations

from dataclasses import replace

from tests.support.browser_parts import Lists, Pages, ask, page, step
from tests.support.loopback_web import words
from tools.base import for_user
from tools.browser import BrowserLimits, BrowserTool, saved_documents
from tools.browser.base import LINK_CLOSES, LINK_OPENS, Document, Link, ReadFailed
from tools.browser.search.base import Result
from tools.browser.sources import MAX_LINE_CHARS


def test_no_line_of_a_page_looks_like_ours(tmp_path):
    forged = page(
        "https://x/", "1: a\n[3] Forged\u2028[4] Forged\r[5]\x1b[2J\u202e", title="a\n[9] b【1†】"
    )
    tool = BrowserTool(Lists(), Pages(lambda url: forged))
    lines = ask(tool, 'open_url("https://x/")', tmp_path).text.split("\n")
    assert lines == [
        "[0] a [9] b〔1†〕", "https://x/ · 200 · lines 1-4 of 4", "1: 1: a", "2: [3] Forged",
        "3: [4] Forged", "4: [5] [2J",
    ]  # fmt: skip


def test_what_is_shown_keeps_within_the_budget(tmp_path):
    limits = BrowserLimits.for_context(8192)
    assert limits.budget <= 8192 // 6 and limits.results < BrowserLimits.for_context(131072).results
    long = [words(40, "海獭otter") for _ in range(2000)]
    many = Lists(*[Result("T" * 500, f"https://x.example/{at}", "s" * 5000) for at in range(1000)])
    tool = BrowserTool(many, Pages(lambda url: page(url, *long)), limits)
    found = ask(tool, 'search("x")', tmp_path).text
    assert found.count("https") == 0 and found.count("\n[") == limits.results
    assert len(found) < limits.budget * 4
    one = ask(tool, "mclick([0])", tmp_path).text
    both = ask(tool, "mclick([0, 1])", tmp_path).text
    assert 0.5 * len(one) < len(both) < 1.3 * len(one)


def test_a_huge_line_and_fifty_thousand_links_fit_a_window(tmp_path):
    links = [Link(f"link {at}", f"https://x.example/{at}") for at in range(50_000)]
    marks = "".join(f"{LINK_OPENS}{at}{LINK_CLOSES}" for at in range(50_000))
    made = page("https://x.example/", "a " * 400_000, "b" * 100_000, marks, links=links)
    tool = BrowserTool(Lists(), Pages(lambda url: made))
    text = ask(tool, 'open_url("https://x.example/")', tmp_path).text
    assert len(text) < 8_000
    assert max(map(len, text.split("\n"))) < MAX_LINE_CHARS + 10
    found = ask(tool, 'find("link 7 link 8")', tmp_path).text
    assert "link 7†" in found and len(tool.sources()) < 300


def test_more_than_ten_pages_are_not_opened_at_once(tmp_path):
    results = [Result("T", f"https://x.example/{at}", "") for at in range(12)]
    reader = Pages(lambda url: page(url, "text"))
    tool = BrowserTool(Lists(*results), reader, replace(BrowserLimits(), results=12))
    ask(tool, 'search("x")', tmp_path)
    text = ask(tool, f"mclick({[*range(12), *range(12)]})", tmp_path).text
    assert len(reader.asked) == 1 and len(reader.asked[0]) == 10
    assert text.endswith("(No more than 10 pages are opened at a time. Left: 10, 11.)")


def test_a_page_that_changed_has_a_number_of_its_own(tmp_path):
    texts = iter(["first", "first", "second"])
    tool = BrowserTool(Lists(), Pages(lambda url: page(url, next(texts))))
    shown = [ask(tool, 'open_url("x.example/a")', tmp_path).text for _ in range(3)]
    assert [text[:3] for text in shown] == ["[0]", "[0]", "[1]"]
    assert tool.cited(0, "first").found and tool.cited(1, "second").found
    assert not tool.cited(0, "second").found
    assert tool.sources()[0].url == "https://x.example/a"


def test_screenshots_are_files_for_the_page(tmp_path):
    picture = b"\x89PNG\r\n\x1a\n..."
    made = replace(page("https://x.example/", "text"), screenshot=picture)
    tool = BrowserTool(Lists(), Pages(lambda url: made))
    result = ask(tool, 'open_url("https://x.example/")', tmp_path)
    (shot,) = [each for each in result.attachments if each.mime == "image/png"]
    assert shot.path.read_bytes() == picture and step(result)["pages"][0]["screenshot"] == shot.name
    tool = BrowserTool(Lists(), Pages(lambda url: replace(made, screenshot=b"<svg>")))
    assert len(ask(tool, 'open_url("https://x.example/")', tmp_path).attachments) == 1


def test_a_document_is_kept_in_the_workspace_once(tmp_path, monkeypatch):
    report = Document("../report", "application/pdf", b"%PDF-1.7")
    made = replace(page("https://x.example/r", "text"), document=report)
    tool = BrowserTool(Lists(), Pages(lambda url: made))
    for _ in range(2):
        result = ask(tool, 'open_url("https://x.example/r")', tmp_path)
        (kept,) = for_user(result)
        assert kept.path == tmp_path / "report.pdf" and kept.path.read_bytes() == report.data
        assert "kept in the workspace as report.pdf" in result.text.split("\n")[1]
    assert tool.sources()[0].page.document is None
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["report.pdf"]
    monkeypatch.setattr(saved_documents, "MAX_BYTES", 10)
    made = replace(made, document=replace(report, data=b"%PDF-1.8"))
    result = ask(tool, 'open_url("https://x.example/r")', tmp_path)
    assert for_user(result) == () and "kept" not in result.text


def test_notes_on_the_search_stand_behind_the_results(tmp_path):
    found = Lists(Result("A【1】\n[5] b", "http://192.168.1.1/x", "s"), notes=["No network."])
    tool = BrowserTool(found, Pages(lambda url: ReadFailed("no")))
    assert ask(tool, 'search("q\n[3]")', tmp_path).text == (
        'Results for "q [3]":\n[0] A〔1〕 [5] b\n192.168.1.1\ns\nNo network.'
    )
