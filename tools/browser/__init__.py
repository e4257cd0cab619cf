"""A browser with which the model searches and reads the web.

chain = choose_search(setting, keys, handbook, cache)     # one for the process
tool = open_browser(chain, reader, context)               # one for each conversation
"""

from __future__ import annotations

from collections.abc import Callable

from tools.browser.base import Reader
from tools.browser.model_view import BrowserLimits
from tools.browser.reading.local_reader import EveryReader, LocalReader
from tools.browser.search.chain import SearchChain, choose_search
from tools.browser.sources import Source
from tools.browser.tool import BrowserTool
from tools.citations import Citation

__all__ = [
    "BrowserLimits",
    "BrowserTool",
    "Citation",
    "SearchChain",
    "Source",
    "choose_search",
    "open_browser",
]


def open_browser(
    search: SearchChain, web: Reader, context: int | Callable[[], int] = 0
) -> BrowserTool:
    """The browser of one conversation.

    `web` reads its web pages and is closed with it; pages of the chain's local folders are read
    without it. `context` is the model's context window in tokens, 0 if unknown; a function is
    called at each use, for models that are loaded later.
    """
    reader = EveryReader(LocalReader(search.folders), web)
    window = context if callable(context) else lambda: context
    return BrowserTool(search, reader, lambda: BrowserLimits.for_context(window()))
