"""A visitor with a browser of their own, and the words for what they see on the page."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.support.running_app import ROOT, RunningApp, send, wait_for_answer
from tests.support.sandboxed import written
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text, ToolCall

SHOTS = Path(__file__).with_name("shots")
KEY = "sk-e2e-5f2c9a71d0b84"
"""The key that the scripted endpoint's app is started with; it must never be on a page."""

GREETINGS = {"": "What's on your mind?", "tools": "What shall we find out?"}
STOPPED = "Stopped. What was said so far is kept."

# A call's block is the one that begins with a line of an icon and the tool's name as code.
_CALL = (
    '[data-testid="stVerticalBlock"]:has(> [data-testid="stElementContainer"]:first-child'
    ' p > span[role="img"] + code)'
)


@dataclass
class Visitor:
    """One browser context on one app. `faults` is what went wrong in its pages meanwhile, `asked`
    the addresses that they asked for."""

    app: RunningApp
    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("weberror", lambda error: self.faults.append(str(error.error)))
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.context.on("requestfailed", self._failed)
        self.context.on("console", self._said)

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":  # the page's own policy kept it from leaving
            self.asked.remove(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        """What the app itself needs is not what its policy keeps out; pictures and data that an
        answer asks for elsewhere are."""
        refused = re.search(r"Content Security Policy directive: \W*([a-z]+)-src", message.text)
        if refused and refused[1] not in ("img", "media", "connect"):
            self.faults.append(message.text)

    @property
    def cookie(self) -> str:
        """The header with which their browser says who they are."""
        held = self.context.cookies(self.app.url)
        return "; ".join(f"{each['name']}={each['value']}" for each in held)

    def open(self, path: str = "") -> Page:
        """A new tab on a page of the app, empty or with the conversation that is there."""
        page = self.context.new_page()
        page.goto(f"{self.app.url}/{path}")
        if path in GREETINGS:
            box(page).wait_for()
        return page

    def check(self) -> None:
        """Check what must be true of every page at any time."""
        assert self.faults == []
        for page in self.context.pages:
            check(page)
        home = urlsplit(self.app.url).netloc
        elsewhere = [
            url for url in self.asked if urlsplit(url).netloc not in (home, "") and http(url)
        ]
        assert elsewhere == []


def http(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https", "ws", "wss")


def check(page: Page) -> None:
    """No traceback, no key, no path of this machine in the page's text, folded parts included.

    What Python said of the model's own code is the one traceback that may be there, folded away.
    """
    text = page.locator("body").evaluate("body => body.textContent")
    assert KEY not in text
    assert "Traceback" not in page.locator("body").inner_text()
    for path in (str(ROOT), sys.prefix, tempfile.gettempdir() + "/"):
        assert path not in text
    for fault in ("Something in the app itself went wrong", "A fault in the app itself"):
        assert fault not in text


def box(page: Page) -> Locator:
    return page.get_by_test_id("stChatInputTextArea")


def answer(page: Page) -> Locator:
    """The last message on the page."""
    return page.get_by_test_id("stChatMessage").last


def said(page: Page) -> str:
    """The text of the last answer as drawn, without calls, thinking and notes."""
    pieces: list[str] = page.evaluate(
        """() => {
          const messages = document.querySelectorAll('[data-testid="stChatMessage"]')
          const last = messages[messages.length - 1]
          return [...last.querySelectorAll(
              '[data-testid="stMarkdown"] [data-testid="stMarkdownContainer"]')]
            .filter(part => !part.closest('[data-testid="stExpander"]')
              && !part.querySelector('p > span[role="img"] + code'))
            .map(part => part.innerText)
        }"""
    )
    return "\n".join(pieces)


def letters(text: str) -> str:
    """`text` without marks and blanks: Markdown that is half there is drawn otherwise."""
    return re.sub(r"[\W_]+", "", text)


def calls(page: Page) -> Locator:
    """The blocks of the tool calls on the page."""
    return page.locator(_CALL)


def stop(page: Page) -> Locator:
    return page.get_by_role("button", name="Stop", exact=False)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def ask(page: Page, text: str) -> str:
    """Sends `text` and waits for the answer's end; what it says."""
    send(page, text)
    wait_for_answer(page)
    return said(page)


def wait_for_text(page: Page, length: int) -> str:
    """Waits until `length` characters of a running answer are on the page."""
    expect(stop(page)).to_be_visible()
    page.wait_for_function(
        """length => {
          const found = document.querySelectorAll('[data-testid="stChatMessage"]')
          const parts = found[found.length - 1].querySelectorAll(
            '[data-testid="stMarkdown"] [data-testid="stMarkdownContainer"]')
          return [...parts].reduce((sum, part) => sum + part.textContent.length, 0) >= length
        }""",
        arg=length,
    )
    return said(page)


def keep_unaware(page: Page) -> None:
    """From now on the page does not notice what other tabs of its conversation do."""
    page.route("**/changes/*", lambda route: route.fulfill(status=204))


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition that isn't visible on a page."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def shot(page: Page, name: str) -> None:
    """Save a screenshot of the window."""
    page.screenshot(path=SHOTS / f"{name}.png")


def overflow(page: Page) -> int:
    """The number of pixels by which the page is wider than its window."""
    wider: int = page.evaluate(
        """() => Math.max(...[document.scrollingElement, ...document.querySelectorAll(
          '[data-testid="stMain"], [data-testid="stAppScrollToBottomContainer"]')]
          .map(part => part.scrollWidth - part.clientWidth))"""
    )
    return wider


def puppet(body: dict[str, Any]) -> Answer:
    """A model that does what it is told: what follows `run` goes to python, whose last line comes
    back as the answer; anything else is repeated."""
    last = body["messages"][-1]
    told = str(last["content"])
    if last["role"] == "user" and told.startswith("run "):
        return [ToolCall("python", {"code": told.removeprefix("run ")}), Finish("tool_calls")]
    return Text(f"Heard: {told.splitlines()[-1]}")


HOLD = """from pathlib import Path
import time
Path({0!r}).write_text({0!r})
while not Path("go").exists():
    time.sleep(0.05)
Path("go").unlink()
print({0!r})"""
"""Code that writes a file of that name, and then waits for `release`."""


def release(app: RunningApp, name: str) -> None:
    """Let the code continue that wrote the file `name` and waits."""
    wait_until(lambda: bool(written(app.data, name)))
    (written(app.data, name)[0].parent / "go").touch()


@dataclass(frozen=True)
class Scripted:
    """An app on a scripted endpoint, told anew by each test what to say."""

    app: RunningApp
    server: ScriptedServer

    def says(self, *answers: Answer | Callable[[dict[str, Any]], Answer]) -> None:
        """From now on: one answer a request, or what a function makes of the request's body."""
        first = answers[0]
        self.server.requests.clear()
        self.server.script = first if callable(first) else list(answers)  # type: ignore[arg-type]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The requests' bodies since `says`."""
        return [request.body for request in self.server.requests]
