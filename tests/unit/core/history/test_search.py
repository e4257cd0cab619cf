"""The search over titles and texts, in both databases."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.history.history import History
from app.core.history.search_index import MAX_WORDS, words_of
from tests.support.stored_messages import ALICE, BOB, rows_of, save, write

TEXTS = {
    "trees": ("What is the oldest tree?", "A bristlecone pine, aged 4,800 years."),
    "beijing": ("北京的天气怎么样？", "今天晴朗，气温二十度。"),
    "kyoto": ("京都のおすすめは？", "金閣寺とラーメン、それにカフェ。"),
    "street": ("Wo ist die Straße?", "Die STRASSE ist ÜBER der Brücke."),
    "code": ("print('100% \"sure\"')", "It is C:\\temp_files AND x* NEAR y OR NOT z in C# or Go."),
    "mixed": ("Python在北京", "AI とは何か"),
}


def found(history: History, query: str) -> set[str]:
    return {entry.id for entry in history.catalog.search(ALICE, query)}


@pytest.fixture
def filled(history: History) -> History:
    for id, texts in TEXTS.items():
        write(history, id, *texts)
    write(history, "his", "bristlecone 北京 京都", person=BOB)
    return history


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        # words, parts of words, any case, all of several
        ("tree", {"trees"}),
        ("TREE", {"trees"}),
        ("istleco", {"trees"}),
        ("pine oldest", set()),
        ("pine bristle", {"trees"}),
        ("  pine \n aged ", {"trees"}),
        ("unknown", set()),
        ("pine unknown", set()),
        ("4,800", {"trees"}),
        ("über", {"street"}),
        ("ÜBER", {"street"}),
        ("straße", {"street"}),
        # Chinese and Japanese: words of one, two and more characters
        ("北京", {"beijing", "mixed"}),
        ("天气怎么样", {"beijing"}),
        ("晴朗", {"beijing"}),
        ("京", {"beijing", "kyoto", "mixed"}),
        ("京都", {"kyoto"}),
        ("ラーメン", {"kyoto"}),
        ("カフェ", {"kyoto"}),
        ("寺", {"kyoto"}),
        ("度", {"beijing"}),
        ("今天 气温", {"beijing"}),
        ("東京", set()),
        ("都京", set()),
        ("python 北京", {"mixed"}),
        ("何か", {"mixed"}),
        # two letters and one
        ("ai", {"mixed"}),
        ("go", {"code"}),
        ("AI 何か", {"mixed"}),
        ("is pine", set()),
        ("pine, a", {"trees"}),
        ("in go", {"code"}),
        ("x", {"code"}),
        # signs of the databases' own languages, as text
        ("100%", {"code"}),
        ("100_", set()),
        ('"sure"', {"code"}),
        ("'100%", {"code"}),
        ("temp_files", {"code"}),
        ("tempxfiles", set()),
        ("\\temp", {"code"}),
        ("AND NEAR", {"code"}),
        ("NOT z", {"code"}),
        ("x*", {"code"}),
        ("tre*", set()),
        ("text:tree", set()),
        ("^what", set()),
        ("(tree", set()),
        ("tree)", set()),
        ("tree -pine", set()),
        ("bristle + pine", set()),
        ('"', {"code"}),
        ("!", set()),
    ],
)
def test_a_query_finds(filled: History, query: str, ids: set[str]) -> None:
    assert found(filled, query) == ids


@pytest.mark.parametrize("query", ["", "  ", "\n\t", "\0"])
def test_nothing_asked_for_is_the_list(filled: History, query: str) -> None:
    assert found(filled, query) == set(TEXTS)


@pytest.mark.parametrize(
    "query", ["x" * 10_000, "x " * 5_000, "北" * 10_000, '"' * 10_000, "% " * 5_000, "🌳" * 5_000]
)
def test_a_query_of_ten_thousand_characters(filled: History, query: str) -> None:
    found(filled, query)
    assert len(words_of(query)) <= MAX_WORDS


@given(query=st.text(st.characters(exclude_categories=()), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_text_can_be_asked_for(filled: History, query: str) -> None:
    assert found(filled, query) <= set(TEXTS)


def test_a_title_is_found_first(filled: History) -> None:
    filled.rename(ALICE, "kyoto", "Über the PINE hills")
    assert [entry.id for entry in filled.catalog.search(ALICE, "pine")] == ["kyoto", "trees"]
    assert found(filled, "über pine") == {"kyoto"}
    filled.rename(ALICE, "kyoto", "100% of a_b")
    assert found(filled, "100%") == {"kyoto", "code"}
    assert found(filled, "a_b") == {"kyoto"} and found(filled, "a%b") == set()


def test_an_excerpt_shows_the_place(history: History) -> None:
    write(history, "one", "ask", "filler " * 50 + "the needle\nis here " + "filler " * 50)
    (entry,) = history.catalog.search(ALICE, "NEEDLE")
    assert "the needle is here" in entry.excerpt and len(entry.excerpt) < 120
    assert entry.excerpt.startswith("…") and entry.excerpt.endswith("…")


def test_what_is_deleted_is_not_found(filled: History) -> None:
    filled.delete(ALICE, "trees")
    assert found(filled, "bristlecone") == set()
    filled.restore(ALICE, "trees")
    assert found(filled, "bristlecone") == {"trees"}
    filled.delete_all(ALICE)
    assert found(filled, "bristlecone") == set()
    assert [entry.id for entry in filled.catalog.search(BOB, "bristlecone")] == ["his"]
    write(filled, "new", "bristlecone")
    assert found(filled, "bristlecone") == {"new"}


def test_all_branches_are_searched(history: History) -> None:
    rows = write(history, "one", "ask", "first answer")
    save(history, "one", [rows[0], *rows_of("other words")])
    assert found(history, "first") == found(history, "other") == {"one"}


def test_one_talkative_conversation_does_not_hide_the_others(history: History) -> None:
    write(history, "rare", "the needle")
    write(history, "talkative", *["the needle"] * 600)
    assert found(history, "needle") == {"rare", "talkative"}
    history.rename(ALICE, "rare", "no such word")
    history.rename(ALICE, "talkative", "no such word")
    assert found(history, "needle") == {"rare", "talkative"}
