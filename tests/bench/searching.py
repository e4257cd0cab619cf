"""Searching: the first search of a session, and a local index of 1,000 pages.

The pages are those of Debian's python3-doc and sqlite3-doc. The first search asks a SearXNG on
loopback that finds pages of the web, so that Chromium is started for them: counted is what of it
was started by the time the search returned, and how long it took beside that start. A query is
one of 100 titles of pages, as it stands without the name of the site, each of one page alone; the
right page should be among the first three results.
"""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from app.core.settings import Settings
from app.core.toolset.browser import BrowserFactory
from tests.bench.documentation import MISSING, files, path_of
from tests.bench.figures import Figure, at_least, at_most, spread
from tests.support.browser_parts import ask
from tests.support.loopback_web import Answer, Site
from tools.browser.search.local_folder import Folder, document
from tools.browser.search.local_index import LocalSearch

PAGES, TITLES, FIRST, SESSIONS = 1_000, 100, 3, 5
QUERY, FOUND = 30.0, 95.0
LONGEST_WAIT = 60.0
FOUND_ON_THE_WEB = b'{"results": [{"title": "A page", "url": "https://page.example/"}]}'


def measure() -> list[Figure]:
    figures = _first_search()
    if not files():
        return [*figures, Figure("local index", MISSING)]
    with tempfile.TemporaryDirectory() as folder:
        return figures + _local(Path(folder))


def _first_search() -> list[Figure]:
    with Site() as site, tempfile.TemporaryDirectory() as folder:
        site.pages["/search"] = Answer(FOUND_ON_THE_WEB, type="application/json")
        runs = [_fresh(site.url, Path(folder, str(run))) for run in range(SESSIONS)]
    searches, started, starts = zip(*runs, strict=True)
    return [
        Figure("Chromium started by the first search", f"{max(started)} processes", "0",
               not any(started)),
        Figure("  the search took", spread(searches, "s", 3)),
        Figure("  Chromium was there after", spread(starts, "s")),
    ]  # fmt: skip


def _fresh(url: str, folder: Path) -> tuple[float, int, float]:
    """Seconds of a first search, processes of Chromium when it returned, seconds until they were
    there."""
    folder.mkdir()
    others = _chromium()
    browsing = BrowserFactory(Settings(search=f"searxng:{url}"), folder / "cache")
    try:
        tool = browsing.tool(lambda: 0)
        began = time.monotonic()
        result = ask(tool, 'search("pages")', folder)
        took, started = time.monotonic() - began, len(_chromium() - others)
        if "A page" not in result.text:
            raise RuntimeError(result.text)
        while not _chromium() - others:
            if time.monotonic() > began + LONGEST_WAIT:
                raise RuntimeError("Chromium was not started after a search")
            time.sleep(0.01)
        there = time.monotonic() - began
        tool.close()
    finally:
        browsing.close()
    return took, started, there


def _chromium() -> set[psutil.Process]:
    """Processes of this one in which Chromium draws pages: they are there when it is ready."""
    found: set[psutil.Process] = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=zygote" in process.cmdline():
                found.add(process)
    return found


def _local(folder: Path) -> list[Figure]:
    chance = random.Random(4)
    for file in chance.sample(files(), PAGES):
        copy = folder / "pages" / path_of(file)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    local = LocalSearch(Folder(folder / "pages"), folder / "index")
    began = time.monotonic()
    local.prepare(lambda _: None, threading.Event())
    built = time.monotonic() - began
    times: list[float] = []
    right = 0
    for title, address in chance.sample(_titles(local.folder), TITLES):
        began = time.monotonic()
        found = local.search(title, None, 10)
        times.append((time.monotonic() - began) * 1000)
        right += address in [each.url for each in found[:FIRST]]
    local.close()
    return [
        Figure("local index, built", f"{PAGES / built:.0f} files/s"),
        at_most(f"query over {PAGES:,} pages, median", statistics.median(times), QUERY, "ms", 1),
        Figure("  runs", spread(times, "ms", 1)),
        at_least(f"right page among the first {FIRST}", 100 * right / TITLES, FOUND, "%", 0),
    ]


def _titles(folder: Folder) -> list[tuple[str, str]]:
    """Titles that one page alone has, with its address."""
    found = {
        folder.address(path): re.split(r" [—-] (?=Python|SQLite)", title)[0]
        for path in folder.files().files
        if (title := document(path, folder.read(path)).title)
    }
    alone = {title for title, count in Counter(found.values()).items() if count == 1}
    return [(title, address) for address, title in found.items() if title in alone]
