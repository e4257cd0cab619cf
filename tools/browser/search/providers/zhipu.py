"""Zhipu's web search: https://docs.bigmodel.cn/api-reference/工具-api/网络搜索"""

from __future__ import annotations

from tools.browser.search.base import Result, make_result, span
from tools.browser.search.http import TIMEOUT_S, ask, listed

_MAX_RESULTS = 50  # of one request
_MAX_QUERY_CHARS = 70  # as the documentation recommends
_SPANS = {"day": "oneDay", "week": "oneWeek", "month": "oneMonth", "year": "oneYear"}


class Zhipu:
    """Searches with an API key of open.bigmodel.cn, which also hosts GLM models."""

    name = "zhipu"

    def __init__(
        self,
        key: str,
        base: str = "https://open.bigmodel.cn",
        engine: str = "search_std",
        seconds: float = TIMEOUT_S,
    ) -> None:
        self._key, self._base, self._seconds = key, base.rstrip("/"), seconds
        self._engine = engine

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`; the service supports only days, weeks, months and years."""
        within = span(recency_days) if recency_days is not None else None
        answer = ask(
            "POST",
            f"{self._base}/api/paas/v4/web_search",
            headers={"Authorization": f"Bearer {self._key}"},
            body={
                "search_engine": self._engine,
                "search_query": query[:_MAX_QUERY_CHARS],
                "search_intent": False,
                "count": min(limit, _MAX_RESULTS),
                "search_recency_filter": _SPANS[within] if within else "noLimit",
            },
            secret=self._key,
            seconds=self._seconds,
        )
        found = [
            make_result(
                each.get("title"), each.get("link"), each.get("content"), each.get("publish_date")
            )
            for each in listed(answer, "search_result")
        ]
        return [each for each in found if each is not None][:limit]
