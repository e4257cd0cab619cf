"""The numbered sources of one conversation: search results, links and pages.

All share one sequence of numbers, which stay valid. A page keeps the number of the result or the
link from which it was opened. A link gets its number when it is first shown, the same one on all
pages.

`cited` checks the quoted words of a citation.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link, Page
from tools.citations import Citation, claimed, find
from tools.text import one_line, quotable

MAX_STORED_CHARS = 20_000_000
"""Text of the pages that one conversation stores; above, the page read longest ago is dropped."""
MAX_LINE_CHARS = 800
"""Longest line; longer ones are divided, so that each part of a page has complete lines."""

_MAX_URL_CHARS = 2_000
MARKER = re.compile(f"{LINK_OPENS}(\\d+){LINK_CLOSES}")


@dataclass(frozen=True)
class Source:
    """A numbered source: a search result, a link, or a page that was read.

    `snippet` and `published` are those of a search result. `page` is None before it is read and
    after it was dropped; the model reads its lines with numbers in place of the link markers.
    """

    id: int
    url: str
    title: str
    snippet: str = ""
    published: date | None = None
    page: Page | None = None

    @property
    def host(self) -> str:
        """Host and port of the URL."""
        return host_of(self.url)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the page, else of the snippet, with links as their text."""
        if self.page is None:
            return (self.snippet,) if self.snippet else ()
        return tuple(plain(line, self.page.links) for line in self.page.lines)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    @property
    def read(self) -> bool:
        """Whether the page was read and is still stored."""
        return self.page is not None

    @property
    def where(self) -> str:
        """The host, and the time of reading."""
        read = f"read {self.page.read_at:%Y-%m-%d %H:%M} UTC" if self.page else "not read"
        return f"{self.host} · {read}"


class SourceStore:
    """The sources of one conversation. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: list[Source] = []
        self._by_url: dict[str, int] = {}
        self._read: list[int] = []  # IDs of the stored pages, the one read longest ago first

    def __len__(self) -> int:
        return len(self._sources)

    def get(self, id: int) -> Source | None:
        """The source with that number, or None."""
        with self._lock:
            return self._sources[id] if 0 <= id < len(self._sources) else None

    def sources(self) -> tuple[Source, ...]:
        """All sources, in the order of their numbers."""
        with self._lock:
            return tuple(self._sources)

    def add_result(self, title: str, url: str, snippet: str, published: date | None) -> Source:
        """Adds a search result, always with a new number."""
        with self._lock:
            return self._add(
                Source(0, url, one_line(quotable(title), 120) or host_of(url), snippet, published)
            )

    def number(self, link: Link) -> int:
        """The number of a link's URL, a new one where it has none."""
        with self._lock:
            known = self._by_url.get(link.url)
            if known is not None:
                return known
            title = one_line(quotable(link.text), 120) or host_of(link.url)
            return self._add(Source(0, link.url, title)).id

    def keep(self, page: Page, id: int | None = None, asked: str = "") -> Source:
        """Stores a page under the number from which it was opened.

        With `id` None it was opened by the URL `asked`. It then gets that URL's number, or a new
        one where that number already has a page with other text.
        """
        kept = readable(page)
        with self._lock:
            if id is None:
                known = self._by_url.get(asked or page.url)
                before = None if known is None else self._sources[known].page
                if known is not None and (before is None or before.lines == kept.lines):
                    id = known
            if id is None:
                id = self._add(Source(0, asked or page.url, kept.title)).id
            source = replace(self._sources[id], url=kept.url, title=kept.title, page=kept)
            self._sources[id] = source
            self._by_url.setdefault(kept.url, id)
            self._read = [*(each for each in self._read if each != id), id]
            self._drop_oldest()
            return source

    def _add(self, source: Source) -> Source:
        source = replace(source, id=len(self._sources))
        self._sources.append(source)
        self._by_url[source.url] = source.id
        return source

    def _drop_oldest(self) -> None:
        sizes = {id: _size(self._sources[id].page) for id in self._read}
        while len(self._read) > 1 and sum(sizes[id] for id in self._read) > MAX_STORED_CHARS:
            oldest = self._read.pop(0)
            self._sources[oldest] = replace(self._sources[oldest], page=None)


def host_of(url: str) -> str:
    """Host and port of a URL; the URL itself where it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return one_line(url, 80)
    return one_line(parts.netloc.rpartition("@")[2] or url, 80)


def plain(line: str, links: Sequence[Link]) -> str:
    """A line with its links as their text."""

    def words(found: re.Match[str]) -> str:
        index = int(found[1])
        return links[index].text if index < len(links) else ""

    return MARKER.sub(words, line)


def readable(page: Page) -> Page:
    """A page in its stored form: no empty or long lines, all text safe to quote."""
    whole = (line for text in page.lines for line in text.splitlines())
    lines = (quotable(line.expandtabs(4)).rstrip() for line in whole)
    return replace(
        page,
        url=page.url[:_MAX_URL_CHARS],
        title=one_line(quotable(page.title), 120) or host_of(page.url),
        lines=tuple(part for line in lines if line.strip() for part in _divided(line)),
        links=tuple(Link(one_line(quotable(link.text), 120), link.url) for link in page.links),
        note=one_line(quotable(page.note), 120),
        screenshot=None,
        document=None,
    )


def _divided(line: str) -> Iterable[str]:
    """A line in parts of at most `MAX_LINE_CHARS`, divided after sentences or at spaces."""
    while len(line) > MAX_LINE_CHARS:
        end = max(
            line.rfind(mark, MAX_LINE_CHARS // 2, MAX_LINE_CHARS - 1) + len(mark)
            for mark in (". ", "。", "! ", "? ", "；", "！", "？")
        )
        if end < MAX_LINE_CHARS // 2:
            end = line.rfind(" ", MAX_LINE_CHARS // 2, MAX_LINE_CHARS) + 1 or MAX_LINE_CHARS
        opened = line.rfind(LINK_OPENS, 0, end)
        if opened > 0 and LINK_CLOSES not in line[opened:end]:
            end = opened
        yield line[:end].rstrip()
        line = line[end:].lstrip()
    if line:
        yield line


def _size(page: Page | None) -> int:
    return 0 if page is None else sum(map(len, page.lines)) + sum(len(x.url) for x in page.links)


def cited(source: Source | None, words: str) -> Citation:
    """Checks whether the source's text contains the quoted words."""
    if source is None:
        return Citation(False)
    words = claimed(words)
    if not words:
        return Citation(source.read, source)
    spans = find(source.text, words)
    return Citation(bool(spans), source, spans)
