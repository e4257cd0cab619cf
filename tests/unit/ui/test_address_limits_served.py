"""Limits of an address, on the real server behind a proxy on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.page_client import PageClient, open_page
from tests.support.running_app import RunningApp, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text

HERE = {"X-Forwarded-For": "203.0.113.5"}
FORGED = {"X-Forwarded-For": "203.0.113.77, 203.0.113.5"}
THERE = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer([[Text("Here it is."), Finish()]]) as server:
        yield server


def served(endpoint: ScriptedServer, **limits: str) -> dict[str, str]:
    return {
        "GLM_MODEL": f"{endpoint.url}#scripted",
        "GLM_PROXIES": "127.0.0.1",
        "GLM_LIMIT_ADDRESS": "1",
        **{f"GLM_LIMIT_{name.upper()}": value for name, value in limits.items()},
    }


async def at_rest(page: PageClient) -> PageClient:
    await page.rerun()
    await page.until(lambda page: page.at_rest)
    return page


def alerts(page: PageClient) -> str:
    every = page.elements.values()
    return " ".join(each.alert.body for each in every if each.WhichOneof("type") == "alert")


async def answered(app: RunningApp, headers: dict[str, str]) -> str:
    """Sends a message as somebody new; what the page says where it is refused, else nothing."""
    async with open_page(app.url, headers=headers) as page:
        await at_rest(page)
        await page.send("hello")
        await page.until(lambda page: page.answered or bool(page.toasts))
        return " ".join(page.toasts)


def test_the_messages_of_all_people_of_an_address(endpoint: ScriptedServer) -> None:
    async def use(app: RunningApp) -> None:
        assert await answered(app, HERE) == await answered(app, HERE) == ""
        for headers in (HERE, FORGED):
            refused = await answered(app, headers)
            assert "All people at your network address together may send 2 messages" in refused
        assert await answered(app, THERE) == ""

    with start_app(served(endpoint, messages_day="2")) as app:
        asyncio.run(use(app))


def test_the_conversations_that_an_address_has_open(endpoint: ScriptedServer) -> None:
    async def use(app: RunningApp) -> None:
        async with (
            open_page(app.url, headers=HERE) as first,
            open_page(app.url, headers=HERE) as second,
            open_page(app.url, headers=HERE) as third,
        ):
            await at_rest(first)
            await at_rest(second)
            await at_rest(third)
            assert alerts(first) == alerts(second) == ""
            assert "2 conversations are open at your network address" in alerts(third)
            assert "come back in 2 minutes" in alerts(third)
            async with open_page(app.url, headers=THERE) as other:
                assert alerts(await at_rest(other)) == ""
            await first.send("hello")
            await first.until(lambda page: page.answered)

    with start_app(served(endpoint, sessions="2")) as app:
        asyncio.run(use(app))
