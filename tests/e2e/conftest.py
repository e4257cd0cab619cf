"""One browser and one server of each kind for all browser tests; a visitor for each test.

The fixtures end with this package: while a synchronous Playwright runs, nothing else in the
process can run an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.visitor import GREETINGS, KEY, SHOTS, Scripted, Visitor, button, check, puppet
from tests.support.running_app import RunningApp, open_browser, start_app
from tests.support.scripted_server import ScriptedServer

# Only against hanging: a busy machine may take long.
TIMEOUT_MS = 60_000
expect.set_options(timeout=TIMEOUT_MS)

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    SHOTS.mkdir(exist_ok=True)
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="package")
def bundled() -> Iterator[RunningApp]:
    """The app as it comes, on the bundled model."""
    with start_app({"GLM_MAX_TOKENS": "400"}) as app:
        yield app


@pytest.fixture(scope="package")
def endpoint() -> Iterator[Scripted]:
    with ScriptedServer(puppet) as server:
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_API_KEY": KEY,
            "GLM_MAX_ROUNDS": "3",
            "GLM_IDLE_SECONDS": "4",
        }
        with start_app(environment) as app:
            yield Scripted(app, server)


@pytest.fixture
def scripted(endpoint: Scripted) -> Scripted:
    """The app on the scripted endpoint, which does what it is told until a test says else."""
    endpoint.says(puppet)
    return endpoint


def visitor_of(app: RunningApp, browser: Browser, **context: object) -> Visitor:
    opened = browser.new_context(**({"viewport": {"width": 1200, "height": 800}} | context))
    opened.set_default_timeout(TIMEOUT_MS)
    return Visitor(app, opened)


@pytest.fixture(scope="package")
def regular(endpoint: Scripted, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """The tabs of a visitor who stays, by their paths."""
    visitor = visitor_of(endpoint.app, browser)
    yield cache(visitor.open)
    visitor.context.close()


def anew(page: Page, path: str) -> Page:
    button(page, "New conversation").click()
    expect(page.get_by_text(GREETINGS[path])).to_be_visible()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    return page


@pytest.fixture
def chat(scripted: Scripted, regular: Callable[[str], Page]) -> Iterator[Page]:
    """A new conversation in Chat on the scripted endpoint."""
    page = anew(regular(""), "")
    yield page
    check(page)


@pytest.fixture
def tools(scripted: Scripted, regular: Callable[[str], Page]) -> Iterator[Page]:
    """A new conversation in Tools on the scripted endpoint."""
    page = anew(regular("tools"), "tools")
    yield page
    check(page)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Makes visitors, and checks at the end what holds for every page."""
    visitors: list[Visitor] = []

    def new(app: RunningApp, **context: object) -> Visitor:
        visitors.append(visitor_of(app, browser, **context))
        return visitors[-1]

    yield new
    try:
        for visitor in visitors:
            visitor.check()
    finally:
        for visitor in visitors:
            visitor.context.close()
