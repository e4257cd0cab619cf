"""What one conversation has found and read, under numbers that stay valid.

Results, pages and links share one running sequence. A page has the number of the result or the
link that it was opened from. A link has one number wherever it stands, given when it is shown.

`cited` tells whether the words of a citation stand in what was read.
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

MAX_CHARS = 20_000_000
"""Text of pages that one conversation keeps; beyond, the page read longest ago gives way."""
MAX_LINE_CHARS = 800
"""Characters of one line; longer ones are broken, so that a window never holds half a line."""

_MAX_URL_CHARS = 2_000
MARKER = re.compile(f"{LINK_OPENS}(\\d+){LINK_CLOSES}")


@dataclass(frozen=True)
class Source:
    """One number's meaning: a result, a link, or a page that was read.

    `snippet` and `published` are those of a search result. `page` is None until it is read, and
    again when it had to give way; its lines are what the model reads, but for the numbers of
    links.
    """

    id: int
    url: str
    title: str
    snippet: str = ""
    published: date | None = None
    page: Page | None = None

    @property
    def host(self) -> str:
        """The address's host, with a port where it has one."""
        return host_of(self.url)

    @property
    def lines(self) -> tuple[str, ...]:
        """The text at hand as a person reads it, links by their words: the page's, else the
        snippet's."""
        if self.page is None:
            return (self.snippet,) if self.snippet else ()
        return tuple(plain(line, self.page.links) for line in self.page.lines)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    @property
    def read(self) -> bool:
        """Whether the page was read, and is still kept."""
        return self.page is not None

    @property
    def where(self) -> str:
        """The host, and when it was read."""
        read = f"read {self.page.read_at:%Y-%m-%d %H:%M} UTC" if self.page else "not read"
        return f"{self.host} · {read}"


class SourceStore:
    """The sources of one conversation. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: list[Source] = []
        self._by_url: dict[str, int] = {}
        self._read: list[int] = []  # the pages that are kept, the one read longest ago first

    def __len__(self) -> int:
        return len(self._sources)

    def get(self, id: int) -> Source | None:
        """What stands under that number."""
        with self._lock:
            return self._sources[id] if 0 <= id < len(self._sources) else None

    def sources(self) -> tuple[Source, ...]:
        """Everything, by number."""
        with self._lock:
            return tuple(self._sources)

    def add_result(self, title: str, url: str, snippet: str, published: date | None) -> Source:
        """A search result, under a number of its own: two results are never the same one."""
        with self._lock:
            return self._add(
                Source(0, url, one_line(quotable(title), 120) or host_of(url), snippet, published)
            )

    def number(self, link: Link) -> int:
        """The number of a link's address, a new one where it has none."""
        with self._lock:
            known = self._by_url.get(link.url)
            if known is not None:
                return known
            title = one_line(quotable(link.text), 120) or host_of(link.url)
            return self._add(Source(0, link.url, title)).id

    def keep(self, page: Page, id: int | None = None, asked: str = "") -> Source:
        """A page that was read, under the number it was opened by.

        With none it was opened by the address `asked`; it takes the number that this has, unless
        another text was read there: then both are kept.
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
            self._make_room()
            return source

    def _add(self, source: Source) -> Source:
        source = replace(source, id=len(self._sources))
        self._sources.append(source)
        self._by_url[source.url] = source.id
        return source

    def _make_room(self) -> None:
        sizes = {id: _size(self._sources[id].page) for id in self._read}
        while len(self._read) > 1 and sum(sizes[id] for id in self._read) > MAX_CHARS:
            oldest = self._read.pop(0)
            self._sources[oldest] = replace(self._sources[oldest], page=None)


def host_of(url: str) -> str:
    """The host and port of an address; the address itself where it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return one_line(url, 80)
    return one_line(parts.netloc.rpartition("@")[2] or url, 80)


def plain(line: str, links: Sequence[Link]) -> str:
    """A line with its links as their words."""

    def words(found: re.Match[str]) -> str:
        index = int(found[1])
        return links[index].text if index < len(links) else ""

    return MARKER.sub(words, line)


def readable(page: Page) -> Page:
    """A page as it is kept: lines that hold something, none too long, all safe to quote."""
    whole = (line for text in page.lines for line in text.splitlines())
    lines = (quotable(line.expandtabs(4)).rstrip() for line in whole)
    return replace(
        page,
        url=page.url[:_MAX_URL_CHARS],
        title=one_line(quotable(page.title), 120) or host_of(page.url),
        lines=tuple(part for line in lines if line.strip() for part in _broken(line)),
        links=tuple(Link(one_line(quotable(link.text), 120), link.url) for link in page.links),
        note=one_line(quotable(page.note), 120),
        screenshot=None,
        document=None,
    )


def _broken(line: str) -> Iterable[str]:
    """A line in parts of at most `MAX_LINE_CHARS`, broken after a sentence or at a blank."""
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
    """Looks for the words in the source's lines."""
    if source is None:
        return Citation(False)
    words = claimed(words)
    if not words:
        return Citation(source.read, source)
    spans = find(source.text, words)
    return Citation(bool(spans), source, spans)
