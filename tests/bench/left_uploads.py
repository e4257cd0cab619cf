"""The server's memory a minute after ten visitors left who had given 100 MB of files each.

The files are given to the message box of Vision and never sent. Memory is what the process holds
for itself alone (its unique set), less what it held before they came, after one who gave a small
file had come first. Nobody comes in that minute. Pages without a browser, both builds in turn.
"""

from __future__ import annotations

import asyncio
import os
import time

import psutil

from tests.bench.builds import Build, builds, compared
from tests.bench.figures import Figure, at_most
from tests.support.page_client import open_page
from tests.support.running_app import start_app

VISITORS, FILE_MB = 10, 100
WAIT_S = 60.0
ABOVE_MB = 50.0


def measure() -> list[Figure]:
    above, most = {}, {}
    with builds() as both:
        for build in both:
            above[build.earlier], most[build.earlier] = run(build)
    return [
        compared(
            {e: at_most("above what it was", mb, ABOVE_MB, "MB", 0) for e, mb in above.items()}
        ),
        compared({e: Figure("  with the files there", f"{mb:.0f} MB") for e, mb in most.items()}),
    ]


def run(build: Build) -> tuple[float, float]:
    """Megabytes above those before: a minute after, and with the files there."""
    environment = {"GLM_MODEL": "http://127.0.0.1:9/v1#none"}
    with start_app(environment, root=build.root) as app:
        server = psutil.Process(app.pid)
        asyncio.run(_visits(app.url, 1, size=1 << 20))
        time.sleep(1)
        before = server.memory_full_info().uss
        there = asyncio.run(_visits(app.url, VISITORS, server))
        time.sleep(WAIT_S)
        return (server.memory_full_info().uss - before) / 2**20, (there - before) / 2**20


async def _visits(
    url: str, visitors: int, server: psutil.Process | None = None, size: int = FILE_MB << 20
) -> int:
    """That many visitors come, give a file each, and leave; the memory just before they do."""
    async with asyncio.TaskGroup() as group:
        here = asyncio.Barrier(visitors)
        leave = [group.create_task(_visit(url, here, server, size)) for _ in range(visitors)]
    return max(each.result() for each in leave)


async def _visit(url: str, here: asyncio.Barrier, server: psutil.Process | None, size: int) -> int:
    async with open_page(url, "vision") as page:
        await page.rerun(name="vision")
        await page.until(lambda page: page.at_rest)
        status = await page.upload("big.bin", os.urandom(size))
        if status != 204:
            raise RuntimeError(f"a file was refused with status {status}")
        await here.wait()
        used: int = server.memory_full_info().uss if server is not None else 0
        await here.wait()
        return used
