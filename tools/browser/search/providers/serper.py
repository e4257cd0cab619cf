"""Serper, which queries Google: https://serper.dev"""

from __future__ import annotations

from typing import Any

from tools.browser.search.base import Result, make_result, span
from tools.browser.search.http import TIMEOUT_S, ask, listed

_SPANS = {"day": "qdr:d", "week": "qdr:w", "month": "qdr:m", "year": "qdr:y"}


class Serper:
    """Searches with an API key of Serper."""

    name = "serper"

    def __init__(
        self, key: str, base: str = "https://google.serper.dev", seconds: float = TIMEOUT_S
    ) -> None:
        self._key, self._base, self._seconds = key, base.rstrip("/"), seconds

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`; the service supports only days, weeks, months and years."""
        body: dict[str, Any] = {"q": query, "num": limit}
        if recency_days is not None and (within := span(recency_days)):
            body["tbs"] = _SPANS[within]
        answer = ask(
            "POST",
            f"{self._base}/search",
            headers={"X-API-KEY": self._key},
            body=body,
            secret=self._key,
            seconds=self._seconds,
        )
        found = _answers(answer) + [
            make_result(each.get("title"), each.get("link"), each.get("snippet"), each.get("date"))
            for each in listed(answer, "organic")
        ]
        return [each for each in found if each is not None][:limit]


def _answers(answer: Any) -> list[Result | None]:
    """The box with an answer and the one with facts, which stand above the results."""
    box, graph = (
        each if isinstance(each := answer.get(name), dict) else {}
        for name in ("answerBox", "knowledgeGraph")
    )
    said = box.get("answer") or box.get("snippet")
    link = graph.get("descriptionLink") or graph.get("website")
    return [
        make_result(box.get("title"), box.get("link"), said) if said else None,
        make_result(graph.get("title"), link, graph["description"])
        if graph.get("description")
        else None,
    ]
