"""The processes that take the text out of pages: what a page does to one of them costs no more
than that page."""

import asyncio
import contextlib
import os
import signal

import psutil
import pytest

from tools.browser.base import ReadFailed
from tools.browser.html.worker import Extractor


@pytest.fixture
def children():
    """The processes that this test has started and that are there still."""
    before = set(psutil.Process().children())
    return lambda: [each for each in psutil.Process().children() if each not in before]


def test_a_page_that_takes_too_long_is_given_up_and_the_next_is_read():
    async def main() -> None:
        extractor = Extractor(most=1, seconds=0.5)
        try:
            with pytest.raises(ReadFailed, match="in time"):
                await extractor.html(b"<p>one more <a href=x>link</a></p>" * 100_000, "http://x/")
            text = await extractor.html(b"<title>T</title><p>short</p>", "http://x/")
            assert (text.title, text.lines, text.words) == ("T", ("short",), 1)
        finally:
            await extractor.close()

    asyncio.run(main())


def test_a_process_that_is_gone_is_replaced_and_none_is_left(children):
    async def main() -> None:
        extractor = Extractor(most=1)
        assert (await extractor.plain(b"one")).lines == ("one",)
        (process,) = children()
        os.kill(process.pid, signal.SIGKILL)
        with contextlib.suppress(ReadFailed):  # at most one page
            await extractor.plain(b"two")
        assert (await extractor.plain(b"three")).lines == ("three",)
        await extractor.close()
        assert children() == []

    asyncio.run(main())


def test_all_processes_are_ready_once_it_is_warm(children):
    async def main() -> None:
        extractor = Extractor(most=2)
        for _ in range(2):
            await extractor.warm()
            assert len(children()) == 2
        await extractor.close()

    asyncio.run(main())


def test_it_knows_nothing_of_the_servers_settings(monkeypatch, children):
    monkeypatch.setenv("GLM_API_KEY", "secret")

    async def main() -> str:
        extractor = Extractor(most=1)
        await extractor.plain(b"one")
        (process,) = children()
        environment = str(process.environ())
        await extractor.close()
        return environment

    assert "secret" not in asyncio.run(main())


def test_many_pages_of_one_session_do_not_keep_anothers_waiting():
    async def main() -> str:
        extractor, read = Extractor(most=1), list[str]()

        async def one(owner: str) -> None:
            await extractor.plain(b"text", owner=owner)
            read.append(owner)

        try:
            async with asyncio.TaskGroup() as tasks:
                for owner in "a" * 10 + "b":
                    tasks.create_task(one(owner))
        finally:
            await extractor.close()
        return "".join(read)

    assert asyncio.run(main()).index("b") <= 1
