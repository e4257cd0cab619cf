"""Twenty browser sessions at once on a local endpoint that streams 100 tokens a second to each.

The endpoint, the app and one Chromium with a context a session share this machine's cores. A text
is complete when the page shows it paragraph by paragraph exactly as it was sent to that session.
Gaps are those between two draws of an answer, by the page's own clock, of all sessions together.
Memory is what the server's process holds for itself alone (its unique set) after all turns, with
the pages still open, less what it held after one session had come and gone, over the sessions.
"""

from __future__ import annotations

import statistics

import psutil
from playwright.sync_api import Browser, Page

from tests.bench.draws import draws, gaps, most_in_a_second, paragraphs, watch_draws
from tests.bench.endpoint import endpoint, message, text
from tests.bench.figures import Figure
from tests.support.running_app import open_browser, start_app, wait_for_answer

SESSIONS = 20
LONGEST_WAIT = 180.0


def measure() -> list[Figure]:
    with (
        endpoint() as model,
        start_app({"GLM_MODEL": model}) as app,
        open_browser() as browser,
    ):
        server = psutil.Process(app.pid)
        first = _open(browser, app.url, SESSIONS)
        _press_enter(first)
        wait_for_answer(first, LONGEST_WAIT)
        first.context.close()
        before = server.memory_full_info().uss
        pages = [_open(browser, app.url, session) for session in range(SESSIONS)]
        for page in pages:
            _press_enter(page)
        for page in pages:
            wait_for_answer(page, LONGEST_WAIT)
        after = server.memory_full_info().uss
        complete = sum(paragraphs(page) == text(at) for at, page in enumerate(pages))
        drawn = [draws(page) for page in pages]
        clocks = [page.evaluate("() => performance.timeOrigin / 1000") for page in pages]
    starts = [clock + seen[0].time for clock, seen in zip(clocks, drawn, strict=True)]
    ends = [clock + seen[-1].time for clock, seen in zip(clocks, drawn, strict=True)]
    between = [gap for seen in drawn for gap in gaps(seen)]
    whole = f"{complete} of {SESSIONS}"
    return [
        Figure("texts complete", whole, f"{SESSIONS} of {SESSIONS}", complete == SESSIONS),
        Figure("gap between draws, median", f"{statistics.median(between) * 1000:.0f} ms"),
        Figure("gap between draws, worst", f"{max(between) * 1000:.0f} ms"),
        Figure(
            "  99 of 100 are below", f"{statistics.quantiles(between, n=100)[98] * 1000:.0f} ms"
        ),
        Figure("draws in the busiest second", str(max(most_in_a_second(seen) for seen in drawn))),
        Figure("memory a session", f"{(after - before) / SESSIONS / 2**20:.1f} MiB"),
        Figure("  the server before", f"{before / 2**20:.0f} MiB"),
        Figure("all streamed at once for", f"{max(0.0, min(ends) - max(starts)):.1f} s"),
        Figure("from first to last draw", f"{max(ends) - min(starts):.1f} s"),
    ]


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _open(browser: Browser, url: str, session: int) -> Page:
    """A visitor of their own, with the message written but not sent."""
    page = browser.new_context().new_page()
    page.goto(url)
    page.get_by_text("Ready").wait_for(timeout=LONGEST_WAIT * 1000)
    page.get_by_test_id("stChatInputTextArea").fill(message(session))
    watch_draws(page)
    return page


def _press_enter(page: Page) -> None:
    page.get_by_test_id("stChatInputTextArea").press("Enter", timeout=LONGEST_WAIT * 1000)
