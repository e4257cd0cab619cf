"""What a fault is made on: one app on a scripted endpoint, one browser, and visitors; or an app of
the fault's own, where it would harm the others'."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from tests.e2e.visitor import KEY, Scripted, Visitor, puppet
from tests.support.running_app import RunningApp, open_browser, start_app
from tests.support.scripted_server import ScriptedServer

PATIENCE_MS = 60_000
"""Only against hanging."""

STRANGER, NEXT = "127.0.0.2", "127.0.0.3"
"""Loopback addresses that visitors come from."""

ENVIRONMENT: Mapping[str, str] = {
    "GLM_API_KEY": KEY,
    "GLM_MAX_ROUNDS": "3",
    "GLM_IDLE_SECONDS": "4",
}


@dataclass(frozen=True)
class Stage:
    """What is shared. `app` and `browser` are started when they are first asked for."""

    app: Callable[[], Scripted]
    browser: Callable[[], Browser]

    def scripted(self) -> Scripted:
        """The shared app, whose model does what it is told: see `tests.e2e.visitor.puppet`."""
        found = self.app()
        found.says(puppet)
        return found

    @contextlib.contextmanager
    def visitor(self, app: RunningApp) -> Iterator[Visitor]:
        """A visitor with a browser context of their own."""
        context = self.browser().new_context(viewport={"width": 1200, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield Visitor(app, context)
        finally:
            context.close()

    @contextlib.contextmanager
    def own_app(self, **environment: str) -> Iterator[Scripted]:
        """An app of one's own on an endpoint of one's own."""
        with own_app(environment) as made:
            yield made


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    """A stage that ends what it started."""
    with ExitStack() as stack:
        started: dict[str, Scripted | Browser] = {}

        def app() -> Scripted:
            if "app" not in started:
                started["app"] = stack.enter_context(own_app({}))
            found = started["app"]
            assert isinstance(found, Scripted)
            return found

        def browser() -> Browser:
            if "browser" not in started:
                started["browser"] = stack.enter_context(open_browser())
            found = started["browser"]
            assert isinstance(found, Browser)
            return found

        yield Stage(app, browser)


@contextlib.contextmanager
def own_app(environment: Mapping[str, str], **options: object) -> Iterator[Scripted]:
    """An app and its endpoint; `options` are those of `start_app`."""
    with ScriptedServer(puppet) as server:
        settings = {"GLM_MODEL": f"{server.url}#scripted", **ENVIRONMENT, **environment}
        with start_app(settings, **options) as app:  # type: ignore[arg-type]
            yield Scripted(app, server)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder with a short path: unix sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="flt-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def descendants(pid: int) -> list[psutil.Process]:
    """All processes below `pid`."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end_all(processes: list[psutil.Process]) -> None:
    """Ends processes that a fault left behind."""
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            process.kill()


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` holds after that time at most."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def words_on(page: Page) -> str:
    """All words that a reader sees on the page now."""
    return page.locator("body").inner_text(timeout=5000)


def new_lines(before: str, after: str) -> str:
    """The lines of `after` that `before` does not have."""
    known = set(before.splitlines())
    return "\n".join(line for line in after.splitlines() if line.strip() and line not in known)


def resident_mb(pid: int) -> float:
    """Memory that a process holds by itself, in megabytes."""
    return float(psutil.Process(pid).memory_full_info().uss) / 2**20


def alive(pid: int) -> bool:
    """Whether there is such a process, and no mere remainder of one."""
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def unused_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def port_of(url: str) -> int:
    """The port in a loopback address."""
    return int(url.rsplit(":", 1)[1].split("/")[0])


def environment_of(pid: int) -> str:
    """What a process was started with, as text."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
    return ""
