"""A conversation whose server is killed in mid-turn, or told to end, and started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import visitor_of
from tests.e2e.test_page import in_both_schemes
from tests.e2e.visitor import (
    answer,
    ask,
    button,
    calls,
    check,
    puppet,
    said,
    wait_for_text,
    wait_until,
)
from tests.support.running_app import AT_REST, RunningApp, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Endless, Text

pytestmark = pytest.mark.e2e

HOLD = "open('ran.txt', 'a').write('x')\nimport time\ntime.sleep(120)"
GONE = "Python was started anew: variables and imports are gone."


def script(body: dict[str, Any]) -> Answer:
    last = body["messages"][-1]
    return Endless("so far ", rate=20) if last["content"] == "talk" else puppet(body)


def end(app: RunningApp, number: signal.Signals) -> int:
    """Ends the server; returns its port."""
    os.kill(app.pid, number)
    return urlsplit(app.url).port or 0


def reload(page: Page, url: str, exchanges: int) -> None:
    page.goto(url)
    page.get_by_test_id("stChatMessage").nth(2 * exchanges - 1).wait_for()
    page.locator(AT_REST).wait_for()


def test_the_conversation_stands_there_and_goes_on(browser: Browser, tmp_path: Path) -> None:
    with ScriptedServer(script) as server:
        settings = {"GLM_MODEL": f"{server.url}#scripted", "GLM_DATA": str(tmp_path)}
        with start_app(settings) as app:
            visitor = visitor_of(app, browser)
            page = visitor.open("tools")
            ask(page, "run x = 20\nprint(x)")
            send(page, "talk")
            wait_for_text(page, 200)
            url = page.url
            port = end(app, signal.SIGKILL)
        asked = len(server.requests)
        with start_app(settings, port=port) as app:
            reload(page, url, 2)
            assert said(page).startswith("so far so far")
            expect(answer(page)).to_contain_text("Interrupted: the server stopped in the middle")
            expect(answer(page).get_by_role("button", name="Retry")).to_be_visible()
            expect(page.get_by_text(GONE)).to_be_visible()
            in_both_schemes(page, "interrupted")
            page.set_viewport_size({"width": 390, "height": 780})
            in_both_schemes(page, "interrupted-phone")
            page.set_viewport_size({"width": 1200, "height": 800})
            server.script = [Text("and the end.")]
            button(page, "Continue").click()
            expect(answer(page)).to_contain_text("and the end.")
            wait_for_answer(page)
            server.script = script

            button(page, "Run the cells again").click()
            expect(page.get_by_text(GONE)).to_have_count(0)
            wait_for_answer(page)
            expect(calls(page)).to_have_count(1)
            assert ask(page, "run print(x * 2)") == "Heard: 40"

            # Told to end while a call runs.
            send(page, f"run {HOLD}")
            wait_until(lambda: any(tmp_path.rglob("ran.txt")))
            asked = len(server.requests)
            port = end(app, signal.SIGTERM)
        with start_app(settings, port=port) as app:
            reload(page, url, 4)
            expect(calls(page).last).to_contain_text("Interrupted")
            expect(answer(page)).to_contain_text("Interrupted: there is no answer yet.")
            in_both_schemes(page, "interrupted-call")
            assert len(server.requests) == asked
            button(page, "Continue").click()
            expect(answer(page)).to_contain_text("it was not run again.")
            wait_for_answer(page)
            assert ask(page, "run print(open('ran.txt').read())") == "Heard: x"
            check(page)
            visitor.context.close()
