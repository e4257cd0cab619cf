"""The text of search results and pages for the model, within a token budget.

The bundled model's adapter was trained on these formats: a change requires a new training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.browser.base import Link, Page
from tools.browser.sources import MARKER, Source, host_of, plain
from tools.citations import comparable
from tools.text import one_line, quotable

_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_MAX_SNIPPET_CHARS = 300
_MAX_LINK_CHARS = 80

Numbering = Callable[[Link], int]


@dataclass(frozen=True)
class BrowserLimits:
    """Limits of what the model reads.

    `window` is the token budget of one page's part, `budget` that of one call's whole result;
    `results` is the number of search results.
    """

    window: int = 1_500
    budget: int = 15_000
    results: int = 10

    @classmethod
    def for_context(cls, context: int) -> BrowserLimits:
        """The limits for a context window of `context` tokens, 0 if unknown.

        They leave room for several calls beside the conversation and the answer.
        """
        budget = max(400, min(15_000, (context or 32_768) // 6))
        return cls(min(1_500, budget), budget, max(3, min(10, budget // 200)))


@dataclass(frozen=True)
class Shown:
    """The text of a page's lines from number `first` to `last`, counted from 1."""

    text: str
    first: int
    last: int


def tokens(text: str) -> int:
    """Estimated tokens of a text: 4 characters each, 1.5 in Chinese, Japanese and Korean."""
    wide = len(_WIDE.findall(text))
    return int((len(text) - wide) / 4 + wide / 1.5) + 1


def search_text(query: str, results: Sequence[Source], notes: Sequence[str]) -> str:
    """Search results with their numbers; `notes` are sentences about the search."""
    lines = [f'Results for "{one_line(quotable(query), 200)}":'] if results else list[str]()
    for each in results:
        day = f" · {each.published.isoformat()}" if each.published else ""
        lines += [f"[{each.id}] {each.title}", f"{each.host}{day}"]
        if each.snippet:
            lines.append(each.snippet)
    if not results and not notes:
        lines.append(f'No results for "{one_line(quotable(query), 200)}".')
    return "\n".join([*lines, *notes])


def snippet(text: str) -> str:
    """The text of a search result, on one line and shortened."""
    return one_line(quotable(text), _MAX_SNIPPET_CHARS)


def page_text(
    source: Source, page: Page, first: int, budget_tokens: int, number: Numbering
) -> Shown:
    """The lines from `first` on that fit into `budget_tokens`, but at least one."""
    last, left = first - 1, budget_tokens - tokens(source.title + page.url) - 12
    for line in page.lines[first - 1 :]:
        left -= tokens(_numbered(line, page, lambda _: 1000)) + 2
        if left < 0 and last >= first:
            break
        last += 1
    where = f"lines {first}-{last} of {len(page.lines)}" if page.lines else "no text"
    shown = [
        f"{line}: {_numbered(page.lines[line - 1], page, number)}"
        for line in range(first, last + 1)
    ]
    return Shown("\n".join([*_head(source, page, where), *shown]), first, last)


def first_line_before(source: Source, page: Page, last: int, budget_tokens: int) -> int:
    """The first line of the part that ends with line `last` and fits into `budget_tokens`."""
    first, left = last + 1, budget_tokens - tokens(source.title + page.url) - 12
    while first > 1:
        left -= tokens(_numbered(page.lines[first - 2], page, lambda _: 1000)) + 2
        if left < 0 and first <= last:
            break
        first -= 1
    return max(first, 1)


def found_text(
    source: Source, page: Page, pattern: str, budget_tokens: int, number: Numbering
) -> str:
    """The lines that contain `pattern`; without any, those that contain all of its words."""
    lines = [comparable(plain(line, page.links)) for line in page.lines]
    wanted = comparable(pattern)
    matching = [index for index, line in enumerate(lines) if wanted and wanted in line]
    if not matching and (words := [_beginning(word) for word in map(comparable, pattern.split())]):
        matching = [
            index for index, line in enumerate(lines) if all(word.search(line) for word in words)
        ]
    quoted = f'"{one_line(quotable(pattern), 80)}"'
    total = f"{len(lines)} line{'' if len(lines) == 1 else 's'}"
    if not matching:
        return "\n".join(_head(source, page, f"none of {total} has {quoted}"))
    have = "has" if len(matching) == 1 else "have"
    count = f"{len(matching)} line{'' if len(matching) == 1 else 's'}"
    shown = _head(source, page, f"{count} of {len(lines)} {have} {quoted}")
    left = budget_tokens
    for done, index in enumerate(matching):
        left -= tokens(_numbered(page.lines[index], page, lambda _: 1000)) + 2
        if left < 0 and done:
            shown.append(f"({len(matching) - done} more; look for longer words)")
            break
        shown.append(f"{index + 1}: {_numbered(page.lines[index], page, number)}")
    return "\n".join(shown)


def _beginning(word: str) -> re.Pattern[str]:
    """A pattern for words that begin with `word`; Chinese text has no word boundaries."""
    edge = "" if _WIDE.match(word) else f"(?<![^\\W{_WIDE.pattern[1:-1]}])"
    return re.compile(edge + re.escape(word))


def failed_text(id: int, url: str, why: str) -> str:
    """The line about a page that could not be read."""
    return f"[{id}] {quotable(url)} · could not be read: {one_line(quotable(why), 200)}"


def _head(source: Source, page: Page, where: str) -> list[str]:
    parts = [quotable(page.url), str(page.status), where, *([page.note] if page.note else [])]
    if not where.startswith(("lines", "no text")):
        del parts[1]
    return [f"[{source.id}] {source.title}", " · ".join(parts)]


def _numbered(line: str, page: Page, number: Numbering) -> str:
    """A line with its links as 【id†text†host】."""

    def shown(found: re.Match[str]) -> str:
        index = int(found[1])
        if index >= len(page.links):
            return ""
        link = page.links[index]
        words = one_line(link.text.replace("†", " "), _MAX_LINK_CHARS) or "link"
        return f"【{number(link)}†{words}†{host_of(link.url)}】"

    return MARKER.sub(shown, line)
