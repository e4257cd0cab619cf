"""The server's memory over 1,000 exchanges, and the CPU time of one.

Ten visitors ask in turn, a hundred short answers each, with a new conversation after every twenty.
Memory is what the process holds for itself alone (its unique set). Pages without a browser, both
builds in turn.
"""

from __future__ import annotations

import asyncio
import contextlib

import psutil

from tests.bench.builds import Build, builds, compared
from tests.bench.endpoint import endpoint, message
from tests.bench.figures import Figure
from tests.support.page_client import PageClient, open_page
from tests.support.running_app import start_app

VISITORS, EACH, ANEW = 10, 100, 20
STEP = 200


def measure() -> list[Figure]:
    taken = {}
    with builds() as both, endpoint("--rate", "10000", "--tokens", "20") as model:
        for build in both:
            taken[build.earlier] = run(build, model)
    kinds = {
        earlier: [
            *(
                Figure(f"after {at * STEP} exchanges", f"{mb:.0f} MB")
                for at, mb in enumerate(steps)
            ),
            Figure("CPU an exchange", f"{cpu * 1000:.0f} ms"),
        ]
        for earlier, (steps, cpu) in taken.items()
    }
    figures = zip(*kinds.values(), strict=True)
    return [compared(dict(zip(kinds, each, strict=True))) for each in figures]


def run(build: Build, model: str) -> tuple[list[float], float]:
    """Megabytes at the start and after each step, and CPU seconds an exchange."""
    with start_app({"GLM_MODEL": model}, root=build.root) as app:
        return asyncio.run(_exchanges(app.url, psutil.Process(app.pid)))


async def _exchanges(url: str, server: psutil.Process) -> tuple[list[float], float]:
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(open_page(url)) for _ in range(VISITORS)]
        for page in pages:
            await page.rerun()
            await page.until(lambda page: page.at_rest)
        memory, begun = [_megabytes(server)], sum(server.cpu_times()[:2])
        for number in range(1, VISITORS * EACH + 1):
            await _exchange(pages[number % VISITORS], number // VISITORS)
            if number % STEP == 0:
                memory.append(_megabytes(server))
        return memory, (sum(server.cpu_times()[:2]) - begun) / (VISITORS * EACH)


async def _exchange(page: PageClient, number: int) -> None:
    runs = page.runs
    if number and number % ANEW == 0:
        await page.press("New conversation")
        await page.until(lambda page: page.runs > runs and page.at_rest)
        runs = page.runs
    await page.send(message(number))
    await page.until(lambda page: page.runs > runs and page.answered)


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 2**20
