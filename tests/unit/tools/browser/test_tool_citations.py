"""The words of a citation, looked for in what was read."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link, Page
from tools.browser.sources import Source, cited

LINES = (
    "# Sea otters",
    "They “hold hands” while they sleep — *so that* they don't drift apart.",
    f"Read {LINK_OPENS}0{LINK_CLOSES} on it. The price is 0.41 €, not 115.",
    "| Weight | 45 kg |",
    "故宫每天八点半开门，",
    "周一休息。票价 60 元。",
    "A line that ends in the",
    "middle of a sentence.",
)
PAGE = Page("https://x.example/", "Sea otters", 200, LINES,
            (Link("a study", "https://y.example/"),), datetime.now(UTC))  # fmt: skip
SOURCE = Source(3, PAGE.url, PAGE.title, page=PAGE)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("They “hold hands” while they sleep", 2),
        ('they "hold  hands" while\nthey sleep', 2),
        ("they 'hold hands'", None),
        ("so that they don’t drift apart.", 2),
        ("sleep - so that", 2),
        ("hold hands ... drift apart", 2),
        ("“hold hands” […] drift apart", 2),
        ("drift apart ... hold hands", None),
        ("Read a study on it", 3),
        ("the price is 0.41 €", 3),
        ("0.41 €", 3),
        (".41", None),
        ("0.4", None),
        ("15", None),
        ("115", 3),
        ("Weight 45 kg", 4),
        ("eight 45", None),
        ("故宫每天八点半开门，周一休息", 5),
        ("票价60元", 6),
        ("开门", 5),
        ("ends in the middle of a sentence", 7),
        ("Ｓｅａ otters", 1),
        ("Sea otters never sleep", None),
        ("...", None),
        ("§", None),
        ("(", None),
    ],
)
def test_words_are_found_where_they_stand(words, line):
    citation = cited(SOURCE, words)
    assert (citation.found, citation.line) == (line is not None, line)
    assert citation.source is SOURCE
    if line is not None:
        assert citation.passage.startswith(SOURCE.lines[line - 1])


def test_the_passage_is_the_whole_lines_with_links_as_words():
    assert cited(SOURCE, "read a study").passage == (
        "Read a study on it. The price is 0.41 €, not 115."
    )
    assert cited(SOURCE, "in the middle").passage.count("\n") == 1


@pytest.mark.parametrize("words", ["", " ", "source", "来源"])
def test_a_citation_without_words_claims_none(words):
    citation = cited(SOURCE, words)
    assert citation.found and citation.line is None and citation.passage == ""


def test_what_was_not_read_holds_nothing():
    assert cited(None, "otters").source is None and not cited(None, "otters").found
    link = Source(4, "https://y.example/", "a study")
    assert not cited(link, "a study").found and not cited(link, "").found
    result = Source(5, "https://y.example/", "Title", "Otters hold hands.", date(2026, 5, 1))
    assert cited(result, "hold hands").line == 1


def test_words_with_the_host_of_a_link_behind_them_are_the_words():
    assert cited(SOURCE, "Sea otters†x.example").found
