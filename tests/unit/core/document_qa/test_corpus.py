"""Pages cut into passages, and the passages that a question brings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.document_qa.retrieval.bm25_index import tokenize
from app.core.document_qa.retrieval.chunking import MAX_CHUNK_CHARS, chunk_pages, render_chunks
from app.core.document_qa.retrieval.corpus import Corpus
from tests.support.document_scene import corpus, filler, sheets

ROOM = 1500


def characters(passage) -> float:
    return len(passage.text)


def chosen(of: Corpus, question: str, before: str = "", room: float = ROOM, without=()) -> str:
    return render_chunks(of.choose(question, before, room, characters, without))


# -- cutting -------------------------------------------------------------------------------------

lines = st.sampled_from(
    ["# One\n", "## Two\n", "words of a line\n", "A sentence ends here. ", "\n", "| a | b |\n",
     "| --- | --- |\n", "```\n", "x" * 900, "故宫每天八点半开门，周一休息。" * 60, "- item\n",
     "y " * 1500],
)  # fmt: skip


@given(st.lists(lines, max_size=25))
@settings(max_examples=60, deadline=None)
def test_passages_are_all_of_the_text_and_none_is_too_long(parts):
    page = corpus("".join(parts))
    joined = "".join(each.text for each in page.chunks)
    assert joined.split() == page.pages[0].text.split()
    assert all(len(each.text) <= MAX_CHUNK_CHARS + 1 for each in page.chunks)


def test_a_passage_knows_the_headings_above_it_over_the_pages_of_its_document():
    text = f"# Report\n\n{filler(1, 60)}\n\n## Costs\n\n{filler(2, 150)}"
    other = sheets(filler(4, 40), name="b.txt", first=9)
    passages, headings = chunk_pages([*sheets(text, filler(3, 40)), *other])
    assert [(each.level, each.text, each.page.id) for each in headings] == [
        (1, "Report", 1), (2, "Costs", 1),
    ]  # fmt: skip
    assert passages[0].headings == ()
    costs = next(each for each in passages if "## Costs" in each.text)
    assert costs.headings == ("Report",)
    after = [each for each in passages if each.page.id == 2]
    assert after and all(each.headings == ("Report", "Costs") for each in after)
    assert passages[-1].page.id == 9 and passages[-1].headings == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Title\n=====\n\nwords", (1, "Title")),
        ("2.1 Method of work\n\nwords", (2, "2.1 Method of work")),
        ("Chapter IV The harbour\n\nwords", (1, "Chapter IV The harbour")),
        ("第三章 结论\n正文", (2, "第三章 结论")),
        ("2.1 Method of work ........ 12\nwords", None),
        ("2.5 litres were lost, and 3.1 found again.\n", None),
        ("```\n# no heading\n```\n", None),
        ("#hashtag\n", None),
        ("| # | Name |\n", None),
    ],
)
def test_headings_are_told_from_what_is_none(text, found):
    _, headings = chunk_pages(sheets(text))
    assert [(each.level, each.text) for each in headings] == ([found] if found else [])


def test_the_rest_of_a_long_table_keeps_its_first_row():
    rows = "".join(f"| Item {at} | {at * 7} |\n" for at in range(200))
    table = corpus(f"Prices\n\n| Item | Price in euros |\n| --- | --- |\n{rows}")
    text = chosen(table, "What is the price of item 173?")
    assert "| Item 173 | 1211 |" in text
    assert text.splitlines()[1] == "| Item | Price in euros |"


# -- finding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("The turbines were inspected by Osei.", "Who inspected the turbine?"),
        ("Die Genehmigungen erteilt das Amt.", "Wer erteilt die Genehmigung?"),
        ("Le résumé a été publié en mai.", "publie resume"),
        ("The equip-\nment is in room 214.", "Where is the equipment?"),
        ("The soft\u00adware is called Kelp.", "software"),
        ("故宫每天八点半开门，周一休息。", "故宫几点开门？"),
        ("会議は東京で行われた。", "会議はどこで"),
        ("ｔｈｅ ｃｏｄｅ is 7781", "the code"),
        ("ห้องสมุดเปิดเวลาเก้าโมง", "ห้องสมุดเปิดเมื่อไร"),
    ],
)
def test_what_shares_a_questions_words_is_found(said, asked):
    pages = corpus(
        filler(1, 300), f"{filler(2, 100)}\n\n{said}\n\n{filler(3, 100)}", filler(4, 300)
    )
    best = pages.chunks[pages.ranked(asked)[0]]
    assert said in best.text


def test_words_that_every_question_has_find_nothing():
    assert corpus("What is this? It is how they do that.", filler(1, 90)).ranked("kraken") == ()
    text = "Who is who, and what is that?\n\n" + filler(1, 400) + "\n\nThe kraken slept."
    pages = corpus(text)
    assert "kraken" in pages.chunks[pages.ranked("What is that about the kraken?")[0]].text


@pytest.mark.parametrize("depth", range(0, 101, 20))
def test_a_fact_is_found_wherever_it_stands(depth):
    fact = "The lighthouse of Morrow was painted by Tomas Lindgren."
    before, after = filler(1, 200 * depth), filler(2, 200 * (100 - depth))
    text = chosen(corpus(f"{before}\n\n{fact}\n\n{after}"), "Who painted the lighthouse of Morrow?")
    assert fact in text and len(text) < ROOM * 1.3


def test_neighbours_come_with_the_best_and_gaps_are_marked():
    paragraphs = [f"Paragraph {at}. {filler(at, 110)}" for at in range(12)]
    paragraphs[3] += " The zeppelin landed."
    paragraphs[9] += " The zeppelin left."
    pages = corpus("\n\n".join(paragraphs))
    text = chosen(pages, "zeppelin", room=5200)
    assert text.startswith("[1] report.pdf, page 1\n")
    shown = [at for at in range(12) if f"Paragraph {at}." in text]
    assert {2, 3, 4, 8, 9, 10} <= set(shown) and shown == sorted(shown)
    assert text.count("[…]") == 1 and text.count("[1]") == 1


def test_what_is_there_already_is_not_chosen_again():
    pages = corpus("\n\n".join(f"Otter {at}. {filler(at, 100)}" for at in range(9)))
    first = pages.choose("otter", "", ROOM, characters)
    second = pages.choose("otter", "", ROOM, characters, first)
    assert first and second and not {*first} & {*second}
    assert sum(map(characters, first)) <= ROOM


def test_a_question_that_shares_no_word_brings_how_the_documents_begin():
    one = sheets(*(f"Part {at}. {filler(at, 200)}" for at in range(6)))
    two = sheets(f"Preface. {filler(9, 200)}", name="b.txt", first=20)
    text = chosen(Corpus([*one, *two]), "总结一下", room=4000)
    assert "Part 0." in text and "Preface." in text
    assert Corpus().choose("otter", "", ROOM, characters) == ()
    assert corpus("", " \n ").choose("otter", "", ROOM, characters) == ()


def test_a_follow_up_searches_with_the_question_before():
    pages = corpus(
        filler(1, 500),
        f"The hymn of the harbour was written by Ines Okafor.\n\n{filler(2, 500)}",
        f"Nobody knows who wrote it on the wall.\n\n{filler(3, 500)}",
    )
    assert "Okafor" in chosen(pages, "And who wrote it?", "What is the hymn of the harbour?")
    topic = chosen(pages, "Who wrote on the wall, and what?", "What is the hymn of the harbour?")
    assert "Nobody knows" in topic


# -- the outline ---------------------------------------------------------------------------------


def test_the_outline_names_every_document_and_as_many_headings_as_fit():
    one = sheets("# One\n\nx\n\n## Deep\n\nx", "# Two\n\nx", name="a.md")
    pages = Corpus([*one, *sheets("x", "y", "z", name="b.txt", first=7)[:1]])
    whole = (
        "a.md: 2 pages, [1] to [2]\n  One [1]\n    Deep [1]\n  Two [2]\nb.txt: 1 of 3 pages, [7]"
    )
    assert pages.outline(len(whole), len) == whole
    assert "Deep" not in pages.outline(len(whole) - 10, len)
    assert "Two" in pages.outline(len(whole) - 10, len)
    assert pages.outline(60, len).splitlines()[-1] == "…"
    many = corpus("".join(f"# Heading {at}\n\nx\n\n" for at in range(500)))
    short = many.outline(300, len)
    assert len(short) < 350 and "Heading 0" in short and short.endswith("…")


def test_a_corpus_of_the_same_pages_is_the_same_one():
    pages = corpus("One.", "Two.")
    assert pages.renewed(sheets("One.", "Two.")) is pages
    assert pages.renewed(sheets("One.", "Three.")) is not pages
    assert pages.page(2) is pages.pages[1] and pages.page(3) is None


def test_words_are_compared_by_what_they_have_in_common():
    assert set(tokenize("Lighthouses")) & set(tokenize("lighthouse"))
    assert set(tokenize("Разрешения выданы")) & set(tokenize("разрешение"))
    assert tokenize("2020, 15") == ["2020", "15"]
