"""One Chromium for the process, a context of its own for every session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Playwright,
    Route,
)

from tools.browser.base import ReadFailed
from tools.browser.network.fetch import AGENT
from tools.browser.network.quota import ProxyQuota
from tools.browser.reading.driver import started_driver
from tools.browser.reading.rendering import Rendered
from tools.browser.reading.tab import Tab
from tools.fair_queue import FairQueue

log = logging.getLogger(__name__)

STARTING = 60.0  # seconds; on a busy machine it takes several
CLOSING = 5.0
PAUSE = 60.0  # seconds until a Chromium that did not start is tried again
HUNG = 30.0  # seconds beyond a page's own after which a Chromium that says nothing is given up
TABS = 12  # at a time for everybody, the sessions in turn: each page has a process of its own
MEMORY = 1 << 30  # bytes of its own that a process may have; scripts would take all there is
# The one that has no windows first: opening a page takes it half the work.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip

SWITCHES = (
    # Nothing may go out but through the proxy: no UDP, no names looked up by Chromium itself.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--dns-prefetch-disable",
    # What the text doesn't need
    "--blink-settings=imagesEnabled=false",
    "--disable-remote-fonts",
    "--disable-gpu",
    "--mute-audio",
    "--disable-notifications",
    "--disable-speech-api",
    "--js-flags=--max-old-space-size=512",
)
_NUMBER = "number"
_START = '#!/bin/sh\nulimit -d {} 2>&-\necho $$ >"$HOME/{}"\nexec {} "$@"\n'
_PASSED_ON = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH")

# Kinds of requests that are not made: their answers hold no text.
_WITHOUT_TEXT = frozenset(("image", "font", "media", "texttrack", "manifest", "ping", "cspreport"))
# The commonest of those who only watch; they are let through where they are the page itself.
_TRACKERS = tuple(
    "google-analytics.com googletagmanager.com googletagservices.com doubleclick.net "  # noqa: SIM905
    "googlesyndication.com adservice.google.com connect.facebook.net hotjar.com segment.io "
    "segment.com mixpanel.com amplitude.com scorecardresearch.com quantserve.com criteo.com "
    "criteo.net taboola.com outbrain.com amazon-adsystem.com adnxs.com rubiconproject.com "
    "pubmatic.com openx.net nr-data.net newrelic.com clarity.ms bat.bing.com hm.baidu.com "
    "cnzz.com umeng.com mc.yandex.ru chartbeat.com parsely.com optimizely.com fullstory.com "
    "mouseflow.com crazyegg.com intercom.io ads-twitter.com analytics.tiktok.com "
    "bam.nr-data.net cdn.cookielaw.org".split()
)

# In every frame before the page's own scripts: no way past the proxy, no window beside this
# one, and no shadow tree that can't be read.
_INIT = """
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport"]) {
  delete globalThis[name];
}
globalThis.open = () => null;
globalThis.print = () => undefined;
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
  return attach.call(this, { ...options, mode: "open" });
};
"""


def executable() -> str | None:
    """Chromium as it is installed here; None leaves it to Playwright's own."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


class Chromium:
    """Started in the background when it is first wanted, and again after a crash.

    As root it runs without its own sandbox, which it refuses to run with; as any other user
    with it. All methods are called on one loop.
    """

    def __init__(self, path: str | None = None) -> None:
        self.room = FairQueue(TABS)
        self._path = path
        self._closed = False
        self._playwright: Playwright | None = None
        self._starting: asyncio.Task[Browser] | None = None
        self._again = float("-inf")  # when it may be started again, after it did not start
        self._home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)

    def warm(self) -> None:
        """Have it started in the background."""
        self._start()

    def tabs(self, proxy: str, account: ProxyQuota) -> ChromiumTabs:
        """The tabs of one session, which go through the proxy with its account."""
        return ChromiumTabs(self, proxy, account)

    async def browser(self) -> Browser:
        """The running browser, once it runs. Raises ReadFailed."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._again and not self._closed:
            try:
                return await asyncio.shield(self._start())
            except (Error, TimeoutError, OSError):
                log.exception("Chromium did not start.")
                self._again = loop.time() + PAUSE
        raise ReadFailed("the browser does not start here")

    def give_up(self, hung: Browser) -> None:
        """Have that one ended, and another one started for the next page."""
        task = self._starting
        if task is None or not task.done() or task.exception() or task.result() is not hung:
            return
        self._starting = None
        if hung.is_connected():
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(Path(self._home.name, _NUMBER).read_text()), signal.SIGKILL)

    async def close(self) -> None:
        self._closed = True
        starting, self._starting = self._starting, None
        if starting is not None:
            with contextlib.suppress(Error, TimeoutError, OSError, asyncio.CancelledError):
                async with asyncio.timeout(CLOSING):
                    await (await starting).close()
        playwright, self._playwright = self._playwright, None
        if playwright is not None:
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await playwright.stop()
        self._home.cleanup()

    def _start(self) -> asyncio.Task[Browser]:
        task = self._starting
        over = task is not None and task.done()
        if task is None or (over and (task.exception() or not task.result().is_connected())):
            task = asyncio.get_running_loop().create_task(self._launch())
            self._starting = task
        return task

    async def _launch(self) -> Browser:
        old, self._playwright = self._playwright, None
        if old is not None:  # a crash may have taken its driver along
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await old.stop()
        self._playwright = await started_driver()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        path = self._path or executable() or self._playwright.chromium.executable_path
        return await self._playwright.chromium.launch(
            executable_path=self._bounded(path),
            headless=True,
            chromium_sandbox=not _is_root(),
            # Nobody's account: what Chromium asks for on its own behalf goes nowhere.
            proxy={"server": "http://127.0.0.1:9", "bypass": "<-loopback>"},
            args=list(SWITCHES),
            ignore_default_args=["--disable-popup-blocking"],
            env={**environment, "HOME": self._home.name, "TMPDIR": self._home.name},
            timeout=STARTING * 1000,
        )

    def _bounded(self, path: str) -> str:
        """What starts Chromium with `MEMORY` as the bound of each of its processes, and keeps the
        number of the first one."""
        script = Path(self._home.name, "start")
        script.write_text(_START.format(MEMORY >> 10, _NUMBER, shlex.quote(path)))
        script.chmod(0o700)
        # Elsewhere such a bound is none; and nothing may be started from some folders.
        return str(script) if sys.platform == "linux" and os.access(script, os.X_OK) else path


class ChromiumTabs:
    """One session's context: cookies and cache of its own."""

    def __init__(self, chromium: Chromium, proxy: str, account: ProxyQuota) -> None:
        self._chromium = chromium
        self._proxy = proxy
        self._account = account
        self._context: BrowserContext | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def render(self, url: str, seconds: float) -> Rendered:
        """The page at `url`. Raises ReadFailed.

        When all of Chromium crashes the page is tried once more: it may have been another's.
        """
        async with self._chromium.room.slot_async(self._account.name):
            for _ in range(2):
                browser = await self._chromium.browser()
                try:
                    async with asyncio.timeout(seconds + HUNG):
                        return await self._read(browser, url, seconds)
                except TimeoutError:
                    log.warning("Chromium hangs; it is started anew.")
                    self._chromium.give_up(browser)
                    raise ReadFailed("the browser does not answer") from None
                except Error:
                    log.info("Chromium crashed, or a tab did.", exc_info=True)
        raise ReadFailed("the browser crashed while it was read")

    async def close(self) -> None:
        self._closed = True
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(CLOSING), self._opening:
                context, self._context = self._context, None
                if context is not None:
                    await context.close()

    async def _read(self, browser: Browser, url: str, seconds: float) -> Rendered:
        tab: Tab | None = None
        try:
            tab = await Tab.open(await self._opened(browser), self._account)
            return await tab.read(url, seconds)
        finally:
            if tab is not None:
                await tab.close()

    async def _opened(self, browser: Browser) -> BrowserContext:
        async with self._opening:
            if self._closed:
                raise ReadFailed("the conversation has ended")
            if self._context is None or self._context.browser is not browser:
                self._context = await self._open(browser)
            return self._context

    async def _open(self, browser: Browser) -> BrowserContext:
        context = await browser.new_context(
            proxy={
                "server": self._proxy,
                "bypass": "<-loopback>",
                "username": self._account.name,
                "password": self._account.secret,
            },
            accept_downloads=False,
            service_workers="block",
            user_agent=AGENT.format(f"Chrome/{browser.version.partition('.')[0]}.0.0.0"),
            viewport={"width": 1280, "height": 800},
            locale="en-US",
        )
        await context.route("**/*", _only_text)
        await context.add_init_script(_INIT)
        return context


async def _only_text(route: Route) -> None:
    """Lets through what the text of a page may need."""
    request = route.request
    scheme = urlsplit(request.url).scheme
    wanted = scheme in ("http", "https") and request.resource_type not in _WITHOUT_TEXT
    with contextlib.suppress(Error):
        if wanted and not _watches(request.url, request.is_navigation_request()):
            await route.continue_()
        else:
            await route.abort("blockedbyclient")


def _watches(url: str, navigation: bool) -> bool:
    host = urlsplit(url).hostname or ""
    return not navigation and any(host == one or host.endswith(f".{one}") for one in _TRACKERS)
