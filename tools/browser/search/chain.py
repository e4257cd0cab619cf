"""The search chain: tries the providers of `GLM_SEARCH`, a list separated by commas, in order.

    searxng:https://search.example.org, brave, ddgs, local:/srv/handbook

The first provider with results answers. A failure is noted, and the next provider is tried. A
provider without its key or its folder is left out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tools.base import ToolCancelled
from tools.browser.search.base import Progress, Result, SearchFailed, SearchProvider
from tools.browser.search.local_folder import Folder
from tools.browser.search.local_index import LocalSearch
from tools.browser.search.providers.brave import Brave
from tools.browser.search.providers.ddgs import Ddgs
from tools.browser.search.providers.searxng import SearXNG
from tools.browser.search.providers.serper import Serper
from tools.browser.search.providers.tavily import Tavily
from tools.browser.search.providers.zhipu import Zhipu
from tools.text import one_line

DEFAULT: Final = "ddgs"
RETRY_INTERVAL_S = 60.0
"""Seconds until a provider that could not be reached is tried again."""
HANDBOOK_SHARE = 0.5
"""Share of the query's words that a page of the handbook must have. It is higher than for other
folders, since the handbook replaces the web without being asked for."""

BY_KEY: Mapping[str, Callable[[str], SearchProvider]] = {
    "brave": Brave,
    "tavily": Tavily,
    "zhipu": Zhipu,
    "serper": Serper,
}
NO_NETWORK = "There is no network here, so nothing can be searched."
FROM_HANDBOOK = "There is no network here: these are pages of this app's own handbook."


@dataclass(frozen=True)
class Found:
    """The results of a search; `notes` are complete sentences about it for model and user."""

    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    error: str | None = None
    """The failure in one line, where nothing could be searched at all."""


class Search(Protocol):
    """The search interface of the browser tool; `SearchChain` implements it."""

    @property
    def names(self) -> str: ...

    def search(
        self,
        query: str,
        recency_days: int | None,
        limit: int,
        progress: Progress,
        cancel: threading.Event,
    ) -> Found: ...


class SearchChain:
    """Tries `providers` in order, and `handbook` where all of them failed.

    `problems` has a sentence for each part of the setting that is not used. Thread-safe.
    """

    def __init__(
        self,
        providers: Sequence[SearchProvider],
        handbook: LocalSearch | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        self.providers, self.problems = tuple(providers), tuple(problems)
        self._handbook = handbook
        self._resting: dict[
            int, tuple[float, SearchFailed]
        ] = {}  # by index of provider: end of the pause, and the failure

    @property
    def names(self) -> str:
        """The names of the providers, separated by commas; empty without any."""
        return ", ".join(provider.name for provider in self.providers)

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The local folders whose pages may be opened."""
        local = [each for each in self.providers if isinstance(each, LocalSearch)]
        return tuple(each.folder for each in (*local, self._handbook) if each is not None)

    def search(
        self,
        query: str,
        recency_days: int | None,
        limit: int,
        progress: Progress = lambda _: None,
        cancel: threading.Event | None = None,
    ) -> Found:
        """Searches with the first provider that has results.

        Raises only `ToolCancelled`, when `cancel` is set between two providers.
        """
        cancel = cancel or threading.Event()
        failures: list[tuple[str, SearchFailed]] = []
        for index, provider in enumerate(self.providers):
            if cancel.is_set():
                raise ToolCancelled
            try:
                results = self._ask(index, provider, query, recency_days, limit, progress, cancel)
            except SearchFailed as error:
                failures.append((provider.name, error))
                continue
            if results:
                return Found(tuple(results[:limit]), _failure_notes(failures))
        if len(failures) < len(self.providers):
            return Found((), _nothing_found(query, failures))
        return self._without_web(query, limit, failures, progress, cancel)

    def close(self) -> None:
        """Closes the indexes. May be called twice."""
        for provider in (*self.providers, self._handbook):
            if isinstance(provider, LocalSearch):
                provider.close()

    def _ask(
        self,
        index: int,
        provider: SearchProvider,
        query: str,
        recency_days: int | None,
        limit: int,
        progress: Progress,
        cancel: threading.Event,
    ) -> list[Result]:
        until, why = self._resting.get(index, (0.0, None))
        if why is not None and time.monotonic() < until:
            raise why
        try:
            if isinstance(provider, LocalSearch):
                provider.prepare(progress, cancel)
            progress(f"searching {provider.name}")
            return provider.search(query, recency_days, limit)
        except SearchFailed as error:
            if error.offline:
                self._resting[index] = time.monotonic() + RETRY_INTERVAL_S, error
            raise

    def _without_web(
        self,
        query: str,
        limit: int,
        failures: Sequence[tuple[str, SearchFailed]],
        progress: Progress,
        cancel: threading.Event,
    ) -> Found:
        """The result where all providers failed: pages of the handbook, if any match."""
        offline = bool(failures) and all(error.offline for _, error in failures)
        if self._handbook is None:
            notes = _failure_notes(failures) or ("No search service is set up here.",)
            return Found((), (*notes, "Nothing could be searched."), notes[0])
        try:
            self._handbook.prepare(progress, cancel)
            results = self._handbook.search(query, None, limit)
        except SearchFailed:
            results = []
        why = () if offline else _failure_notes(failures)
        if results and offline:
            return Found(tuple(results), (FROM_HANDBOOK,), NO_NETWORK)
        if results:
            return Found(tuple(results), (*why, "These are pages of this app's own handbook."))
        notes = (NO_NETWORK,) if offline else (*why, "Nothing could be searched.")
        return Found((), notes, notes[0])


def _failure_notes(failures: Sequence[tuple[str, SearchFailed]]) -> tuple[str, ...]:
    return tuple(f"{name} could not be asked: {error}." for name, error in failures)


def _nothing_found(query: str, failures: Sequence[tuple[str, SearchFailed]]) -> tuple[str, ...]:
    """Notes on an empty result; none without failures, where the usual text is enough."""
    return (
        (f'No results for "{one_line(query, 200)}".', *_failure_notes(failures)) if failures else ()
    )


def choose_search(
    setting: str,
    keys: Mapping[str, str],
    handbook: Path | None = None,
    cache: Path | None = None,
) -> SearchChain:
    """The chain for `setting`; never raises, see `SearchChain.problems`.

    `keys` are API keys by the provider's name. `handbook` is the folder that replaces the default
    provider without a network. `cache` is the folder for indexes, None to keep them in memory.
    """
    parts = [part.strip() for part in (setting.strip() or DEFAULT).split(",") if part.strip()]
    providers: list[SearchProvider] = []
    problems: list[str] = []
    taken: set[str] = set()
    for part in parts:
        try:
            provider = _provider(part, keys, cache, taken)
        except ValueError as error:
            problems.append(str(error))
        else:
            providers.append(provider)
    own = None
    if handbook is not None and handbook.is_dir() and [part.lower() for part in parts] == [DEFAULT]:
        own = LocalSearch(Folder(handbook), cache, share=HANDBOOK_SHARE, dated=False)
    return SearchChain(providers, own, problems)


def _provider(
    part: str, keys: Mapping[str, str], cache: Path | None, taken: set[str]
) -> SearchProvider:
    """The provider of one part of the setting. Raises `ValueError` with a sentence for the user."""
    name, _, rest = part.partition(":")
    name, rest = name.strip().lower(), rest.strip()
    if name == "ddgs" and not rest:
        return Ddgs()
    if name in BY_KEY and not rest:
        if not (key := keys.get(name, "").strip()):
            raise ValueError(f"{name} needs a key, so it is not searched with.")
        return BY_KEY[name](key)
    if name == "searxng":
        if not rest.lower().startswith(("http://", "https://")):
            raise ValueError("searxng needs its address: searxng:https://host. It is not used.")
        return SearXNG(rest)
    if name == "local":
        root = Path(rest).expanduser()
        if not rest or not root.is_dir():
            shown = f"The folder {one_line(root.name, 60)}" if rest else "The folder of local:"
            raise ValueError(f"{shown} is not there, so it is not searched.")
        folder = Folder(root)
        number = 2
        while folder.name in taken:
            folder = Folder(root, f"{root.name}-{number}")
            number += 1
        taken.add(folder.name)
        return LocalSearch(folder, cache)
    known = ", ".join(("searxng:URL", *BY_KEY, "ddgs", "local:FOLDER"))
    raise ValueError(f"There is no search named {one_line(name, 40)}; there are {known}.")
