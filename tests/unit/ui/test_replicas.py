"""Two servers on one PostgreSQL and one folder, behind a plain reverse proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from tests.support.page_client import PageClient, open_page, visit
from tests.support.postgres import skip_without_postgres, start_postgres
from tests.support.reverse_proxy import ReverseProxy
from tests.support.running_app import RunningApp, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Endless, Text, Wait

MARKED_S = 10.0
"""Within which a turn is marked whose process has died, as the handbook promises."""


@dataclass
class Replicas:
    apps: tuple[RunningApp, RunningApp]
    proxy: ReverseProxy
    server: ScriptedServer

    def says(self, *answers: Answer) -> None:
        """From now on: one answer a request."""
        self.server.requests.clear()
        self.server.script = list(answers)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    skip_without_postgres()
    data = tmp_path_factory.mktemp("shared")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ScriptedServer(lambda _: Text("fine")))
        database = stack.enter_context(start_postgres()).new_database()
        settings = {
            "GLM_MODEL": f"{server.url}#scripted", "GLM_DATA": str(data), "GLM_DATABASE": database,
        }  # fmt: skip
        one = stack.enter_context(start_app(settings))
        two = stack.enter_context(start_app(settings))
        proxy = stack.enter_context(ReverseProxy([one.url, two.url]))
        yield Replicas((one, two), proxy, server)


def drawn(page: PageClient) -> str:
    return "\n".join(page.texts)


@contextlib.asynccontextmanager
async def at(
    replicas: Replicas, number: int, cookies: dict[str, str], query: str = ""
) -> AsyncIterator[PageClient]:
    """A page of a visitor, by the proxy on the server of that number."""
    replicas.proxy.only = number
    async with open_page(replicas.proxy.url, cookies=cookies) as page:
        page.query = query
        await page.rerun()
        await page.until(lambda page: page.at_rest or "so far" in drawn(page))
        yield page


def someone(replicas: Replicas) -> dict[str, str]:
    """A visitor's cookies, which both servers know."""
    replicas.proxy.only = 0
    return visit(replicas.proxy.url)


def test_a_turn_is_drawn_and_stopped_on_the_other_server(replicas: Replicas) -> None:
    replicas.says([Endless("so far ", rate=20)], Text("second"))

    async def go() -> None:
        cookies = await asyncio.to_thread(someone, replicas)
        async with at(replicas, 0, cookies) as here:
            await here.send("go")
            await here.until(lambda page: "so far" in drawn(page) and bool(page.query))
            async with at(replicas, 1, cookies, here.query) as there:
                length = max(map(len, there.texts))
                await there.until(lambda page: max(map(len, page.texts)) > length + 40)
                await there.press("Stop")
                await there.until(lambda page: page.answered)
                await here.until(lambda page: page.answered)
                assert longest(there) == longest(here)
                await there.send("again")
                await there.until(lambda page: page.answered and "second" in drawn(page))
                await here.rerun()
                await here.until(lambda page: page.answered and "second" in drawn(page))

    asyncio.run(go())


def test_a_turn_whose_server_died_is_marked(replicas: Replicas) -> None:
    """The last one: a server is gone after it."""
    replicas.says([Text("so far"), Wait(600)], Text("second"))

    async def go() -> None:
        cookies = await asyncio.to_thread(someone, replicas)
        async with at(replicas, 0, cookies) as here:
            await here.send("go")
            await here.until(lambda page: "so far" in drawn(page) and bool(page.query))
            async with at(replicas, 1, cookies, here.query) as there:
                await there.until(lambda page: "so far" in drawn(page))
                os.kill(replicas.apps[0].pid, signal.SIGKILL)
                await there.until(lambda page: page.answered, MARKED_S + 50)
                assert "so far" in drawn(there)
                await there.press("Retry")
                await there.until(lambda page: page.answered and "second" in drawn(page))

    asyncio.run(go())


def longest(page: PageClient) -> str:
    return max(page.texts, key=len)
