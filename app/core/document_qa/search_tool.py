"""Documents in Tools mode: two functions by which the model searches documents and reads pages.

The model cites pages by the number in their first line, as in Documents mode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from app.core.document_qa.retrieval.chunking import Chunk, render_chunks
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage, harmless
from app.core.document_qa.retrieval.token_counter import DEFAULT_WINDOW_TOKENS, estimate_tokens
from app.core.document_qa.store import ranges
from tools.base import ToolCall, ToolCancelled, ToolContext, ToolError, ToolResult, ToolSpec
from tools.citations import CitationSource
from tools.documents.base import DocumentError
from tools.text import one_line

NAME = "documents"
MIN_RESULT_TOKENS, MAX_RESULT_TOKENS = 400, 15_000
"""Limits of a call's result in tokens; between them it is a sixth of the window."""

_POLL_INTERVAL_S = 0.1
_MAX_NAMED_DOCUMENTS = 20  # names in an error's list of documents
_CITE = (
    "Cite what you use as 【n†exact words of the page】; n is the number in the page's first line."
)


class Library(CitationSource, Protocol):
    """The documents of a conversation."""

    @property
    def given(self) -> bool:
        """Whether there is any document."""

    @property
    def pending(self) -> bool:
        """Whether one is still being read."""

    @property
    def corpus(self) -> Corpus:
        """The selected pages of all documents."""


class DocumentsTool:
    """One conversation's documents as a tool, offered from the first document on. `window` returns
    the model's window in tokens, 0 while it isn't known.

    Documents are written by third parties, so that results of the tool taint a conversation.
    """

    name = NAME
    stateful = False
    taints = True

    def __init__(self, library: Library, window: Callable[[], int]) -> None:
        self._library, self._window = library, window
        self._offered = False

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """Two functions, the same for native and emulated calls; none before the first
        document."""
        self._offered = self._offered or self._library.given
        return _SPECS if self._offered else ()

    @property
    def citations(self) -> CitationSource:
        return self._library

    def has_side_effects(self, function: str) -> bool:
        """Documents are only read."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Runs one call, once the documents are read. Raises `ToolError`."""
        begun = time.monotonic()
        arguments = call.arguments()
        while self._library.pending:
            context.progress("waiting until the documents are read")
            if context.cancel.wait(_POLL_INTERVAL_S):
                raise ToolCancelled("The user stopped the call.")
        corpus = self._library.corpus
        if not corpus.pages:
            raise ToolError("There is no document that could be read.")
        do = self._search if call.name == _SEARCH.name else self._read
        return ToolResult(
            call.id, call.name, do(corpus, arguments), seconds=time.monotonic() - begun
        )

    def close(self) -> None:
        """Does nothing: the tool holds no resources."""

    def _search(self, corpus: Corpus, arguments: Mapping[str, Any]) -> str:
        query = _text(arguments, "query")
        if not corpus.ranked(query):
            return f'No page has a word of "{one_line(harmless(query), 200)}". {_names(corpus)}'
        budget = self._max_tokens
        chosen = corpus.choose(
            query, "", budget, lambda each: estimate_tokens(f"{each.lead}{each.text}") + 16
        )
        return render_chunks(chosen)

    def _read(self, corpus: Corpus, arguments: Mapping[str, Any]) -> str:
        pages = _document(corpus, _text(arguments, "document"))
        asked = str(arguments.get("pages") or "")
        try:
            wanted = ranges(asked, pages[0].pages) or ((1, pages[0].pages),)
        except DocumentError as error:
            raise ToolError(str(error)) from None
        chosen = [
            page
            for page in pages
            if any(first <= page.page.number <= last for first, last in wanted)
        ]
        if not chosen:
            raise ToolError(f"The user has not chosen these pages. {_names(corpus)}")
        shown: list[str] = []
        left = self._max_tokens
        for index, page in enumerate(chosen):
            left -= estimate_tokens(page.shown)
            if left < 0 and shown:
                rest = f"{page.page.number}-{chosen[-1].page.number}"
                shown.append(f"({len(chosen) - index} more of these; read on with pages {rest}.)")
                break
            shown.append(page.shown if left >= 0 else self._beginning(page))
        return "\n".join(shown)

    def _beginning(self, page: NumberedPage) -> str:
        """As much of a page as fits into one result."""
        chunks: list[Chunk] = []
        left = self._max_tokens
        for each in Corpus([page]).chunks:
            left -= estimate_tokens(each.text)
            if left < 0 and chunks:
                break
            chunks.append(each)
        return (
            f"{render_chunks(chunks)}\n(This {page.unit} goes on, and is too long to be read at "
            f"once. Look for words in it with {_SEARCH.name}.)"
        )

    @property
    def _max_tokens(self) -> int:
        return max(
            MIN_RESULT_TOKENS,
            min(MAX_RESULT_TOKENS, (self._window() or DEFAULT_WINDOW_TOKENS) // 6),
        )


def _document(corpus: Corpus, name: str) -> list[NumberedPage]:
    """The pages of the document with that name, else of the only one whose name contains it."""
    named: dict[int, list[NumberedPage]] = {}
    for page in corpus.pages:
        named.setdefault(page.first, []).append(page)
    wanted = harmless(name).strip().casefold()
    same = [pages for pages in named.values() if pages[0].name.casefold() == wanted]
    alike = [pages for pages in named.values() if wanted and wanted in pages[0].name.casefold()]
    found = same or alike
    if len(found) != 1:
        there = "There are several documents" if found else "There is no document"
        raise ToolError(f'{there} named "{one_line(harmless(name), 80)}". {_names(corpus)}')
    return found[0]


def _names(corpus: Corpus) -> str:
    documents = {page.first: page for page in corpus.pages}.values()
    names = [f"{each.name} ({each.length})" for each in documents]
    more = (
        f", and {len(names) - _MAX_NAMED_DOCUMENTS} more"
        if len(names) > _MAX_NAMED_DOCUMENTS
        else ""
    )
    return f"The documents: {', '.join(names[:_MAX_NAMED_DOCUMENTS])}{more}."


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ToolError(f"{name} is missing: it must be a text.")
    return value


def _spec(name: str, description: str, required: str, **parameters: str) -> ToolSpec:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": [required]}
    return ToolSpec(name, description, schema)


_SEARCH = _spec(
    "search_documents",
    f"Search in the documents that the user gave. Brings passages with their pages. {_CITE}",
    "query",
    query="words that the passages should have, in the documents' language",
)
_READ = _spec(
    "read_pages",
    f"Read pages of a document that the user gave. {_CITE}",
    "document",
    document="the file's name",
    pages="for example 1-5, 9; all if left out",
)
_SPECS = (_SEARCH, _READ)
