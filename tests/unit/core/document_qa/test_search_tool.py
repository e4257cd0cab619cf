"""The documents tool: the model searches and reads pages under the numbers it cites."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.core.document_qa.retrieval.citation_lookup import CitationFinder
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.search_tool import DocumentsTool
from tests.support.document_scene import filler, sheets
from tools.base import Tool, ToolCall, ToolContext, ToolError
from tools.registry import Registry


@dataclass
class SampleDocuments:
    """The documents of a conversation, without reading files."""

    corpus: Corpus = field(default_factory=Corpus)
    pending: bool = False

    @property
    def given(self) -> bool:
        return bool(self.corpus.pages)

    def source(self, id):
        return CitationFinder(lambda: self.corpus).source(id)

    def cited(self, id, words):
        return CitationFinder(lambda: self.corpus).cited(id, words)


def sample_documents() -> SampleDocuments:
    one = sheets(
        *(f"Page {at + 1}. {filler(at, 300)}" for at in range(8)), name="Harbour report.pdf"
    )
    two = sheets("# Bells\n\nThe bell was cast by Ines Okafor.", name="bells.md", first=11)
    return SampleDocuments(Corpus([*one, *two]))


def run(tool: DocumentsTool, name: str, cancel: threading.Event | None = None, **arguments) -> str:
    context = ToolContext(Path(), cancel or threading.Event())
    return tool.run(ToolCall("1", name, json.dumps(arguments)), context).text


@pytest.fixture
def tool() -> DocumentsTool:
    return DocumentsTool(sample_documents(), lambda: 8192)


def test_a_search_brings_passages_under_the_numbers_of_their_pages(tool):
    text = run(tool, "search_documents", query="Who cast the bell?")
    assert text == "[11] bells.md, page 1\n# Bells\n\nThe bell was cast by Ines Okafor."
    assert (
        tool.citations.cited(11, "cast by Ines Okafor").found
        and tool.citations.source(11).name == "bells.md"
    )
    assert len(run(tool, "search_documents", query="harbour river train").split()) < 8192 / 4
    nothing = run(tool, "search_documents", query='kraken "【†"')
    assert nothing.startswith('No page has a word of "kraken') and "bells.md (1 page)" in nothing
    assert "【" not in nothing


def test_pages_are_read_by_the_documents_name_as_many_as_fit(tool):
    text = run(tool, "read_pages", document="bells.md")
    assert text.startswith("[11] bells.md, page 1\n# Bells")
    text = run(tool, "read_pages", document="harbour REPORT.pdf", pages="2, 5-6")
    heads = [line for line in text.splitlines() if line.startswith("[")]
    assert heads == [f"[{at}] Harbour report.pdf, page {at}" for at in (2, 5)]
    assert text.endswith("(1 more of these; read on with pages 6-6.)")
    assert run(tool, "read_pages", document="report", pages=6).startswith("[6] Harbour")


def test_a_page_too_long_for_one_call_is_begun():
    long = DocumentsTool(SampleDocuments(Corpus(sheets(filler(1, 9000)))), lambda: 4096)
    text = run(long, "read_pages", document="report.pdf")
    assert text.startswith("[1] report.pdf, page 1\n") and len(text.split()) < 800
    assert "too long to be read at once" in text and "search_documents" in text


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("search_documents", {}, "query is missing"),
        ("search_documents", {"query": 5}, "query is missing"),
        ("read_pages", {"document": "x.pdf"}, 'no document named "x.pdf". The documents: Harbour'),
        ("read_pages", {"document": "e"}, "several documents named"),
        ("read_pages", {"document": "bells.md", "pages": "2"}, "not among the pages"),
        ("read_pages", {"document": "bells.md", "pages": "first"}, "no range of pages"),
    ],
)
def test_a_wrong_call_is_told_what_there_is(tool, name, arguments, why):
    with pytest.raises(ToolError, match=why):
        run(tool, name, **arguments)


def test_pages_that_the_user_left_out_are_not_read():
    some = DocumentsTool(SampleDocuments(Corpus(sample_documents().corpus.pages[2:4])), lambda: 0)
    assert run(some, "read_pages", document="report").count("[") == 2
    with pytest.raises(ToolError, match="not chosen"):
        run(some, "read_pages", document="report", pages="1")


def test_it_is_on_offer_from_the_first_document_on_and_taints():
    documents = SampleDocuments()
    tool = DocumentsTool(documents, lambda: 0)
    assert isinstance(tool, Tool)
    registry = Registry([tool])
    assert registry.specs(native=False) == ()
    documents.corpus = sample_documents().corpus
    assert [spec.name for spec in registry.specs(native=True)] == ["search_documents", "read_pages"]
    call = ToolCall("7", "search_documents", '{"query": "bell"}')
    result = registry.run(call, ToolContext(Path()))
    assert result.error is None and "Okafor" in result.text
    documents.corpus = Corpus()
    assert registry.is_tainted([result])
    assert "no document" in registry.run(call, ToolContext(Path())).text


def test_it_waits_until_the_documents_are_read_and_hears_stop():
    documents = sample_documents()
    documents.pending = True
    said: list[str] = []

    def progress(text: str) -> None:
        said.append(text)
        documents.pending = False

    context = ToolContext(Path(), threading.Event(), progress)
    tool = DocumentsTool(documents, lambda: 0)
    result = tool.run(ToolCall("1", "search_documents", '{"query": "bell"}'), context)
    assert "Okafor" in result.text and said == ["waiting until the documents are read"]
    documents.pending = True
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(ToolError, match="stopped"):
        run(tool, "search_documents", stopped, query="bell")
