"""One page in Chromium: opened, waited for until its text stands still, and seen."""

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

POLL_INTERVAL_S = 0.1  # seconds between two looks at a page
STILL = 0.3  # seconds that a text must not have changed
THIN_WAIT = 2.5  # seconds that a page with next to no text is waited for, once it is loaded
LOOK_TIMEOUT_S = 4.0  # seconds that a look at a page may take
FRAME_LOOK = 1.5  # at one of its frames
LONG = 3.0  # seconds after which a request is one that a page with text keeps open
CLOSING = 2.0
FRAMES = 12
THIN = 50  # words
SHOT = {"x": 0, "y": 0, "width": 1280, "height": 800, "scale": 0.4}  # pixels of the page

T = TypeVar("T")

_VISIBLE = Path(__file__).with_name("visible.js").read_text(encoding="utf-8")
_TAG = re.compile(r"<[^>]*>")
_EMPTY_FRAME = re.compile(r"<glm-frame>\d*</glm-frame>")
_MARK = """(element, number) => {
  const box = element.getBoundingClientRect();
  element.dataset.glmFrame = box.width * box.height < 5000 ? "" : number;
}"""


class Tab:
    """One page while it is being read. `account` is its session's at the proxy."""

    def __init__(self, page: Page, cdp: CDPSession, account: ProxyQuota) -> None:
        self._page = page
        self._cdp = cdp
        self._world = IsolatedWorld(page.context, cdp)
        self._account = account
        self._running: dict[Request, float] = {}
        self._silent: Counter[Frame] = Counter()
        self._response: Response | None = None
        self._crashed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        page.on("dialog", lambda dialog: self._quietly(dialog.dismiss()))
        page.on("popup", lambda popup: self._quietly(popup.close()))
        page.on("crash", lambda _: self._crashed.set())
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        page.on("response", self._answered)

    @classmethod
    async def open(cls, context: BrowserContext, account: ProxyQuota) -> Tab:
        page = await context.new_page()
        return cls(page, await context.new_cdp_session(page), account)

    async def read(self, url: str, seconds: float) -> Rendered:
        """The page as it stands when it is still, or when its time is over. Raises ReadFailed."""
        deadline = self._loop.time() + seconds
        await self._go(url, seconds)
        seen, note = await self._watch(deadline)
        if note:
            seen = await self._stop() or seen
        self._check(url)
        if seen is None:
            raise ReadFailed(f"it could not be looked at within {seconds:g} s")
        if self._account.spent:
            note = "cut: it loads too much"
        status = self._response.status if self._response is not None else 200
        return Rendered(self._page.url, status, seen, await self._shot(), note)

    async def close(self) -> None:
        """Close the page; kill what draws it where it doesn't answer."""
        try:
            async with asyncio.timeout(CLOSING):
                await self._page.close()
        except (TimeoutError, Error):
            with contextlib.suppress(TimeoutError, Error):
                async with asyncio.timeout(CLOSING):
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
                trouble = self._account.trouble(self._page.url) or self._account.trouble(url)
                raise ReadFailed(trouble or "it could not be loaded") from None

    async def _watch(self, deadline: float) -> tuple[str | None, str]:
        """The page once it is still, and a note when it never was."""
        seen: str | None = None
        loaded = since = self._loop.time()
        while (now := self._loop.time()) < deadline:
            look = await self._look(min(LOOK_TIMEOUT_S, deadline - now))
            if self._crashed.is_set():
                raise ReadFailed("it made the browser crash")
            now = self._loop.time()
            if look is None or look[0] != "complete":
                loaded = now
            if look is not None and look[1] != seen:
                seen, since = look[1], now
            rests = min(now - loaded, now - since) >= STILL and not self._loads(LONG)
            enough = THIN if now - loaded < THIN_WAIT or self._loads() else 0
            if seen is not None and rests and count_words(_TAG.sub(" ", seen)) >= enough:
                return seen, ""
            await asyncio.sleep(POLL_INTERVAL_S)
        return seen, "it was still changing" if seen else "it was never at rest"

    def _loads(self, most: float = math.inf) -> bool:
        """Whether something was asked for within the last so many seconds and is not there."""
        since = self._loop.time() - most
        return any(began > since for began in self._running.values())

    async def _look(self, seconds: float) -> tuple[str, str] | None:
        """How far the page is loaded, and what stands in it with all its frames; None where it
        doesn't say."""
        try:
            async with asyncio.timeout(seconds):
                return await self._frames()
        except (TimeoutError, Error):
            return None

    async def _frames(self) -> tuple[str, str]:
        frames = dict(enumerate(self._page.frames[1 : FRAMES + 1]))
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
        """What a frame answers. One that failed to load, or doesn't answer twice (its script
        spins), is not asked again."""
        if frame.url.startswith("chrome-error:") or self._silent[frame] > 1:
            return None
        try:
            async with asyncio.timeout(FRAME_LOOK):
                return await ask(frame, *arguments)
        except TimeoutError:
            self._silent[frame] += 1
        except Error:
            pass
        return None

    async def _stop(self) -> str | None:
        """End the page's scripts from outside, and look once more."""
        for method, arguments in (
            ("Emulation.setScriptExecutionDisabled", {"value": True}),
            ("Runtime.terminateExecution", {}),
            ("Page.stopLoading", {}),
        ):
            with contextlib.suppress(TimeoutError, Error):
                async with asyncio.timeout(CLOSING / 2):
                    await self._cdp.send(method, arguments)
        look = await self._look(LOOK_TIMEOUT_S)
        return look[1] if look is not None else None

    async def _shot(self) -> bytes | None:
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                shot = await self._cdp.send(
                    "Page.captureScreenshot", {"format": "jpeg", "quality": 60, "clip": SHOT}
                )
        except (TimeoutError, Error):
            return None
        return base64.b64decode(shot["data"])

    def _check(self, url: str) -> None:
        """Raises ReadFailed where it ended at what is no page of the web."""
        here = self._page.url
        answer = self._response
        headers = answer.headers if answer and answer.url.startswith("http:") else {}
        if refusal := headers.get("x-refused"):  # see Fetcher
            raise ReadFailed(refusal)
        if urlsplit(here).scheme not in ("http", "https"):
            raise ReadFailed(self._account.trouble(url) or "it leads to what is no page of the web")

    def _began(self, request: Request) -> None:
        if request.resource_type != "eventsource":  # it ends with the page
            self._running[request] = self._loop.time()

    def _ended(self, request: Request) -> None:
        self._running.pop(request, None)

    def _answered(self, response: Response) -> None:
        request = response.request
        with contextlib.suppress(Error):
            if request.is_navigation_request() and response.frame == self._page.main_frame:
                self._response = response

    def _quietly(self, work: Any) -> None:
        async def done() -> None:
            with contextlib.suppress(Error):
                await work

        task = self._loop.create_task(done())
        _working.add(task)
        task.add_done_callback(_working.discard)


_working: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks only weakly


async def _mark(frame: Frame, number: int) -> None:
    element = await frame.frame_element()
    await element.evaluate(_MARK, str(number))
