"""The interface between the search chain and its providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Literal, Protocol

from tools.text import one_line

MAX_URL_CHARS = 2_000  # longer ones are not addresses of pages

Progress = Callable[[str], None]
Span = Literal["day", "week", "month", "year"]


@dataclass(frozen=True)
class Result:
    """One search result. The texts are plain and on one line; `published` may be unknown."""

    title: str
    url: str
    snippet: str
    published: date | None = None


class SearchFailed(Exception):
    """A provider that could not search.

    The message is a clause ("it did not answer within 10 s") for the user and the model, without
    URLs and keys. `offline` means that the provider could not be reached at all, so that another
    request soon is useless.
    """

    def __init__(self, why: str, offline: bool = False) -> None:
        super().__init__(one_line(why, 200))
        self.offline = offline


class SearchProvider(Protocol):
    """A search service, or a local index."""

    @property
    def name(self) -> str:
        """The name in `GLM_SEARCH`, without URLs and folders."""

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """At most `limit` results, the best first.

        `recency_days` restricts them to the last so many days. Raises `SearchFailed`.
        """


def span(recency_days: int) -> Span | None:
    """The shortest usual time span that covers `recency_days`; None beyond a year."""
    spans: Sequence[tuple[int, Span]] = ((1, "day"), (7, "week"), (31, "month"), (366, "year"))
    return next((name for days, name in spans if recency_days <= days), None)


def since(recency_days: int) -> date:
    """The date `recency_days` before today."""
    return date.today() - timedelta(days=min(recency_days, 300_000))


def make_result(
    title: object, url: object, snippet: object, published: object = None
) -> Result | None:
    """A `Result` from a provider's fields; None without a valid web address."""
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        return None
    url = "".join(url.split())
    if len(url) > MAX_URL_CHARS:
        return None
    return Result(_words(title), url, _words(snippet), read_date(published))


def _words(text: object) -> str:
    """`text` without highlighting tags, and with entities decoded."""
    if not isinstance(text, str):
        return ""
    return one_line(
        unescape(re.sub(r"</?(?:b|strong|em|mark|span)\b[^>]{0,200}>", "", text)), 1_000
    )


def read_date(text: object) -> date | None:
    """A date in a provider's format: ISO, RFC 2822, "Jan 2, 2026", "3 days ago"; else None."""
    if not isinstance(text, str) or not text.strip() or len(text) > 60:
        return None
    text = text.strip()
    try:
        if found := re.match(r"(\d{4})-(\d\d?)-(\d\d?)", text):
            day = date(*map(int, found.groups()))
        elif re.match(r"\w{3}, \d", text):
            day = parsedate_to_datetime(text).date()
        else:
            parsed = _parsed(text)
            if parsed is None:
                return None
            day = parsed.date()
    except (ValueError, OverflowError, TypeError):
        return None
    return day if 1990 <= day.year <= date.today().year + 1 else None


def _parsed(text: str) -> datetime | None:
    import dateparser  # type: ignore[import-untyped]  # slow to import

    settings = {"REQUIRE_PARTS": ["day", "month", "year"], "PREFER_DATES_FROM": "past"}
    if re.search(r"\bago\b|前", text):
        settings = {"PREFER_DATES_FROM": "past"}
    parsed: datetime | None = dateparser.parse(text, languages=["en", "zh"], settings=settings)
    return parsed
