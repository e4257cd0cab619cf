"""The browser: search, open, find and scroll, over a search chain and a reader.

Both faces offer the same five functions. Every page, result and link has a number that stays
valid for the whole conversation (`sources`); `model_view` formats the text for the model.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.base import Attachment, ToolCall, ToolContext, ToolError, ToolResult, ToolSpec
from tools.browser.base import Link, Page, Reader, ReadFailed
from tools.browser.calls.call import EXAMPLES, HOW, NAME, NoCall
from tools.browser.calls.expression import wanted_call
from tools.browser.cancellation import unless_stopped
from tools.browser.model_view import (
    BrowserLimits,
    failed_text,
    first_line_before,
    found_text,
    page_text,
    search_text,
    snippet,
)
from tools.browser.saved_documents import Documents
from tools.browser.search.chain import Search
from tools.browser.sources import Source, SourceStore, cited, host_of
from tools.browser.step_file import failed_step, page_step, screenshot_file, search_step, step_file
from tools.citations import Citation, CitationSource
from tools.text import one_line

MAX_PAGES = 10
"""Pages that one call opens."""
MAX_SCROLL_PARTS = 5
"""`scroll` counts parts of a page up to this number, and lines above it."""

_BARE = re.compile(r"[\w-]+(\.[\w-]+)+([:/?#]|$)")  # an address without its scheme


@dataclass(frozen=True)
class Opened:
    """A source that is shown, or `failed` with the reason why its page could not be read."""

    source: Source
    failed: str = ""
    picture: Attachment | None = None
    document: Attachment | None = None


class BrowserTool:
    """The browser of one conversation. `sources` and `cited` may be called from any thread.

    The tool `taints`, since web pages are untrusted. `reader` belongs to the conversation and is
    closed with the tool. `limits` may be a function, which is called at each use.
    """

    name = NAME
    stateful = True
    taints = True

    def __init__(
        self,
        search: Search,
        reader: Reader,
        limits: BrowserLimits | Callable[[], BrowserLimits] | None = None,
    ) -> None:
        self._search, self._reader = search, reader
        self._limits_now = limits if callable(limits) else lambda: limits or BrowserLimits()
        self._sources = SourceStore()
        self._at_hand: list[int] = []
        self._shown: dict[int, tuple[int, int]] = {}  # by source: the lines that the model saw last
        self._steps = 0
        self._documents = Documents()

    @property
    def _limits(self) -> BrowserLimits:
        return self._limits_now()

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """One function that takes an expression (native), or five functions."""
        return [_native_spec(self._search.names)] if native else _function_specs(self._search.names)

    def sources(self) -> tuple[Source, ...]:
        """All sources in the order of their numbers; those that were read have a `page`."""
        return self._sources.sources()

    @property
    def citations(self) -> CitationSource:
        return self

    def source(self, id: int) -> Source | None:
        """The source with that number, or None."""
        return self._sources.get(id)

    def cited(self, id: int, words: str) -> Citation:
        """The result of looking for the quoted words in the source with that number."""
        return cited(self._sources.get(id), words)

    def has_side_effects(self, function: str) -> bool:
        """False: the functions only read."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Runs one call. Raises `ToolError` where it has no result."""
        started = time.monotonic()
        try:
            wanted = wanted_call(call)
        except NoCall as error:
            raise ToolError(str(error)) from None
        actions: Mapping[str, Callable[[Any, ToolContext], ToolResult]] = {
            "search": self._do_search,
            "mclick": self._do_click,
            "open_url": self._do_open,
            "find": self._do_find,
            "scroll": self._do_scroll,
        }
        result = actions[wanted.name](wanted.arguments, context)
        text = result.text
        if wanted.more:
            text += "\n(Only the first call was run: send one call at a time.)"
        return replace(
            result, call_id=call.id, name=call.name, text=text, seconds=time.monotonic() - started
        )

    def close(self) -> None:
        """Closes the reader. May be called twice."""
        self._reader.close()

    # -- the five functions ----------------------------------------------------------------------

    def _do_search(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        query, days = arguments["query"], arguments.get("recency_days")
        if days is not None and days <= 0:
            days = None
        context.progress(f"searching {one_line(query, 80)}")
        found = unless_stopped(
            lambda: self._search.search(
                query, days, self._limits.results, context.progress, context.cancel
            ),
            context.cancel,
        )
        results = [
            self._sources.add_result(each.title, each.url, snippet(each.snippet), each.published)
            for each in found.results[: self._limits.results]
        ]
        self._reader.expect([each.url for each in results])
        step = self._step(context, search_step(query, results, found.notes))
        text = search_text(query, results, found.notes)
        if found.error and results:
            # The failure first, so that the results aren't taken for the web's.
            text = f"{found.error}\n{text}"
        return ToolResult("", "", text, found.error, step)

    def _do_click(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        ids = list(dict.fromkeys(arguments["ids"]))
        known = [source for id in ids if (source := self._sources.get(id)) is not None]
        if not known:
            raise ToolError(self._no_such(ids))
        notes = [
            f"[{id}] · there is no result or link of this number"
            for id in ids
            if self._sources.get(id) is None
        ][:MAX_PAGES]
        if len(known) > MAX_PAGES:
            left = one_line(", ".join(str(source.id) for source in known[MAX_PAGES:]))
            notes.append(f"(No more than {MAX_PAGES} pages are opened at a time. Left: {left}.)")
            known = known[:MAX_PAGES]
        read = self._read([source.url for source in known if source.page is None], context)
        opened = [
            Opened(source)
            if source.page is not None
            else self._store(read[source.url], source.id, source.url, context)
            for source in known
        ]
        return self._show(opened, context, notes=notes)

    def _do_open(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        url = arguments["url"]
        if _BARE.match(url):
            url = f"https://{url}"
        read = self._read([url], context)[url]
        opened = self._store(read, None, url, context)
        return self._show([opened], context, arguments.get("line", 1))

    def _do_find(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        pages = self._pages(arguments.get("id"))
        pattern, budget = arguments["pattern"], self._page_budget(len(pages))
        texts, steps = [], []
        for source, page in pages:
            texts.append(found_text(source, page, pattern, budget, self._sources.number))
            steps.append(page_step(source, page, *self._shown.get(source.id, (1, 1))))
        step = self._step(context, {"kind": "find", "pattern": pattern, "pages": steps})
        return ToolResult("", "", "\n\n".join(texts), None, step)

    def _do_scroll(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        source, page = self._pages(arguments.get("id"))[-1]
        total = len(page.lines)
        first, last = self._shown.get(source.id, (1, 0))
        by = arguments.get("lines", 1)
        if "line" in arguments:
            target = min(arguments["line"], total)
        elif by > 0:
            target = (
                last + 1 + (by - 1) * (last - first + 1) if by <= MAX_SCROLL_PARTS else first + by
            )
        else:
            if first <= 1:
                raise ToolError(f"This is the beginning of the page [{source.id}].")
            target = first + by
            if -by <= MAX_SCROLL_PARTS:
                target = first
                for _ in range(-by):
                    target = first_line_before(source, page, target - 1, self._limits.window)
        if target > total:
            raise ToolError(f"The page [{source.id}] ends at line {total}; there is no more of it.")
        return self._show([Opened(source)], context, target)

    # -- shared steps ----------------------------------------------------------------------------

    def _read(self, urls: Sequence[str], context: ToolContext) -> dict[str, Page | ReadFailed]:
        """The page or the failure of each URL, read concurrently."""
        urls = list(dict.fromkeys(urls))
        if not urls:
            return {}
        one = f"reading {host_of(urls[0])}"
        context.progress(one if len(urls) == 1 else f"reading {len(urls)} pages")
        read = unless_stopped(lambda: self._reader.read(urls, context.cancel), context.cancel)
        return dict(zip(urls, read, strict=True))

    def _store(
        self, read: Page | ReadFailed, id: int | None, url: str, context: ToolContext
    ) -> Opened:
        """Stores a page as a source, and its screenshot and its document in the workspace."""
        if isinstance(read, ReadFailed):
            source = self._sources.get(self._sources.number(Link("", url)) if id is None else id)
            return Opened(source or Source(0, url, url), failed=str(read))
        document = self._documents.keep(context.workspace, read.document)
        if document is not None:
            read = replace(read, note=f"kept in the workspace as {document.name}")
        source = self._sources.keep(read, id, url)
        name = f"page-{source.id}"
        picture = read.screenshot and screenshot_file(context.workspace, name, read.screenshot)
        return Opened(source, picture=picture or None, document=document)

    def _show(
        self,
        opened: Sequence[Opened],
        context: ToolContext,
        line: int = 1,
        notes: Sequence[str] = (),
    ) -> ToolResult:
        """The result with the opened pages, from `line` on, and the failures."""
        texts: list[str] = []
        steps: list[dict[str, Any]] = []
        at_hand: list[int] = []
        for each in opened:
            source, page = each.source, each.source.page
            if page is None:
                texts.append(failed_text(source.id, source.url, each.failed))
                steps.append(failed_step(source.id, source.url, each.failed))
                continue
            first = min(max(line, 1), max(len(page.lines), 1))
            budget = self._page_budget(len(opened))
            shown = page_text(source, page, first, budget, self._sources.number)
            self._shown[source.id] = shown.first, shown.last
            at_hand.append(source.id)
            texts.append(shown.text)
            steps.append(page_step(source, page, shown.first, shown.last, each.picture))
        self._at_hand = at_hand or self._at_hand
        step = self._step(context, {"kind": "read", "pages": steps})
        failed = [f"{each.source.host}: {each.failed}" for each in opened if each.failed]
        return ToolResult(
            "",
            "",
            "\n\n".join([*texts, *(["\n".join(notes)] if notes else [])]),
            error=None if at_hand else one_line("; ".join(failed)),
            attachments=(*step, *_files(opened)),
        )

    def _pages(self, id: int | None) -> list[tuple[Source, Page]]:
        """The pages opened last, or the one with that number. Raises `ToolError`."""
        ids = self._at_hand if id is None else [id]
        sources = [source for each in ids if (source := self._sources.get(each)) is not None]
        pages = [(source, source.page) for source in sources if source.page is not None]
        if not pages:
            how = f"{EXAMPLES['mclick']} or {EXAMPLES['open_url']}"
            what = "No page is open" if id is None else f"[{id}] is no page that was opened"
            raise ToolError(f"{what}. Open one with {how}.")
        return pages

    def _page_budget(self, pages: int) -> int:
        return min(self._limits.window, self._limits.budget // max(pages, 1))

    def _step(self, context: ToolContext, step: Mapping[str, Any]) -> tuple[Attachment, ...]:
        self._steps += 1
        written = step_file(context.workspace, f"step-{self._steps}", step)
        return () if written is None else (written,)

    def _no_such(self, ids: Sequence[int]) -> str:
        numbers = ", ".join(f"[{id}]" for id in ids[:MAX_PAGES])
        if not len(self._sources):
            return f"There is no {numbers}: nothing was searched or opened yet. {HOW}"
        return f"There is no {numbers}: the numbers go from 0 to {len(self._sources) - 1}."


def _files(opened: Sequence[Opened]) -> list[Attachment]:
    return [file for each in opened for file in (each.picture, each.document) if file is not None]


# -- the tool's functions for the model ------------------------------------------------------------

_CITE = "Cite what you use as 【id†exact words of the page】."
_PART = "Pages come in parts, with numbered lines and links as 【id†text†host】."


def _native_spec(searched: str) -> ToolSpec:
    """The spec of the GLM-4 face; the bundled model's adapter was trained on its first line."""
    lines = [
        f"Read the web: {', '.join(EXAMPLES.values())}",
        f"search lists results with their ids; mclick opens up to 10 of them, or links, at once. "
        f"{_PART} scroll(1) shows the next part, scroll(-1) the one before, scroll(line=80) and "
        'open_url("https://...", line=80) begin at a line; find looks for words in the pages just '
        f"opened. One call at a time. {_CITE}",
    ]
    if not searched:
        lines.append("There is no search service here: only pages can be opened.")
    parameters = {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
    }
    return ToolSpec(NAME, "\n".join(lines), parameters, raw="input")


def _function_specs(searched: str) -> list[ToolSpec]:
    """The specs of the five functions, without `search` where no provider is set up."""
    text, number = {"type": "string"}, {"type": "integer"}
    search = _spec(
        "search",
        "Search the web. Results have ids, which mclick opens.",
        {
            "query": text | {"description": "what to look for, in a few words"},
            "recency_days": number | {"description": "only results of the last so many days"},
        },
        "query",
    )
    opening = [
        _spec(
            "mclick",
            f"Open up to 10 search results or links at once, by their ids. {_PART} {_CITE}",
            {"ids": {"type": "array", "items": number, "description": "for example [0, 2]"}},
            "ids",
        ),
        _spec(
            "open_url",
            f"Open the page at an address. {_PART} {_CITE}",
            {
                "url": text | {"description": "https://..."},
                "line": number | {"description": "the line to begin at, 1 if left out"},
            },
            "url",
        ),
        _spec(
            "find",
            "Find the lines that have some words, in the pages opened last.",
            {
                "pattern": text | {"description": "the words, as they stand in the page"},
                "id": number | {"description": "look in this page instead"},
            },
            "pattern",
        ),
        _spec(
            "scroll",
            "Show another part of the page opened last.",
            {
                "lines": number
                | {"description": "1 for the next part, -1 for the one before, 40 to go 40 lines"},
                "line": number | {"description": "the line to go to, in place of lines"},
                "id": number | {"description": "scroll this page instead"},
            },
        ),
    ]
    return [search, *opening] if searched else opening


def _spec(
    name: str, description: str, properties: Mapping[str, Mapping[str, Any]], *required: str
) -> ToolSpec:
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    parameters |= {"required": list(required)} if required else {}
    return ToolSpec(name, description, parameters | {"additionalProperties": False})
