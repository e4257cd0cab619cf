"""Brave Search: https://api-dashboard.search.brave.com/app/documentation/web-search"""

from __future__ import annotations

from datetime import date

from tools.browser.search.base import Result, make_result, since
from tools.browser.search.http import TIMEOUT_S, ask, listed

_MAX_RESULTS = 20  # of one request
_MAX_QUERY_CHARS = 400


class Brave:
    """Searches with an API key of Brave."""

    name = "brave"

    def __init__(
        self, key: str, base: str = "https://api.search.brave.com", seconds: float = TIMEOUT_S
    ) -> None:
        self._key, self._base, self._seconds = key, base.rstrip("/"), seconds

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`."""
        params = {
            "q": query[:_MAX_QUERY_CHARS],
            "count": str(min(limit, _MAX_RESULTS)),
            "text_decorations": "false",
            "result_filter": "web",
        }
        if recency_days is not None:
            params["freshness"] = f"{since(recency_days)}to{date.today()}"
        answer = ask(
            "GET",
            f"{self._base}/res/v1/web/search",
            headers={"X-Subscription-Token": self._key, "Accept": "application/json"},
            params=params,
            secret=self._key,
            seconds=self._seconds,
        )
        found = [
            make_result(
                each.get("title"), each.get("url"), each.get("description"), each.get("page_age")
            )
            for each in listed(answer, "web", "results")
        ]
        return [each for each in found if each is not None][:limit]
