"""The app as its users meet it: the real server in a process of its own, and a real browser.

with start_app({"GLM_MODEL": f"{server.url}#scripted"}) as app, open_browser() as browser:
    page = browser.new_page()
    page.goto(app.url)
    send(page, "hello")
    wait_for_answer(page)
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tools.browser.reading.chromium import executable

ROOT = Path(__file__).resolve().parents[2]
STREAMLIT = (sys.executable, "-m", "streamlit")
# No sandbox: Chromium refuses to start as root with one. No network of its own, either.
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Streamlit's own word for a page whose script has come to its end.
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Streamlit's stand-in for text whose plug-in (KaTeX, emoji) is still being loaded.
UNDRAWN = '[data-testid="stSkeleton"]:visible'


@dataclass(frozen=True)
class RunningApp:
    """A served app. `data` is where its conversations keep their files, `log` what it wrote to
    standard output and error."""

    url: str
    pid: int
    data: Path
    log: Path


@contextlib.contextmanager
def start_app(
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = STREAMLIT,
    ready_seconds: float = 60.0,
    script: str = "app/main.py",
    root: Path = ROOT,
    port: int = 0,
) -> Iterator[RunningApp]:
    """Serves the app of the checkout `root` on `port`, else a free one, until the block ends; then
    its whole process group goes.

    The caller's own settings are kept out: the app sees no GLM_ variables but those of
    `environment`, and no settings file. Raises `RuntimeError` with the log's end when the app
    does not answer within `ready_seconds`; 0 does not wait at all.
    """
    port = port or _free_port()
    with tempfile.TemporaryDirectory(prefix="glm-app-") as folder:
        place = Path(folder)
        (place / "glm.toml").touch()
        own = {"GLM_DATA": str(place / "data"), "GLM_SETTINGS": str(place / "glm.toml")}
        outer = {name: value for name, value in os.environ.items() if not name.startswith("GLM_")}
        app = RunningApp(f"http://127.0.0.1:{port}", 0, place / "data", place / "log")
        with app.log.open("wb") as log:
            process = subprocess.Popen(
                [*command, "run", script, "--server.port", str(port)],
                cwd=root,
                env=outer | own | dict(environment or {}),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        app = RunningApp(app.url, process.pid, app.data, app.log)
        try:
            if ready_seconds:
                _wait_until_ready(app, process, ready_seconds)
            yield app
        finally:
            _end(process)


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium: the system's, else the one that Playwright has fetched."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=list(BROWSER_ARGUMENTS)
        )
        try:
            yield browser
        finally:
            browser.close()


def send(page: Page, text: str) -> None:
    """Writes `text` into the message box, sends it, and waits until it stands on the page."""
    messages = page.get_by_test_id("stChatMessage")
    before = messages.count()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    box.press("Enter")
    messages.nth(before).wait_for()


def wait_for_answer(page: Page, seconds: float = 120.0) -> Locator:
    """Waits until the last message has its answer and the page is at rest; returns that message
    on the page."""
    answer = page.get_by_test_id("stChatMessage").last
    answer.get_by_role("button", name="Retry").wait_for(timeout=seconds * 1000)
    page.locator(AT_REST).wait_for(timeout=seconds * 1000)
    expect(answer.locator(UNDRAWN)).to_have_count(0, timeout=seconds * 1000)
    return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(app: RunningApp, process: subprocess.Popen[bytes], seconds: float) -> None:
    until = time.monotonic() + seconds
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), direct.open(f"{app.url}/_stcore/health", timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the app did not start:\n{app.log.read_text('utf-8', 'replace')[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks first, so that the app closes its kernels, which have process groups of their own."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
