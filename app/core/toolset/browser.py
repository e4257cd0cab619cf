"""The browser of all sessions: one search chain and one web reader, configured by the settings.

The reader is created at its first use: Playwright and the HTML libraries take long to import, and
most conversations use no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.handbook import HANDBOOK
from app.core.settings import Settings
from tools.browser import BrowserTool, SearchChain, choose_search, open_browser
from tools.browser.base import Page, Reader, ReadFailed
from tools.browser.search.chain import BY_KEY

if TYPE_CHECKING:
    from tools.browser.reading.reader import Web


class BrowserFactory:
    """The search and the web reader that the browsers of all sessions share.

    `cache` is the folder of the search indexes. `problems` has a sentence for each invalid part
    of the settings, which is not used.
    """

    def __init__(self, settings: Settings, cache: Path) -> None:
        keys = {name: getattr(settings, f"{name}_key") for name in BY_KEY}
        self.search: SearchChain = choose_search(settings.search, keys, HANDBOOK, cache)
        self._allow, invalid = _allowed(settings.browser_allow)
        self.problems = (*self.search.problems, *invalid)
        self._opening = threading.Lock()
        self._web: Web | None = None

    def tool(self, window: Callable[[], int]) -> BrowserTool:
        """A conversation's browser. `window` returns the model's window in tokens, 0 if unknown."""
        return open_browser(self.search, _LazyReader(self._reader), window)

    def close(self) -> None:
        """Ends Chromium and closes the indexes."""
        with self._opening:
            web, self._web = self._web, None
        if web is not None:
            web.close()
        self.search.close()

    def _reader(self) -> Reader:
        from app.core.toolset.web_documents import lines
        from tools.browser.network.address_guard import AddressGuard
        from tools.browser.reading.chromium import Chromium
        from tools.browser.reading.reader import Web

        with self._opening:
            if self._web is None:
                self._web = Web(AddressGuard(self._allow), Chromium(), lines)
            return self._web.reader()


class _LazyReader:
    """A `Reader` that is opened at its first use."""

    def __init__(self, opened: Callable[[], Reader]) -> None:
        self._open = opened
        self._closed = False
        self._lock = threading.Lock()
        self._reader: Reader | None = None

    def expect(self, urls: Sequence[str]) -> None:
        # On a thread, since opening the reader imports Playwright, which takes long.
        threading.Thread(target=self._expect, args=(urls,), daemon=True).start()

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        reader = self._opened()
        if reader is None:
            return [ReadFailed("the conversation has ended") for _ in urls]
        return reader.read(urls, cancel)

    def _expect(self, urls: Sequence[str]) -> None:
        if (reader := self._opened()) is not None:
            reader.expect(urls)

    def _opened(self) -> Reader | None:
        with self._lock:
            if self._closed:
                return None
            self._reader = self._reader or self._open()
            return self._reader

    def close(self) -> None:
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _allowed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The valid entries of `GLM_BROWSER_ALLOW`, and a sentence for each other one."""
    from tools.browser.network.address_guard import opening

    allowed: list[str] = []
    problems: list[str] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            opening(entry)
        except ValueError as error:
            problems.append(f"GLM_BROWSER_ALLOW: {error} It is not used.")
        else:
            allowed.append(entry)
    return tuple(allowed), tuple(problems)
