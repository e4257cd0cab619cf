"""10,000 conversations of one person with 50 messages each: the first page, searches, an opening.

The first page is Chat with its list, from the request of the page's run to its end, by a page
without a browser: of the person who has the 10,000 conversations over that of one who has none, on
one server, in turn; the medians of the runs. A search asks for one to three words of the texts, or
for parts of them. The opening is that of a conversation of 2,000 messages, until it can be drawn.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from app.core.history.history import History, person_key
from app.core.service import Service
from app.core.settings import Loaded, Settings
from app.core.visitor_tokens import VisitorTokens, signing_key
from app.ui.http.visitor import cookie_name
from tests.bench.figures import Figure, at_most, spread
from tests.support.filled_history import fill
from tests.support.page_client import open_page, visit
from tests.support.running_app import start_app

CONVERSATIONS, MESSAGES, LONG = 10_000, 50, 2_000
RUNS, SEARCHES, OPENINGS = 15, 200, 5
PAGE_RATIO, SEARCH_MS, OPENING_S = 1.2, 50.0, 1.0
NO_MODEL = "http://127.0.0.1:9/v1#none"


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        visitor = VisitorTokens(signing_key(data)).new()
        history = History.open(data / "history")
        person = person_key(str(VisitorTokens(signing_key(data)).visitor(visitor)))
        began = time.monotonic()
        fill(history, person, CONVERSATIONS, MESSAGES)
        long = fill(history, person, 1, LONG, seed=2)[0]
        filled_s = time.monotonic() - began
        searches = _searches(history, person)
        history.close()
        openings = _openings(data, str(VisitorTokens(signing_key(data)).visitor(visitor)), long)
        with start_app({"GLM_MODEL": NO_MODEL, "GLM_DATA": str(data)}) as app:
            empty, full = asyncio.run(_pages(app.url, visitor))
    size = statistics.median(full) / statistics.median(empty)
    ninety_five = statistics.quantiles(searches, n=20)[18]
    return [
        at_most("first page with its list, over one without", size, PAGE_RATIO, ""),
        Figure("  without", spread([each * 1000 for each in empty], "ms", 0)),
        Figure("  with", spread([each * 1000 for each in full], "ms", 0)),
        at_most("a search, 95 of 100 below", ninety_five, SEARCH_MS, "ms", 1),
        Figure("  searches", spread(searches, "ms", 1)),
        at_most("opening 2,000 messages", statistics.median(openings), OPENING_S, "s"),
        Figure("  openings", spread(openings, "s")),
        Figure("  filling took", f"{filled_s:.0f} s"),
    ]


def _searches(history: History, person: str) -> list[float]:
    """Milliseconds of each search."""
    chance = random.Random(3)
    with history.database.reading() as connection:
        texts = [
            row[0]
            for row in connection.exec_driver_sql(
                "SELECT text FROM messages WHERE number % 997 = 0"
            )
        ]
    found = []
    for at in range(SEARCHES):
        words = chance.sample(chance.choice(texts).split(), chance.randint(1, 3))
        query = words[0][: max(3, len(words[0]) // 2)] if at % 4 == 0 else " ".join(words)
        began = time.perf_counter()
        history.catalog.search(person, query)
        found.append((time.perf_counter() - began) * 1000)
    return found


def _openings(data: Path, visitor: str, id: str) -> list[float]:
    """Seconds of each opening, each in sessions that have not seen it."""
    found = []
    for _ in range(OPENINGS):
        service = Service(Loaded(Settings(data=str(data), model=NO_MODEL), {}), history=True)
        try:
            began = time.perf_counter()
            session = service.sessions.open(visitor, "chat", id)
            found.append(time.perf_counter() - began)
            assert len(session.view().conversation.messages) == LONG
        finally:
            service.close()
    return found


async def _pages(url: str, token: str) -> tuple[list[float], list[float]]:
    """Seconds of the first page's run, of a person without and of the one with conversations."""
    host = url.partition("//")[2]
    empty: list[float] = []
    full: list[float] = []
    for run in range(RUNS + 1):
        for found, own in ((empty, {}), (full, {cookie_name(host): token})):
            cookies = await asyncio.to_thread(visit, f"{url}/")
            async with open_page(url, cookies=cookies | own) as page:
                began = time.perf_counter()
                await page.rerun()
                await page.until(lambda page: page.at_rest and bool(page.elements))
                if run:  # the first one imports
                    found.append(time.perf_counter() - began)
    return empty, full
