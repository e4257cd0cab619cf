"""A SearXNG server, private or of a company: https://docs.searxng.org/dev/search_api.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tools.browser.search.base import Result, SearchFailed, make_result, span
from tools.browser.search.http import TIMEOUT_S, ask, listed

MAX_FACTS = 12
"""Facts of a box that are read."""


class SearXNG:
    """Searches with the server at `url`, whose settings must allow the format `json`."""

    name = "searxng"

    def __init__(self, url: str, seconds: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/").removesuffix("/search") + "/search"
        self._seconds = seconds

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`; the server supports only days, weeks, months and years."""
        params = {"q": query, "format": "json"}
        if recency_days is not None and (within := span(recency_days)):
            params["time_range"] = within
        try:
            answer = ask("GET", self._url, params=params, seconds=self._seconds)
        except SearchFailed as error:
            if str(error).startswith("it refuses"):
                raise SearchFailed(
                    "it refuses the request (its settings must list json under search: formats:)"
                ) from None
            raise
        found = [*self._answers(answer, query)] + [
            make_result(
                each.get("title"), each.get("url"), each.get("content"), each.get("publishedDate")
            )
            for each in listed(answer, "results")
        ]
        results = [each for each in found if each is not None][:limit]
        if not results and (unresponsive := answer.get("unresponsive_engines")):
            raise SearchFailed(f"{len(unresponsive)} of its search engines did not answer")
        return results

    def _answers(self, answer: Any, query: str) -> Iterator[Result | None]:
        """What the server answers itself, above its results: texts, and boxes of facts."""
        page = f"{self._url}?{urlencode({'q': query})}"
        texts = answer.get("answers") if isinstance(answer, dict) else None
        for each in texts if isinstance(texts, list) else ():
            if isinstance(each, str):  # before 2025
                yield make_result("Answer", page, each)
            elif isinstance(each, dict) and each.get("answer"):
                yield make_result("Answer", each.get("url") or page, each["answer"])
        for box in listed(answer, "infoboxes"):
            links = [link.get("url") for link in listed(box, "urls")]
            facts = [
                f"{each.get('label')}: {each.get('value')}" for each in listed(box, "attributes")
            ]
            text = "; ".join(filter(None, (str(box.get("content") or ""), *facts[:MAX_FACTS])))
            if text:
                yield make_result(box.get("infobox"), next(filter(None, links), page), text)
