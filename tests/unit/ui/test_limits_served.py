"""Limits of the real server, met by pages without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus

from app.ui.limits.admission import FULL, MANY_OF_ADDRESS, MANY_OF_VISITOR, VISITOR_PAGES
from tests.support.page_client import PageClient, open_page, visit
from tests.support.running_app import STREAMLIT, RunningApp, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text

PATIENCE_S = 60.0
MB = 1 << 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer([[Text("Here it is."), Finish()]]) as server:
        yield server


@pytest.fixture(scope="module")
def app(endpoint: ScriptedServer) -> Iterator[RunningApp]:
    """Behind a proxy on this machine, which it is told of; with little room for files."""
    environment = {
        "GLM_MODEL": f"{endpoint.url}#scripted",
        "GLM_PROXIES": "127.0.0.1",
        "GLM_ADDRESS_PAGES": "3",
        "GLM_VISITOR_FILES_MB": "2",
        "GLM_ALL_FILES_MB": "4",
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1",
    }
    with start_app(environment) as running:
        yield running


async def at_rest(page: PageClient, name: str = "") -> PageClient:
    await page.rerun(name=name)
    await page.until(lambda page: page.at_rest, PATIENCE_S)
    return page


def asked(url: str, **headers: str) -> tuple[int, str]:
    """The status and the text of a page."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Accept": "text/html", **headers})
    try:
        with direct.open(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def status_of(page: contextlib.AbstractAsyncContextManager[PageClient]) -> int:
    """The status with which a page's WebSocket is refused; 101 where it is not."""
    try:
        async with page:
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def test_a_flood_of_runs_is_merged_and_the_last_value_and_every_message_count(
    app: RunningApp, endpoint: ScriptedServer
) -> None:
    async def flood() -> None:
        async with open_page(app.url) as page:
            await at_rest(page)
            system = page.widget("text_area", "System prompt")
            runs = page.runs
            for at in range(60):
                await page.rerun(WidgetState(id=system, string_value=f"prompt {at}"))
            # A message is sent with the values that the page had before it.
            await page.rerun(WidgetState(id=system, string_value="the last prompt"))
            box = WidgetState(id=page.widget("chat_input"))
            box.chat_input_value.data = "hello"
            await page.rerun(WidgetState(id=system, string_value="the last prompt"), box)
            for _ in range(60):
                await page.rerun(WidgetState(id=system, string_value="the last prompt"))
            await page.until(lambda page: page.answered, PATIENCE_S)
            assert page.runs - runs < 60

    endpoint.requests.clear()
    asyncio.run(flood())
    [request] = endpoint.requests
    assert request.body["messages"][0]["content"] == "the last prompt"
    assert request.body["messages"][-1]["content"] == "hello"


def test_an_address_has_so_many_pages_and_the_next_is_told(app: RunningApp) -> None:
    async def open_many() -> None:
        here, there = (
            {"X-Forwarded-For": "8.8.8.8, 203.0.113.5"},
            {"X-Forwarded-For": "203.0.113.9"},
        )
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                await at_rest(await stack.enter_async_context(open_page(app.url, headers=here)))
            assert await status_of(open_page(app.url, headers=here)) == 503
            # Who says to come from elsewhere, comes from where the proxy saw them.
            forged = {"X-Forwarded-For": "203.0.113.77, 203.0.113.5"}
            assert await status_of(open_page(app.url, headers=forged)) == 503
            status, text = await asyncio.to_thread(asked, app.url, **here)
            assert status == 503 and MANY_OF_ADDRESS in text
            assert await status_of(open_page(app.url, headers=there)) == 101
        assert await status_of(open_page(app.url, headers=here)) == 101

    asyncio.run(open_many())


def test_a_visitor_has_so_many_pages(app: RunningApp) -> None:
    async def open_many() -> None:
        cookies = await asyncio.to_thread(visit, app.url)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(VISITOR_PAGES):
                await stack.enter_async_context(open_page(app.url, cookies=cookies))
            assert await status_of(open_page(app.url, cookies=cookies)) == 503
            cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
            status, text = await asyncio.to_thread(asked, app.url, Cookie=cookie)
            assert status == 503 and MANY_OF_VISITOR in text
            async with open_page(app.url) as other:
                await at_rest(other)

    asyncio.run(open_many())


def test_files_that_are_not_sent_are_bounded_and_given_back_when_their_visitor_leaves(
    app: RunningApp,
) -> None:
    data = b"x" * (MB * 17 // 10)

    async def give() -> None:
        async with open_page(app.url) as third:
            await at_rest(third, "tools")
            async with open_page(app.url) as first, open_page(app.url) as second:
                await at_rest(first, "tools")
                await at_rest(second, "tools")
                assert await first.upload("a.bin", data) == 204
                assert await first.upload("b.bin", data) == 413
                await first.until(lambda page: "not sent yet" in " ".join(page.toasts), PATIENCE_S)
                assert await second.upload("c.bin", data) == 204
                assert await third.upload("d.bin", data) == 413
            # Nobody comes, but who was here all the time finds room soon.
            until = time.monotonic() + PATIENCE_S
            while await third.upload("e.bin", data) != 204:
                assert time.monotonic() < until, "what the others left is still kept"
                await asyncio.sleep(0.5)

    asyncio.run(give())


def test_a_file_whose_size_is_not_said_is_refused(app: RunningApp) -> None:
    with contextlib.closing(
        http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=PATIENCE_S)
    ) as client:
        client.putrequest("PUT", "/_stcore/upload_file/session/file")
        client.putheader("Transfer-Encoding", "chunked")
        client.endheaders()
        # The body is never sent: the server does not wait for it.
        refused = client.getresponse().status
    assert refused == 411


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_the_descriptors_are_not_used_up_and_those_who_are_here_go_on(
    endpoint: ScriptedServer,
) -> None:
    command = ("sh", "-c", 'ulimit -n 120; exec "$@"', "sh", *STREAMLIT)
    environment = {
        "GLM_MODEL": f"{endpoint.url}#scripted",
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1",
    }

    async def crowd(url: str) -> None:
        async with open_page(url) as first:
            await at_rest(first)
            async with contextlib.AsyncExitStack() as stack:
                pages, status = 0, 101
                while status == 101:
                    page = open_page(url, cookies={})
                    try:
                        await at_rest(await stack.enter_async_context(page))
                        pages += 1
                    except InvalidStatus as error:
                        status = error.response.status_code
                assert status == 503 and 2 < pages < 30
                status, text = await asyncio.to_thread(asked, url)
                assert status == 503 and FULL in text
                await first.send("hello")
                await first.until(lambda page: page.answered, PATIENCE_S)
            until = time.monotonic() + PATIENCE_S
            while (await asyncio.to_thread(asked, url))[0] != 200:
                assert time.monotonic() < until, "there is no room again"
                await asyncio.sleep(0.5)

    with start_app(environment, command) as running:
        asyncio.run(crowd(running.url))
        assert "Too many open files" not in running.log.read_text("utf-8", "replace")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_connections_that_say_nothing_take_no_descriptor_from_those_who_are_here(
    endpoint: ScriptedServer,
) -> None:
    command = ("sh", "-c", 'ulimit -n 120; exec "$@"', "sh", *STREAMLIT)

    async def beside_silence(url: str) -> None:
        address = urlsplit(url)
        async with open_page(url) as page:
            await at_rest(page)
            with contextlib.ExitStack() as stack:
                for _ in range(150):
                    silent = socket.create_connection((address.hostname, address.port))
                    stack.enter_context(silent)
                await page.send("hello")
                await page.until(lambda page: page.answered, PATIENCE_S)
                # They are closed after a while, though they are still held here.
                until = time.monotonic() + PATIENCE_S
                while await status_within(url) != 200:
                    assert time.monotonic() < until, "nobody gets in"
                    await asyncio.sleep(0.5)

    async def status_within(url: str) -> int:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return (await asyncio.to_thread(asked, url))[0]
        return 0

    with start_app({"GLM_MODEL": f"{endpoint.url}#scripted"}, command) as running:
        asyncio.run(beside_silence(running.url))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_soft_limit_is_raised_at_the_start(endpoint: ScriptedServer) -> None:
    command = ("sh", "-c", 'ulimit -Sn 120; ulimit -Hn 4096; exec "$@"', "sh", *STREAMLIT)
    with start_app({"GLM_MODEL": f"{endpoint.url}#scripted"}, command) as running:
        with open(f"/proc/{running.pid}/limits") as limits:
            [line] = [line for line in limits if line.startswith("Max open files")]
        assert line.split()[3:5] == ["4096", "4096"]
