"""One page in Chromium: opens it, waits until its text stops changing, and reads it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, CDPSession, Error, Frame, Page, Request, Response

from tools.browser.base import ReadFailed
from tools.browser.html.main_text import count_words
from tools.browser.network.quota import ProxyQuota
from tools.browser.reading.isolated_world import IsolatedWorld
from tools.browser.reading.rendering import Rendered

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.1  # between two snapshots of a page
STABLE_S = 0.3  # time without a change after which the text counts as complete
MIN_WORDS_WAIT_S = 2.5  # extra time for a loaded page with fewer than `MIN_WORDS`
SNAPSHOT_TIMEOUT_S = 4.0  # of the whole page
FRAME_TIMEOUT_S = 1.5  # of one frame
LONG_REQUEST_S = 3.0  # age from which a request counts as kept open and is not waited for
CLOSE_TIMEOUT_S = 2.0
MAX_FRAMES = 12
MIN_WORDS = 50
SCREENSHOT = {"x": 0, "y": 0, "width": 1280, "height": 800, "scale": 0.4}  # in CSS pixels

T = TypeVar("T")

_VISIBLE = Path(__file__).with_name("visible.js").read_text(encoding="utf-8")
_TAG = re.compile(r"<[^>]*>")
_EMPTY_FRAME = re.compile(r"<glm-frame>\d*</glm-frame>")
_MARK = """(element, number) => {
  const box = element.getBoundingClientRect();
  element.dataset.glmFrame = box.width * box.height < 5000 ? "" : number;
}"""


class Tab:
    """One page while it is being read. `quota` is its session's at the proxy."""

    def __init__(self, page: Page, cdp: CDPSession, quota: ProxyQuota) -> None:
        self._page = page
        self._cdp = cdp
        self._world = IsolatedWorld(page.context, cdp)
        self._quota = quota
        self._running: dict[Request, float] = {}
        self._timeouts: Counter[Frame] = Counter()
        self._response: Response | None = None
        self._crashed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        page.on("dialog", lambda dialog: self._in_background(dialog.dismiss()))
        page.on("popup", lambda popup: self._in_background(popup.close()))
        page.on("crash", lambda _: self._crashed.set())
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        page.on("response", self._answered)

    @classmethod
    async def open(cls, context: BrowserContext, quota: ProxyQuota) -> Tab:
        page = await context.new_page()
        return cls(page, await context.new_cdp_session(page), quota)

    async def read(self, url: str, seconds: float) -> Rendered:
        """The page once its text is stable, or after `seconds` at the latest. Raises ReadFailed,
        and Playwright's `Error` where the page was closed meanwhile."""
        deadline = self._loop.time() + seconds
        await self._go(url, seconds)
        seen, note = await self._watch(deadline)
        if note:
            seen = await self._stop() or seen
        self._check(url)
        if seen is None:
            raise ReadFailed(f"it could not be looked at within {seconds:g} s")
        if self._quota.spent:
            note = "cut: it loads too much"
        status = self._response.status if self._response is not None else 200
        return Rendered(self._page.url, status, seen, await self._screenshot(), note)

    async def close(self) -> None:
        """Closes the page; kills its renderer process where it doesn't respond."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._page.close()
        except (TimeoutError, Error):
            with contextlib.suppress(TimeoutError, Error):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._cdp.send("Page.crash")

    async def _go(self, url: str, seconds: float) -> None:
        try:
            await self._page.goto(url, wait_until="commit", timeout=seconds * 1000)
        except Error as error:
            text = error.message
            if "Download is starting" in text:
                raise ReadFailed("it is a download") from None
            if "Timeout" in text:
                raise ReadFailed(f"it did not answer within {seconds:g} s") from None
            if "interrupted by another navigation" not in text:
                trouble = self._quota.trouble(self._page.url) or self._quota.trouble(url)
                raise ReadFailed(trouble or "it could not be loaded") from None

    async def _watch(self, deadline: float) -> tuple[str | None, str]:
        """The page's HTML once it is stable, else the last HTML, if any, and a note."""
        seen: str | None = None
        loaded = since = self._loop.time()
        while (now := self._loop.time()) < deadline:
            snapshot = await self._snapshot(min(SNAPSHOT_TIMEOUT_S, deadline - now))
            if self._crashed.is_set():
                raise ReadFailed("it made the browser crash")
            if self._page.is_closed():  # with its conversation, or in a crash of the browser
                raise Error("The page was closed.")
            now = self._loop.time()
            if snapshot is None or snapshot[0] != "complete":
                loaded = now
            if snapshot is not None and snapshot[1] != seen:
                seen, since = snapshot[1], now
            stable = min(now - loaded, now - since) >= STABLE_S and not self._is_loading(
                LONG_REQUEST_S
            )
            enough = MIN_WORDS if now - loaded < MIN_WORDS_WAIT_S or self._is_loading() else 0
            if seen is not None and stable and count_words(_TAG.sub(" ", seen)) >= enough:
                return seen, ""
            await asyncio.sleep(POLL_INTERVAL_S)
        return seen, "it was still changing" if seen else "it was never at rest"

    def _is_loading(self, max_age_s: float = math.inf) -> bool:
        """Whether requests are open that started within the last `max_age_s` seconds."""
        since = self._loop.time() - max_age_s
        return any(began > since for began in self._running.values())

    async def _snapshot(self, seconds: float) -> tuple[str, str] | None:
        """The page's ready state and its visible HTML with all frames.

        None where the page doesn't respond within `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._frames()
        except (TimeoutError, Error):
            return None

    async def _frames(self) -> tuple[str, str]:
        frames = dict(enumerate(self._page.frames[1 : MAX_FRAMES + 1]))
        for number, frame in frames.items():
            await self._ask(frame, _mark, number)
        state, title, base, body = await self._visible(self._page.main_frame)
        for number, frame in frames.items():
            place = f"<glm-frame>{number}</glm-frame>"
            if place in body and (inside := await self._ask(frame, self._visible)):
                body = body.replace(place, f"<section>{inside[3]}</section>")
        body = _EMPTY_FRAME.sub("", body)
        head = f'<title>{html.escape(title)}</title><base href="{html.escape(base)}">'
        return state, f"<html><head>{head}</head>{body}</html>"

    async def _visible(self, frame: Frame) -> list[str]:
        seen: list[str] = await self._world.run(frame, _VISIBLE)
        return seen

    async def _ask(
        self, frame: Frame, ask: Callable[..., Coroutine[Any, Any, T]], *arguments: object
    ) -> T | None:
        """The result of `ask` in a frame; None where the frame doesn't respond.

        A frame that failed to load, or timed out twice (a script blocks it), is skipped.
        """
        if frame.url.startswith("chrome-error:") or self._timeouts[frame] > 1:
            return None
        try:
            async with asyncio.timeout(FRAME_TIMEOUT_S):
                return await ask(frame, *arguments)
        except TimeoutError:
            self._timeouts[frame] += 1
        except Error:
            pass
        return None

    async def _stop(self) -> str | None:
        """Stops the page's scripts and loading, and takes a last snapshot."""
        for method, arguments in (
            ("Emulation.setScriptExecutionDisabled", {"value": True}),
            ("Runtime.terminateExecution", {}),
            ("Page.stopLoading", {}),
        ):
            with contextlib.suppress(TimeoutError, Error):
                async with asyncio.timeout(CLOSE_TIMEOUT_S / 2):
                    await self._cdp.send(method, arguments)
        snapshot = await self._snapshot(SNAPSHOT_TIMEOUT_S)
        return snapshot[1] if snapshot is not None else None

    async def _screenshot(self) -> bytes | None:
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                response = await self._cdp.send(
                    "Page.captureScreenshot", {"format": "jpeg", "quality": 60, "clip": SCREENSHOT}
                )
        except (TimeoutError, Error):
            return None
        return base64.b64decode(response["data"])

    def _check(self, url: str) -> None:
        """Raises ReadFailed where the navigation ended at anything but a web page."""
        here = self._page.url
        answer = self._response
        headers = answer.headers if answer and answer.url.startswith("http:") else {}
        if refusal := headers.get("x-refused"):  # see Fetcher
            raise ReadFailed(refusal)
        if urlsplit(here).scheme not in ("http", "https"):
            raise ReadFailed(self._quota.trouble(url) or "it leads to what is no page of the web")

    def _began(self, request: Request) -> None:
        if request.resource_type != "eventsource":  # an event stream stays open as long as the page
            self._running[request] = self._loop.time()

    def _ended(self, request: Request) -> None:
        self._running.pop(request, None)

    def _answered(self, response: Response) -> None:
        request = response.request
        with contextlib.suppress(Error):
            if request.is_navigation_request() and response.frame == self._page.main_frame:
                self._response = response

    def _in_background(self, work: Any) -> None:
        async def done() -> None:
            with contextlib.suppress(Error):
                await work

        task = self._loop.create_task(done())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


_tasks: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks only weakly


async def _mark(frame: Frame, number: int) -> None:
    element = await frame.frame_element()
    await element.evaluate(_MARK, str(number))
