"""Thirty answers of 500 tokens at once, 50 tokens a second each: the whole over the ideal time.

Pages without a browser (`tests/support/page_client.py`) and the endpoint have processes of their
own, on this machine's cores. Time is counted from the first message sent to the last page at rest
with its whole answer; gaps are those between two draws of an answer. CPU time is that of the
server's process alone, in the same span, both builds in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import psutil

from tests.bench.builds import Build, builds, compared
from tests.bench.endpoint import SIZE, endpoint, message, text
from tests.bench.figures import Figure, at_most
from tests.support.page_client import PageClient, open_page
from tests.support.running_app import start_app

SESSIONS, TOKENS, RATE = 30, 500, 50.0
RUNS = 2
OVER_IDEAL, WORST_GAP_S, CPU_SHARE = 1.2, 0.6, 0.55
LONGEST_WAIT_S = 180.0


@dataclass(frozen=True)
class Run:
    """What one build took: seconds, CPU seconds, and all gaps between draws in seconds."""

    seconds: float
    cpu: float
    gaps: list[float]
    draws: int


def measure() -> list[Figure]:
    options = ("--rate", str(RATE), "--tokens", str(TOKENS))
    runs: dict[bool, list[Run]] = {}
    with builds() as both, endpoint(*options) as model:
        for _ in range(RUNS):
            for build in both:
                runs.setdefault(build.earlier, []).append(run(build, model))
    ideal = TOKENS / RATE
    kinds = {
        earlier: [
            at_most(
                "time over the ideal",
                statistics.median(each.seconds for each in taken) / ideal,
                OVER_IDEAL,
                "",
            ),
            at_most("worst gap", max(max(each.gaps) for each in taken), WORST_GAP_S, "s"),
            Figure("  99 of 100 are below", f"{_percentile(taken):.2f} s"),
            Figure("draws", f"{statistics.median(each.draws for each in taken):.0f}"),
            Figure("CPU", f"{_cpu(taken):.1f} s"),
        ]
        for earlier, taken in runs.items()
    }
    figures = [
        compared({earlier: found[at] for earlier, found in kinds.items()}) for at in range(5)
    ]
    if True in runs:
        share = _cpu(runs[False]) / _cpu(runs[True])
        figures.append(at_most("CPU, over the earlier build's", share, CPU_SHARE, ""))
    return figures


def _cpu(runs: list[Run]) -> float:
    return statistics.median(each.cpu for each in runs)


def _percentile(runs: list[Run]) -> float:
    return statistics.quantiles([gap for each in runs for gap in each.gaps], n=100)[98]


def run(build: Build, model: str, sessions: int = SESSIONS) -> Run:
    """One run of one build."""
    with start_app({"GLM_MODEL": model}, root=build.root) as app:
        return asyncio.run(_answers(app.url, psutil.Process(app.pid), sessions))


async def _answers(url: str, server: psutil.Process, sessions: int) -> Run:
    async with contextlib.AsyncExitStack() as stack:
        pages = []
        for _ in range(sessions):
            page = await stack.enter_async_context(open_page(url))
            await page.rerun()
            await page.until(lambda page: page.at_rest)
            pages.append(page)
        began, before = time.monotonic(), _cpu_time(server)
        await asyncio.gather(*(page.send(message(at)) for at, page in enumerate(pages)))
        await asyncio.gather(
            *(page.until(lambda page: page.answered, LONGEST_WAIT_S) for page in pages)
        )
        seconds, cpu = time.monotonic() - began, _cpu_time(server) - before
        drawn = [_draws(page, at) for at, page in enumerate(pages)]
        return Run(
            seconds,
            cpu,
            [two - one for times in drawn for one, two in pairwise(times)],
            sum(map(len, drawn)),
        )


def _draws(page: PageClient, session: int) -> list[float]:
    """When the answer of that session was drawn. Raises `RuntimeError` where it is not whole."""
    words = "\n\n".join(text(session))[: TOKENS * SIZE].split()
    shown = {word for piece in page.texts for word in piece.split()}
    if not shown.issuperset(words):
        raise RuntimeError(f"session {session} has not got its answer")
    # A long answer is drawn in several pieces, each from a paragraph's beginning.
    return [each.time for each in page.draws if each.text.startswith(words[0][:4])]


def _cpu_time(process: psutil.Process) -> float:
    taken = process.cpu_times()
    return float(taken.user + taken.system)
