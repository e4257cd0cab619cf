"""When the way into the web is opened and closed: what starts ahead, what ends, and that nothing
comes back to life."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.browser_parts import Lists, Pages, ask, page
from tests.support.loopback_web import Request, Site, html, words
from tools.browser import BrowserTool, open_browser
from tools.browser.base import Page, ReadFailed
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading import chromium as chromium_module
from tools.browser.reading import reader as reader_module
from tools.browser.reading.chromium import Chromium
from tools.browser.reading.reader import Web, WebReader
from tools.browser.search.base import Result
from tools.browser.search.chain import SearchChain
from tools.browser.search.local_folder import Folder
from tools.browser.search.local_index import LocalSearch

TIMEOUT_S = 60.0  # after which a test fails

needs_chromium = pytest.mark.skipif(
    chromium_module.executable() is None, reason="Chromium is not installed"
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        script = f"document.getElementById('x').textContent = '{words(60)}'"
        site.pages["/"] = html(f"<p id=x></p><script>{script}</script>")
        site.pages["/slow"] = html("<p id=x></p><script src=/hang.js></script>")
        site.pages["/hang.js"] = Request.hang
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Web]:
    web = Web(AddressGuard(allow=(site.address,)), Chromium(), seconds=20)
    yield web
    web.close()
    assert not started()


@pytest.fixture
def reader(web: Web, site: Site) -> Iterator[WebReader]:
    site.asked.clear()
    reader = web.reader()
    yield reader
    reader.close()


def started() -> list[psutil.Process]:
    """Chromium's processes that run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and "--headless" in child.cmdline():
                found.append(child)
    return found


def wait_for(true: Callable[[], object]) -> None:
    until = time.monotonic() + TIMEOUT_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def in_background(reader: WebReader, url: str) -> tuple[threading.Thread, list[Page | ReadFailed]]:
    came: list[Page | ReadFailed] = []
    work = threading.Thread(target=lambda: came.extend(reader.read([url], threading.Event())))
    work.start()
    return work, came


def test_what_a_search_found_on_the_web_is_expected(tmp_path: Path) -> None:
    reader = Pages(lambda url: page(url, "text"))
    found = [Result("T", f"https://x.example/{at}", "") for at in range(2)]
    ask(BrowserTool(Lists(*found), reader), 'search("x")', tmp_path)
    assert reader.expected == [["https://x.example/0", "https://x.example/1"]]


def test_pages_of_a_folder_need_nothing_started(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "otters.md").write_text("# Otters\n\nOtters swim.\n")
    reader = Pages(lambda url: page(url, "text"))
    chain = SearchChain([LocalSearch(Folder(tmp_path / "docs"))])
    text = ask(open_browser(chain, reader), 'search("otters")', tmp_path / "work").text
    assert "[0] Otters" in text and reader.expected == []
    chain.close()


@needs_chromium
def test_chromium_starts_while_nobody_waits(reader: WebReader, site: Site) -> None:
    reader.expect([])
    assert not started()
    reader.expect([site.url])
    wait_for(started)


@needs_chromium
def test_a_session_that_ends_while_it_reads_leaves_nothing(
    web: Web, reader: WebReader, site: Site
) -> None:
    work, came = in_background(reader, f"{site.url}/slow")
    wait_for(lambda: "/hang.js" in site.asked)
    reader.close()
    work.join(TIMEOUT_S)
    assert isinstance(came[0], ReadFailed)
    assert isinstance(web.chromium, Chromium)
    assert web.submit(web.chromium.browser()).result().contexts == []
    assert str(reader.read([site.url], threading.Event())[0]) == "the conversation has ended"


@needs_chromium
@pytest.mark.skipif(not psutil.LINUX, reason="Chromium's number is only known there")
def test_a_chromium_that_hangs_is_given_up(
    web: Web, reader: WebReader, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(reader.read([site.url], threading.Event())[0], Page)
    hung = started()
    for process in hung:
        process.suspend()
    with monkeypatch.context() as patch:
        patch.setattr(chromium_module, "HANG_TIMEOUT_S", 0.0)
        patch.setattr(chromium_module, "CLOSE_TIMEOUT_S", 0.5)
        patch.setattr(reader_module, "MIN_RENDER_S", 1.0)
        patch.setattr(web, "seconds", 1.0)
        (failed,) = reader.read([site.url], threading.Event())
        assert str(failed) == "the browser does not answer"
        wait_for(lambda: not set(hung) & set(started()))
        # What hangs of the old one is not waited for.
        patch.setattr(web, "seconds", 20.0)
        assert isinstance(reader.read([site.url], threading.Event())[0], Page)


def test_reading_ends_when_the_web_is_closed_and_nothing_begins_again(site: Site) -> None:
    site.pages["/never"] = Request.hang
    site.asked.clear()
    web = Web(AddressGuard(allow=(site.address,)), seconds=TIMEOUT_S)
    reader = web.reader()
    work, came = in_background(reader, f"{site.url}/never")
    wait_for(lambda: site.asked)
    web.close()
    work.join(TIMEOUT_S)
    assert str(came[0]) == "it was stopped"
    reader.expect([site.url])
    assert str(reader.read([site.url], threading.Event())[0]) == "it was stopped"
    reader.close()
    web.close()
    assert site.asked == ["/never"]
