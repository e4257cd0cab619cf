"""Search without an API key, with the library ddgs, which queries public search engines."""

from __future__ import annotations

import logging
import threading
from queue import Empty, SimpleQueue
from typing import Any

from tools.browser.search.base import Result, SearchFailed, make_result, span

TIMEOUT_S = 8.0
"""Timeout of one search in seconds, all engines together."""

_SPANS = {"day": "d", "week": "w", "month": "m", "year": "y"}
_UNREACHED = ("DNSError", "dns error", "ConnectError", "ConnectionError", "error trying to connect")
_logger = logging.getLogger(__name__)


class Ddgs:
    """Searches with the engines in `backend`, by default all that ddgs supports."""

    name = "ddgs"

    def __init__(
        self, backend: str = "auto", proxy: str | None = None, seconds: float = TIMEOUT_S
    ) -> None:
        self._backend, self._proxy, self._seconds = backend, proxy, seconds

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`; the engines support only days, weeks, months and years."""
        within = span(recency_days) if recency_days is not None else None
        answers: SimpleQueue[list[dict[str, Any]] | Exception] = SimpleQueue()

        def work() -> None:
            try:
                answers.put(self._ask(query, within and _SPANS[within], limit))
            except Exception as error:  # noqa: BLE001 - told apart where it is read
                answers.put(error)

        # The library queries the engines one after the other, with a timeout for each engine.
        threading.Thread(target=work, name="ddgs", daemon=True).start()
        try:
            answer = answers.get(timeout=self._seconds)
        except Empty:
            why = f"no search engine answered within {self._seconds:g} s"
            raise SearchFailed(why, offline=True) from None
        if isinstance(answer, Exception):
            return _interpret_error(answer)
        found = [
            make_result(each.get("title"), each.get("href"), each.get("body")) for each in answer
        ]
        return [each for each in found if each is not None][:limit]

    def _ask(self, query: str, timelimit: str | None, limit: int) -> list[dict[str, Any]]:
        from ddgs import DDGS

        timeout = max(1, int(self._seconds / 2))
        found: list[dict[str, Any]] = DDGS(proxy=self._proxy, timeout=timeout).text(
            query, timelimit=timelimit, max_results=limit, backend=self._backend
        )
        return found


def _interpret_error(error: Exception) -> list[Result]:
    """An empty result for "nothing found"; raises `SearchFailed` for all other exceptions."""
    from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

    message = str(error)
    if isinstance(error, DDGSException) and message == "No results found.":
        return []
    _logger.info("ddgs failed.", exc_info=error)
    if isinstance(error, RatelimitException):
        raise SearchFailed("it has had too many requests") from None
    if isinstance(error, TimeoutException):
        raise SearchFailed("no search engine answered in time") from None
    if any(sign in message for sign in _UNREACHED):
        raise SearchFailed("no search engine can be reached", offline=True) from None
    raise SearchFailed("no search engine gave an answer that can be read") from None
