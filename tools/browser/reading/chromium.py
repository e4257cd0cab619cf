"""One Chromium for the process, with a separate browser context for each session."""

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
    Route,
)

from tools.browser.base import ReadFailed
from tools.browser.network.fetch import AGENT
from tools.browser.network.quota import ProxyQuota
from tools.browser.reading.driver import Driver
from tools.browser.reading.rendering import Rendered
from tools.browser.reading.tab import Tab
from tools.fair_queue import FairQueue

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0  # on a busy machine a start takes several seconds
CLOSE_TIMEOUT_S = 5.0
RETRY_INTERVAL_S = 60.0  # after a failed start
HANG_TIMEOUT_S = 30.0  # beyond the page's timeout; then a silent Chromium is killed
MAX_TABS = 12  # at the same time, for all sessions: each page needs its own process
MAX_PROCESS_BYTES = 1 << 30  # private memory of each process, which scripts could exhaust
# The headless shell first: it opens a page with half the work.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip

SWITCHES = (
    # All traffic goes through the proxy: no UDP, no name resolution in Chromium itself.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--dns-prefetch-disable",
    # Features that the text of a page doesn't need
    "--blink-settings=imagesEnabled=false",
    "--disable-remote-fonts",
    "--disable-gpu",
    "--mute-audio",
    "--disable-notifications",
    "--disable-speech-api",
    "--js-flags=--max-old-space-size=512",
)
_PID_FILE = "number"
_START_SCRIPT = '#!/bin/sh\nulimit -d {} 2>&-\necho $$ >"$HOME/{}"\nexec {} "$@"\n'
_ENVIRONMENT = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH")

# Resource types that are blocked, since they hold no text.
_WITHOUT_TEXT = frozenset(("image", "font", "media", "texttrack", "manifest", "ping", "cspreport"))
# The most common trackers; blocked except where the user opens their page itself.
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

# Runs in every frame before the page's scripts: removes APIs that bypass the proxy, prevents
# new windows, and makes all shadow trees readable.
_INIT_SCRIPT = """
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
    """The path of an installed Chromium; None for the one that Playwright installs."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


class Chromium:
    """A Chromium process, started on demand and again after a crash.

    As root, Chromium runs without its sandbox, since it refuses to run with it; as any other
    user, it runs with the sandbox. All methods must be called on one event loop.
    """

    def __init__(self, path: str | None = None) -> None:
        self.room = FairQueue(MAX_TABS)
        self._path = path
        self._closed = False
        self._driver: Driver | None = None
        self._starting: asyncio.Task[Browser] | None = None
        self._next_attempt = float("-inf")  # loop time of the next attempt after a failed start
        self._home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)

    def warm(self) -> None:
        """Starts Chromium in the background."""
        self._start()

    def tabs(self, proxy: str, quota: ProxyQuota) -> ChromiumTabs:
        """The tabs of one session, which use the proxy with the session's credentials."""
        return ChromiumTabs(self, proxy, quota)

    async def browser(self) -> Browser:
        """The running browser; waits for its start. Raises ReadFailed."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_attempt and not self._closed:
            try:
                return await asyncio.shield(self._start())
            except (Error, TimeoutError, OSError):
                log.exception("Chromium did not start.")
                self._next_attempt = loop.time() + RETRY_INTERVAL_S
        raise ReadFailed("the browser does not start here")

    def give_up(self, hung: Browser) -> None:
        """Kills a browser that hangs; the next page starts a new one."""
        task = self._starting
        if task is None or not task.done() or task.exception() or task.result() is not hung:
            return
        self._starting = None
        if hung.is_connected():
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(Path(self._home.name, _PID_FILE).read_text()), signal.SIGKILL)

    async def close(self) -> None:
        self._closed = True
        starting, self._starting = self._starting, None
        if starting is not None:
            with contextlib.suppress(Error, TimeoutError, OSError, asyncio.CancelledError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await (await starting).close()
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.stop(CLOSE_TIMEOUT_S)
        self._home.cleanup()

    def _start(self) -> asyncio.Task[Browser]:
        task = self._starting
        over = task is not None and task.done()
        if task is None or (over and (task.exception() or not task.result().is_connected())):
            task = asyncio.get_running_loop().create_task(self._launch())
            self._starting = task
        return task

    async def _launch(self) -> Browser:
        if self._driver is not None:  # a crash may have ended the driver as well
            await self._driver.stop(CLOSE_TIMEOUT_S)
        self._driver = Driver()
        playwright = await self._driver.start()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        path = self._path or executable() or playwright.chromium.executable_path
        return await playwright.chromium.launch(
            executable_path=self._with_memory_limit(path),
            headless=True,
            chromium_sandbox=not _is_root(),
            # A closed port (discard): Chromium's own requests, which no session made, fail.
            proxy={"server": "http://127.0.0.1:9", "bypass": "<-loopback>"},
            args=list(SWITCHES),
            ignore_default_args=["--disable-popup-blocking"],
            env={**environment, "HOME": self._home.name, "TMPDIR": self._home.name},
            timeout=START_TIMEOUT_S * 1000,
        )

    def _with_memory_limit(self, path: str) -> str:
        """The path of a script that starts Chromium with a memory limit.

        The limit of each process is `MAX_PROCESS_BYTES`. The script also writes the process ID to
        a file. Where limits or scripts don't work, the result is Chromium's own path.
        """
        script = Path(self._home.name, "start")
        script.write_text(
            _START_SCRIPT.format(MAX_PROCESS_BYTES >> 10, _PID_FILE, shlex.quote(path))
        )
        script.chmod(0o700)
        # Other systems ignore the limit, and file systems may be mounted without execution.
        return str(script) if sys.platform == "linux" and os.access(script, os.X_OK) else path


class ChromiumTabs:
    """One session's browser context, with its own cookies and cache."""

    def __init__(self, chromium: Chromium, proxy: str, quota: ProxyQuota) -> None:
        self._chromium = chromium
        self._proxy = proxy
        self._quota = quota
        self._context: BrowserContext | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def render(self, url: str, seconds: float) -> Rendered:
        """The rendered page at `url`, within `seconds`. Raises ReadFailed.

        After a crash of Chromium the page is tried once more, since another page may have caused
        the crash.
        """
        async with self._chromium.room.slot_async(self._quota.name):
            for _ in range(2):
                browser = await self._chromium.browser()
                try:
                    async with asyncio.timeout(seconds + HANG_TIMEOUT_S):
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
            async with asyncio.timeout(CLOSE_TIMEOUT_S), self._opening:
                context, self._context = self._context, None
                if context is not None:
                    await context.close()

    async def _read(self, browser: Browser, url: str, seconds: float) -> Rendered:
        tab: Tab | None = None
        try:
            tab = await Tab.open(await self._opened(browser), self._quota)
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
                "username": self._quota.name,
                "password": self._quota.secret,
            },
            accept_downloads=False,
            service_workers="block",
            user_agent=AGENT.format(f"Chrome/{browser.version.partition('.')[0]}.0.0.0"),
            viewport={"width": 1280, "height": 800},
            locale="en-US",
        )
        await context.route("**/*", _block_unneeded)
        await context.add_init_script(_INIT_SCRIPT)
        return context


async def _block_unneeded(route: Route) -> None:
    """Blocks requests for resources without text, and trackers."""
    request = route.request
    scheme = urlsplit(request.url).scheme
    wanted = scheme in ("http", "https") and request.resource_type not in _WITHOUT_TEXT
    with contextlib.suppress(Error):
        if wanted and not _is_tracker(request.url, request.is_navigation_request()):
            await route.continue_()
        else:
            await route.abort("blockedbyclient")


def _is_tracker(url: str, navigation: bool) -> bool:
    host = urlsplit(url).hostname or ""
    return not navigation and any(host == one or host.endswith(f".{one}") for one in _TRACKERS)
