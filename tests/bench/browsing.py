"""Reading the web: pages of Debian's python3-doc and sqlite3-doc, from a server on loopback.

A page is timed as the model waits for it, from the call of the tool to its result, with Chromium
and all else started. "Ten at once" is one `mclick` of ten pages over the same ten opened one after
another, each way in a session of its own; the share is the median of the pairs' shares. Plain
pages that cost no time on the way are nothing but work: on two cores that share can't be less
than 0.5. The same from a server that answers 0.2 s later, as one on another continent does, and
with pages that a script writes, is what `mclick` is for.

Memory is the proportional share (PSS) of all processes that were started to read pages, and what
this one has grown by, when each session has read a plain and a written page.
"""

from __future__ import annotations

import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.documentation import LATENCY, MISSING, files, sample, served
from tests.bench.figures import Figure, at_most, spread
from tests.support.browser_parts import Lists, ask
from tools.browser import BrowserTool
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading.chromium import Chromium, executable
from tools.browser.reading.reader import Web
from tools.browser.search.base import Result

PAGES, AT_ONCE, PAIRS, SESSIONS = 20, 10, 3, 10
PLAIN, WRITTEN, SHARE = 0.25, 1.0, 0.4


def measure() -> list[Figure]:
    if not files():
        return [Figure("reading the web", MISSING)]
    if executable() is None:
        return [Figure("reading the web", "Chromium is not installed")]
    with served() as address, tempfile.TemporaryDirectory() as folder:
        others = set(psutil.Process().children(recursive=True))
        web = Web(AddressGuard(allow=(address,)), Chromium(), seconds=60)
        try:
            figures = _opened(web, address, Path(folder))
            figures += _at_once(web, address, Path(folder))
        finally:
            web.close()
        own = psutil.Process().memory_full_info().uss
        web = Web(AddressGuard(allow=(address,)), Chromium(), seconds=60)
        try:
            held = _sessions(web, address, Path(folder), others, own)
        finally:
            web.close()
    return [
        *figures,
        Figure(f"memory with {SESSIONS} sessions", f"{held[-1]:.0f} MiB"),
        Figure("  with one", f"{held[0]:.0f} MiB"),
        Figure("  each further one", f"{(held[-1] - held[0]) / (SESSIONS - 1):.0f} MiB"),
    ]


def _opened(web: Web, address: str, folder: Path) -> list[Figure]:
    """Pages opened one by one, in one session."""
    figures: list[Figure] = []
    for way, limit, name in (("plain", PLAIN, "a static page"), ("written", WRITTEN, "a script's")):
        first, *urls = [f"http://{address}/{way}/{path}" for path in sample(PAGES + 1, 1)]
        tool = BrowserTool(Lists(), web.reader())
        _timed(tool, f'open_url("{first}")', folder)
        times = [_timed(tool, f'open_url("{url}")', folder) for url in urls]
        tool.close()
        figures += [
            at_most(f"open_url of {name}", statistics.median(times), limit, "s"),
            Figure("  runs", spread(times, "s")),
        ]
    return figures


def _at_once(web: Web, address: str, folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    ways = {
        "plain": "ten static pages at once",
        "far": f"ten static pages from {LATENCY:g} s away",
        "written": "ten pages that scripts write",
    }
    for way, name in ways.items():
        first, *urls = [f"http://{address}/{way}/{path}" for path in sample(AT_ONCE + 1, 2)]
        calls = [[f"mclick([{number}])" for number in range(AT_ONCE)]]
        calls += [[f"mclick({[*range(AT_ONCE)]})"]]
        pairs = []
        for _ in range(PAIRS):
            pair = []
            for each in calls:
                tool = _searched(web, first, urls, folder)
                pair.append(sum(_timed(tool, call, folder) for call in each))
                tool.close()
            pairs.append(pair)
        alone, together = zip(*pairs, strict=True)
        shares = [two / one for one, two in pairs]
        figures += [
            at_most(name, statistics.median(shares), SHARE, ""),
            Figure("  one after another", spread(alone, "s")),
            Figure("  at once", spread(together, "s")),
        ]
    return figures


def _searched(web: Web, first: str, urls: Sequence[str], folder: Path) -> BrowserTool:
    """A session that has read a page already, and found some others."""
    tool = BrowserTool(Lists(*[Result(url, url, "") for url in urls]), web.reader())
    ask(tool, 'search("pages")', folder)
    _timed(tool, f'open_url("{first}")', folder)
    return tool


def _sessions(
    web: Web, address: str, folder: Path, others: set[psutil.Process], own: int
) -> list[float]:
    """MiB held with one session, with two, and so on."""
    held: list[float] = []
    tools: list[BrowserTool] = []
    for path in sample(SESSIONS, 3):
        tools.append(BrowserTool(Lists(), web.reader()))
        for way in ("plain", "written"):
            _timed(tools[-1], f'open_url("http://{address}/{way}/{path}")', folder)
        me = psutil.Process()
        size = me.memory_full_info().uss - own
        for process in set(me.children(recursive=True)) - others:
            with contextlib.suppress(psutil.NoSuchProcess):  # a page's process, gone by now
                size += process.memory_full_info().pss
        held.append(size / 2**20)
    for tool in tools:
        tool.close()
    return held


def _timed(tool: BrowserTool, call: str, folder: Path) -> float:
    began = time.monotonic()
    result = ask(tool, call, folder)
    took = time.monotonic() - began
    if failed := re.search(r"http\S+ · could not be read.*", result.text):
        raise RuntimeError(f"{call}: {failed[0]}")
    rendered = any(each.mime == "image/jpeg" for each in result.attachments)
    if rendered != ("/written/" in result.text):
        raise RuntimeError(f"{call} was {'' if rendered else 'not '}read with Chromium")
    return took
