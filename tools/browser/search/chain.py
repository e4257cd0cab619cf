"""Which providers are asked, and in which order: `GLM_SEARCH`, a list separated by commas.

    searxng:https://search.example.org, brave, ddgs, local:/srv/handbook

The first that finds something answers; one that fails says so, and the next is asked. A provider
that can't be used, for want of a key or of its folder, is not offered.
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
RESTS = 60.0
"""Seconds in which a provider that could not be reached is not asked again."""
HANDBOOK_SHARE = 0.5
"""How much of a query a page of the handbook must have: it stands in for the web, where nobody
asked for it."""

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
    """What a search brought, and whole sentences on how, for the model and the user."""

    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    error: str | None = None
    """The same trouble in one line, where nothing could be searched at all."""


class Search(Protocol):
    """What the tool searches with; `SearchChain` is one."""

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
    """Asks `providers` in their order, and `handbook` where none of them could be asked.

    `problems` has a sentence for each part of the setting that is not used. Safe to use from
    several threads.
    """

    def __init__(
        self,
        providers: Sequence[SearchProvider],
        handbook: LocalSearch | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        self.providers, self.problems = tuple(providers), tuple(problems)
        self._handbook = handbook
        self._resting: dict[int, tuple[float, SearchFailed]] = {}  # by place: until when, and why

    @property
    def names(self) -> str:
        """What is asked, in words; empty where nothing is."""
        return ", ".join(provider.name for provider in self.providers)

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders whose pages may be opened."""
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
        """Never raises but `ToolCancelled`, when `cancel` is set between two providers."""
        cancel = cancel or threading.Event()
        failures: list[tuple[str, SearchFailed]] = []
        for place, provider in enumerate(self.providers):
            if cancel.is_set():
                raise ToolCancelled
            try:
                results = self._ask(place, provider, query, recency_days, limit, progress, cancel)
            except SearchFailed as error:
                failures.append((provider.name, error))
                continue
            if results:
                return Found(tuple(results[:limit]), _said(failures))
        if len(failures) < len(self.providers):
            return Found((), _nothing_found(query, failures))
        return self._without_web(query, limit, failures, progress, cancel)

    def close(self) -> None:
        """Lets go of the indexes. May be called twice."""
        for provider in (*self.providers, self._handbook):
            if isinstance(provider, LocalSearch):
                provider.close()

    def _ask(
        self,
        place: int,
        provider: SearchProvider,
        query: str,
        recency_days: int | None,
        limit: int,
        progress: Progress,
        cancel: threading.Event,
    ) -> list[Result]:
        until, why = self._resting.get(place, (0.0, None))
        if why is not None and time.monotonic() < until:
            raise why
        try:
            if isinstance(provider, LocalSearch):
                provider.prepare(progress, cancel)
            progress(f"searching {provider.name}")
            return provider.search(query, recency_days, limit)
        except SearchFailed as error:
            if error.offline:
                self._resting[place] = time.monotonic() + RESTS, error
            raise

    def _without_web(
        self,
        query: str,
        limit: int,
        failures: Sequence[tuple[str, SearchFailed]],
        progress: Progress,
        cancel: threading.Event,
    ) -> Found:
        """What there is where nothing could be asked: the handbook's pages on that, if any."""
        offline = bool(failures) and all(error.offline for _, error in failures)
        if self._handbook is None:
            notes = _said(failures) or ("No search service is set up here.",)
            return Found((), (*notes, "Nothing could be searched."), notes[0])
        try:
            self._handbook.prepare(progress, cancel)
            results = self._handbook.search(query, None, limit)
        except SearchFailed:
            results = []
        why = () if offline else _said(failures)
        if results and offline:
            return Found(tuple(results), (FROM_HANDBOOK,))
        if results:
            return Found(tuple(results), (*why, "These are pages of this app's own handbook."))
        notes = (NO_NETWORK,) if offline else (*why, "Nothing could be searched.")
        return Found((), notes, notes[0])


def _said(failures: Sequence[tuple[str, SearchFailed]]) -> tuple[str, ...]:
    return tuple(f"{name} could not be asked: {error}." for name, error in failures)


def _nothing_found(query: str, failures: Sequence[tuple[str, SearchFailed]]) -> tuple[str, ...]:
    """Nothing to add where all were asked: the model is told in the usual words."""
    return (f'No results for "{one_line(query, 200)}".', *_said(failures)) if failures else ()


def choose_search(
    setting: str,
    keys: Mapping[str, str],
    handbook: Path | None = None,
    cache: Path | None = None,
) -> SearchChain:
    """The chain that `setting` asks for; never raises, see `SearchChain.problems`.

    `keys` are the services' keys by their names, `handbook` the folder that stands in for the
    default without a network, `cache` where indexes are kept.
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
    """One part of the setting. Raises `ValueError` with a sentence for the user."""
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
