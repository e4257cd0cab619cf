"""Reads web pages: fetched as HTML, or rendered in Chromium where scripts write the text."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from tools.browser.base import Document, Page, ReadFailed
from tools.browser.html.main_text import Text
from tools.browser.html.worker import Extractor
from tools.browser.network import fetch
from tools.browser.network.address_guard import AddressGuard
from tools.browser.network.fetch import Fetched, Fetcher, status_line
from tools.browser.network.proxy import Proxy
from tools.browser.reading.rendering import Chromium, Rendered

log = logging.getLogger(__name__)

MAX_CONCURRENT = 10  # pages of one session
MIN_WORDS = 50  # of a page with scripts that needs no rendering
MIN_RENDER_S = 4.0  # time for rendering, also when fetching took all of the page's timeout
CLOSE_TIMEOUT_S = 20.0
END_TIMEOUT_S = 1.0  # for what was cancelled to come to its end, once all is closed
RESOLVER_THREADS = 128  # more than the 96 connections of one session, so that others don't wait
POLL_INTERVAL_S = 0.05  # between two checks of Stop

Documents = Callable[[bytes, str, str], Sequence[str]]
"""Extracts the lines of a document from its bytes, its media type, and the opaque key of the
visitor. Raises ValueError with a message of one line."""

T = TypeVar("T")

_REFUSAL_STATUSES = (403, 429, 503)  # statuses with which sites refuse clients that are no browser


class Web:
    """The web access of the process: one thread with an event loop, one proxy, one Chromium.

    `guard` checks all connections. Without `chromium`, pages are not rendered; without
    `documents`, documents can't be read. `seconds` is the timeout of one page. Nothing is started
    before the first page is read, and nothing after `close`.
    """

    def __init__(
        self,
        guard: AddressGuard,
        chromium: Chromium | None = None,
        documents: Documents | None = None,
        seconds: float = fetch.TIMEOUT_S,
    ) -> None:
        self.guard = guard
        self.chromium = chromium
        self.documents = documents
        self.seconds = seconds
        self.proxy = Proxy(guard)
        self.extractor = Extractor()
        self.tls: ssl.SSLContext | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._works: set[Future[Any]] = set()
        self._closed = False

    def reader(self) -> WebReader:
        """A reader for one session."""
        return WebReader(self)

    def warm(self) -> None:
        """Starts everything in the background, before a first page is read."""
        self.submit(self._warm())

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Runs `work` on the event loop's thread; `close` cancels it."""
        with self._starting:
            if self._closed:
                work.close()
                cancelled: Future[T] = Future()
                cancelled.cancel()
                cancelled.set_running_or_notify_cancel()  # notifies waiting threads
                return cancelled
            if self._loop is None:
                self._loop = self._started()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._works.add(future)
            future.add_done_callback(self._works.discard)
            return future

    def close(self) -> None:
        """Cancels all reads; ends Chromium, the proxy and the thread. May be called twice."""
        with self._starting:
            self._closed = True
            loop, self._loop = self._loop, None
        for work in list(self._works):
            work.cancel()
        if loop is not None:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._stop(), loop).result(CLOSE_TIMEOUT_S)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(CLOSE_TIMEOUT_S)

    def _started(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, "web-lookup"))
        self._thread = threading.Thread(target=_run, args=(loop,), name="web", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), loop).result()
        except BaseException:
            loop.call_soon_threadsafe(loop.stop)
            raise
        return loop

    async def _start(self) -> None:
        self.tls = fetch.tls()
        await self.proxy.start()

    async def _warm(self) -> None:
        await self.extractor.warm()  # first: most pages need nothing else
        if self.chromium is not None:
            self.chromium.warm()

    async def _stop(self) -> None:
        if self.chromium is not None:
            await self.chromium.close()
        await self.extractor.close()
        await self.proxy.stop()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Runs `loop` until it is stopped, lets what was cancelled come to its end, and closes it."""
    try:
        loop.run_forever()
        if tasks := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(tasks, timeout=END_TIMEOUT_S))
    finally:
        loop.close()


class _Session:
    """One session's quota, cookies and tabs. Used on the event loop's thread only."""

    def __init__(self, web: Web) -> None:
        assert web.tls is not None
        self.quota = web.proxy.open()
        proxy = web.proxy.url
        self.fetcher = Fetcher(web.guard, proxy, self.quota, web.tls, web.seconds)
        self.tabs = None if web.chromium is None else web.chromium.tabs(proxy, self.quota)
        self.page_slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def close(self, proxy: Proxy) -> None:
        if self.tabs is not None:
            await self.tabs.close()
        await self.fetcher.close()
        proxy.close(self.quota)


class WebReader:
    """A `Reader` for one session."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._session: _Session | None = None
        self._used = self._closed = False

    def expect(self, urls: Sequence[str]) -> None:
        """See `Reader.expect`."""
        if urls and not self._closed:
            self._web.warm()

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """See `Reader.read`."""
        self._used = True
        works = {url: self._web.submit(self._read(url)) for url in dict.fromkeys(urls)}
        waiting = set(works.values())
        while waiting and not cancel.is_set():
            _, waiting = wait(waiting, timeout=POLL_INTERVAL_S)
        for work in waiting:
            work.cancel()
        return [_result(works[url]) for url in urls]

    def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        if self._used:
            with contextlib.suppress(TimeoutError, CancelledError):
                self._web.submit(self._end()).result(CLOSE_TIMEOUT_S)

    async def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close(self._web.proxy)

    async def _read(self, url: str) -> Page:
        if self._closed:
            raise ReadFailed("the conversation has ended")
        if self._session is None:
            self._session = _Session(self._web)
            if self._web.chromium is not None:
                self._web.chromium.warm()
        session = self._session
        async with session.page_slots:
            with session.quota.page():
                return await self._page(session, url)

    async def _page(self, session: _Session, url: str) -> Page:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._web.seconds
        # Shared processes and tabs serve the sessions, each of one visitor, in turn.
        owner = session.quota.name
        fetched = await session.fetcher.fetch(url)
        if fetched.kind == "document":
            return await self._document(fetched, owner)
        if fetched.kind == "text":
            _check_status(fetched.status)
            json = fetched.media_type.endswith("json") and not fetched.note
            text = await self._web.extractor.plain(fetched.data, "", fetched.charset, json, owner)
            return _page(fetched, text)
        text = await self._web.extractor.html(fetched.data, fetched.url, fetched.charset, owner)
        if session.tabs is None or not _is_thin(fetched, text):
            _check(fetched.status, text)
            return _page(fetched, text)
        try:
            rendered = await session.tabs.render(url, max(MIN_RENDER_S, deadline - loop.time()))
            html = rendered.html.encode("utf-8", "replace")
            rendered_text = await self._web.extractor.html(html, rendered.url, "utf-8", owner)
        except ReadFailed as failed:
            _check(fetched.status, text, str(failed))
            note = fetched.note or f"as it is without its scripts: {failed}"
            return _page(replace(fetched, note=note), text)
        if 2 * rendered_text.words < text.words and rendered.status == fetched.status:
            rendered_text = text  # a script that failed blanked the page
        _check(rendered.status, rendered_text)
        return _page(rendered, rendered_text)

    async def _document(self, fetched: Fetched, owner: str) -> Page:
        _check_status(fetched.status)
        documents = self._web.documents
        if documents is None:
            raise ReadFailed(f"it is a document of type {fetched.media_type}")
        try:
            arguments = (fetched.data, fetched.media_type, owner)
            lines = await asyncio.to_thread(documents, *arguments)
        except ValueError as error:
            raise ReadFailed(str(error)) from None
        data = "\n".join(lines).encode("utf-8", "replace")
        text = await self._web.extractor.plain(data, fetched.name, "utf-8", owner=owner)
        own = Document(fetched.name, fetched.media_type, fetched.data)
        return replace(_page(fetched, text), document=None if fetched.note else own)


def _is_thin(fetched: Fetched, text: Text) -> bool:
    """Whether the fetched page has little text, and its scripts may write more."""
    if fetched.status in _REFUSAL_STATUSES:
        return True
    if "scripts" not in text.signs:
        return False
    if text.words < MIN_WORDS or "empty root" in text.signs:
        return True
    return text.words < 4 * MIN_WORDS and "asks for scripts" in text.signs


def _check_status(status: int) -> None:
    if status >= HTTPStatus.BAD_REQUEST:
        raise ReadFailed(status_line(status))


def _check(status: int, text: Text, empty: str = "the page has no text") -> None:
    """Raises ReadFailed, with the reason, for a page without anything to read."""
    if text.words < MIN_WORDS and "captcha" in text.signs:
        raise ReadFailed("it asks for a proof that one is human (a captcha)")
    _check_status(status)
    if text.words < MIN_WORDS and "password" in text.signs:
        raise ReadFailed("it asks to log in")
    if not text.lines:
        raise ReadFailed(empty)


def _page(source: Fetched | Rendered, text: Text) -> Page:
    screenshot = source.screenshot if isinstance(source, Rendered) else None
    return Page(
        url=source.url,
        title=text.title,
        status=source.status,
        lines=text.lines,
        links=text.links,
        read_at=datetime.now(UTC),
        screenshot=screenshot,
        note=source.note,
    )


def _result(work: Future[Page]) -> Page | ReadFailed:
    try:
        return work.result()
    except CancelledError:
        return ReadFailed("it was stopped")
    except ReadFailed as failed:
        return failed
    except Exception:
        log.exception("A page could not be read.")
        return ReadFailed("something went wrong here while it was read")
