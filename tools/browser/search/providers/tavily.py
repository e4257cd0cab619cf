"""Tavily: https://docs.tavily.com/documentation/api-reference/endpoint/search"""

from __future__ import annotations

from typing import Any

from tools.browser.search.base import Result, make_result, since
from tools.browser.search.http import TIMEOUT_S, ask, listed

_MAX_RESULTS = 20  # of one request


class Tavily:
    """Searches with an API key of Tavily."""

    name = "tavily"

    def __init__(
        self, key: str, base: str = "https://api.tavily.com", seconds: float = TIMEOUT_S
    ) -> None:
        self._key, self._base, self._seconds = key, base.rstrip("/"), seconds

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`."""
        body: dict[str, Any] = {"query": query, "max_results": min(limit, _MAX_RESULTS)}
        if recency_days is not None:
            body["start_date"] = since(recency_days).isoformat()
        answer = ask(
            "POST",
            f"{self._base}/search",
            headers={"Authorization": f"Bearer {self._key}"},
            body=body,
            secret=self._key,
            seconds=self._seconds,
        )
        found = [
            make_result(
                each.get("title"), each.get("url"), each.get("content"), each.get("published_date")
            )
            for each in listed(answer, "results")
        ]
        return [each for each in found if each is not None][:limit]
