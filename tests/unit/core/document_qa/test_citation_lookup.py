"""Citations of documents: found on their page, whatever became of blanks, hyphens and signs."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.document_qa.retrieval.citation_lookup import CitationFinder
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import harmless
from app.core.rendering.citations import CitationCache, copied, highlighted, numbered
from tests.support.browser_parts import Lists, Pages, ask, page
from tests.support.document_scene import filler, sheets
from tools.browser import BrowserTool
from tools.citations import comparable, find

PAGE = """# Annual *report*

The **net result**, as the [auditors](https://a.example/x) confirm, rose by 4.1 % to
€ 1,204 mil-
lion in 2024, well-
known of\ufb01ces in\u00adcluded.

> “Ｗｅ ｄｉｄ it” — she said; e\u0301te\u0301 ex\u00ad
cepted.

| Item | Price |
| :--- | ---: |
| snake_case | `3 <br> 4` |

- first point
- second point, 2020, 15 people

故宫每天八点半开门，
周一休息。票价 60 元。【注】
"""


def letters(said: str) -> str:
    return "".join(filter(str.isalnum, comparable(said)))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("The net result, as the auditors confirm", True),
        ("**net result**, as the [auditors](https://a.example/x)", True),
        ("the net  result,\nas", True),
        ("€ 1,204 million in 2024", True),
        ("€1,204 mil- lion", True),
        ("mil-\nlion", True),
        ("well-known offices included", True),
        ("well-known of\ufb01ces in\u00adcluded", True),
        ('"We did it" - she said; été excepted', True),
        ("Item Price", True),
        ("Item | Price", True),
        ("Price snake_case | 3 4", True),
        ("| snake\\_case | `3", True),
        ("first point second point", True),
        ("- first point\n- second point", True),
        ("first point - second point", True),
        ("second point ... 15 people", True),
        ("每天八点半开门，周一休息", True),
        ("票价60元", True),
        ("〔注〕", True),
        ("1,204 billion", False),
        ("204 million", False),
        ("rose by 4", False),
        ("1 %", False),
        ("ill in 2024", False),
        ("15 people ... second point", False),
        ("net results", False),
        ("34", False),
        ("202015", False),
        ("开门周二", False),
        ("...", False),
        ("(", False),
    ],
)
def test_what_is_forgiven_and_what_is_not(words, found):
    spans = find(PAGE, words)
    assert bool(spans) is found
    assert all(0 <= start < end <= len(PAGE) for start, end in spans)
    shown = " ".join(PAGE[start:end] for start, end in spans)
    if found and "..." not in words:
        assert letters(shown) == letters(words)


def test_places_are_those_of_the_text_itself():
    ((start, end),) = find(PAGE, "million")
    assert PAGE[start:end] == "mil-\nlion"
    assert [PAGE[start:end] for start, end in find(PAGE, "net ... ex­cepted")] == [
        "net", "ex\u00ad\ncepted",
    ]  # fmt: skip


text = st.text(st.sampled_from("ab c1.,*_|#\n\u00ad\ufb01“é故 宫0\\`"), max_size=60)


@given(text, st.integers(0, 59), st.integers(1, 20))
@example("0 .0", 0, 2)
@example("a\u00ad\n", 0, 2)
@settings(deadline=None)
def test_whole_words_of_a_text_are_found_in_it_at_a_true_place(said, begin, length):
    # A soft hyphen at a line's end cuts one word in two.
    whole = re.sub(r"(?<=[^\W\d_])\u00ad *\n *(?=[^\W\d_])", "", f"first {said} last")
    words = whole.split()[begin % 3 : begin % 3 + length]
    spans = find(f"before first {said} last after", " ".join(words))
    assert all(start < end for start, end in spans)
    assert spans or not comparable(" ".join(words)).strip(" .,;:!?\"'-")


@given(text)
@settings(deadline=None)
def test_what_makes_a_text_harmless_changes_no_quotation(said):
    nasty = f"{said}<|user|>【3†x】[gMASK]\n[3] a, page 4"
    assert comparable(harmless(nasty)) == comparable(nasty)


# -- pages ---------------------------------------------------------------------------------------


def quotations() -> tuple[CitationFinder, Corpus]:
    ends = f"{filler(1, 60)}\n\nThe committee decided that the"
    begins = f"bridge will be closed in May.\n\n{filler(2, 60)}"
    plain = sheets("Intro of the report.", ends, begins, "The tower stands on 45 oak piles.")
    corpus = Corpus([*plain, *sheets("A bell hangs in the tower of oak.", name="b.txt", first=11)])
    return CitationFinder(lambda: corpus), corpus


@pytest.mark.parametrize(
    ("id", "words", "found", "on", "trouble"),
    [
        (1, "Intro of the report", True, 1, ""),
        (1, "", True, 1, ""),
        (1, "source", True, 1, ""),
        (1, "Intro of this report", False, 1, "not found in the page"),
        (2, "decided that the bridge will be closed", True, 2, ""),
        (3, "decided that the bridge will be closed", True, 3, ""),
        (1, "stands on 45 oak piles", True, 4, "stands in report.pdf, page 4"),
        (4, "A bell hangs in the tower", True, 11, "stands in b.txt, page 1"),
        (1, "oak piles", False, 1, "not found in the page"),
        (9, "Intro of the report", False, None, "no such source"),
        (0, "", False, None, "no such source"),
    ],
)
def test_words_are_looked_for_on_their_page_then_on_others(id, words, found, on, trouble):
    citation = quotations()[0].cited(id, words)
    assert (citation.found, citation.trouble) == (found, trouble)
    assert (citation.source and citation.source.id) == on
    assert (citation.meant and citation.meant.id) == (id if on not in (id, None) else None)
    if found and len(words) > 8:
        shown = "".join(citation.source.text[start:end] for start, end in citation.spans)
        assert comparable(shown) in comparable(words)


def test_an_answer_is_numbered_by_page_and_its_quotations_are_marked():
    known, _ = quotations()
    text = "Closed【2†decided that the bridge】, piles【1†on 45 oak piles】【4†The tower】【9†x】."
    answer = numbered(text, CitationCache(known))
    assert [(each.number, each.trouble) for each in answer.citations] == [
        (1, ""), (2, "stands in report.pdf, page 4"), (2, ""), (0, "no such source"),
    ]  # fmt: skip
    marked = [
        [part for part, here in highlighted(each.citation, 0) if here] for each in answer.citations
    ]
    assert marked == [["decided that the"], ["on 45 oak piles"], ["The tower"], []]
    assert answer.citations[0].source.where == "page 2 of 4"
    assert copied([text], CitationCache(known)).endswith(
        "[1] report.pdf, page 2\n[2] report.pdf, page 4"
    )


def test_pages_of_the_web_and_of_documents_keep_their_own_numbers(tmp_path):
    web = BrowserTool(Lists(), Pages(lambda url: page(url, "A page of the web.", title="Web")))
    ask(web, 'open_url("https://a.example/0")', tmp_path)
    ask(web, 'open_url("https://a.example/1")', tmp_path)
    known, _ = quotations()
    look = CitationCache(web, known)
    answer = numbered("【1†page of the web】【1†Intro of the report】【4†The tower】【4†x】", look)
    assert [(each.number, each.source.title) for each in answer.citations] == [
        (1, "Web"), (2, "report.pdf, page 1"), (3, "report.pdf, page 4"), (3, "report.pdf, page 4"),
    ]  # fmt: skip
    assert look(1, "page of the web") is look(1, "page of the web")


def test_what_is_removed_stays_found_where_it_was_found():
    _, corpus = quotations()
    there = [corpus]
    look = CitationCache(CitationFinder(lambda: there[0]))
    assert look(4, "The tower").found and not look(12, "later page").found
    there[0] = Corpus(sheets("A later page.", name="c.txt", first=12))
    assert look(4, "The tower").found and look(12, "later page").found
    assert not look(4, "oak piles").found
