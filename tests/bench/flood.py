"""Beside one client that reruns its page 20 times a second: a new page, an answer, SIGTERM.

A new page is counted from its first request to its script's end; the answer, of 500 tokens at 50 a
second, by the gaps between its draws; SIGTERM until the process is gone, with the flood going on.
Pages without a browser, both builds in turn; where an answer has not come to its end after a
minute, the gap is at least that long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from itertools import pairwise

import psutil
from websockets.exceptions import WebSocketException

from tests.bench.builds import Build, builds, compared
from tests.bench.endpoint import endpoint, message
from tests.bench.figures import Figure, at_most
from tests.support.page_client import open_page
from tests.support.running_app import RunningApp, start_app

RATE = 20.0
BEFORE_S = 5.0
LONGEST_WAIT_S = 60.0
PAGE_S, GAP_S, END_S = 2.0, 0.5, 10.0


@dataclass(frozen=True)
class Run:
    """Seconds of the three."""

    page: float
    gap: float
    end: float


def measure() -> list[Figure]:
    runs = {}
    with builds() as both, endpoint("--rate", "50", "--tokens", "500") as model:
        for build in both:
            runs[build.earlier] = run(build, model)
    return [
        compared({earlier: figure(taken) for earlier, taken in runs.items()})
        for figure in (
            lambda taken: at_most("a new page", taken.page, PAGE_S, "s"),
            lambda taken: at_most("an answer's worst gap", taken.gap, GAP_S, "s"),
            lambda taken: at_most("from SIGTERM to the end", taken.end, END_S, "s"),
        )
    ]


def run(build: Build, model: str) -> Run:
    """One run of one build."""
    with start_app({"GLM_MODEL": model}, root=build.root) as app:
        return asyncio.run(_beside_a_flood(app))


async def _beside_a_flood(app: RunningApp) -> Run:
    flood = asyncio.create_task(_flood(app.url))
    try:
        await asyncio.sleep(BEFORE_S)
        began = time.monotonic()
        try:
            async with open_page(app.url) as page:
                await page.rerun()
                await page.until(lambda page: page.at_rest, LONGEST_WAIT_S)
                opened = time.monotonic() - began
                asked = len(page.draws)
                await page.send(message(1))
                with contextlib.suppress(TimeoutError):
                    await page.until(lambda page: page.answered, LONGEST_WAIT_S)
                times = [each.time for each in page.draws[asked:] if each.text.startswith("w01x")]
                if not page.answered:
                    times.append(time.monotonic())
        except (TimeoutError, OSError, WebSocketException):
            opened, times = time.monotonic() - began, [began, time.monotonic()]
        gap = max((two - one for one, two in pairwise(times)), default=LONGEST_WAIT_S)
        return Run(opened, gap, await asyncio.to_thread(_end, app.pid))
    finally:
        flood.cancel()


async def _flood(url: str) -> None:
    async with open_page(url) as page:
        while not page.closed:
            with contextlib.suppress(WebSocketException, TimeoutError):
                await asyncio.wait_for(page.rerun(), 1.0)
            await asyncio.sleep(1 / RATE)


def _end(pid: int) -> float:
    process = psutil.Process(pid)
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while time.monotonic() - began < LONGEST_WAIT_S and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)
    return time.monotonic() - began
