"""A server that freezes, is killed and comes back, as the pages see it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, answer, ask, puppet, shot, wait_for_text
from tests.support.running_app import RunningApp, send, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Endless

pytestmark = pytest.mark.e2e

PAGES = ("", "tools", "documents", "vision", "settings")
GONE = "The server does not answer."
ANEW = "The server was started anew."


def notice(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="The server")


@contextmanager
def frozen(app: RunningApp) -> Iterator[None]:
    os.kill(app.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(app.pid, signal.SIGCONT)


def test_all_pages_say_that_the_server_is_gone_and_that_another_came(visit: Visit) -> None:
    with ScriptedServer(puppet) as endpoint:
        settings = {"GLM_MODEL": f"{endpoint.url}#scripted"}
        with start_app(settings) as first:
            visitor = visit(first)
            pages = [visitor.open(path) for path in PAGES]
            chat = pages[0]
            chat.bring_to_front()
            ask(chat, "hello")
            for page in pages:
                expect(page.get_by_test_id("stHeader")).to_be_visible()
                expect(notice(page)).to_have_count(0)
            # However often a page is drawn, it is watched once.
            chat.get_by_role("link", name="Tools").click()
            chat.get_by_role("link", name="Chat").click()
            expect(answer(chat)).to_contain_text("Heard: hello")
            os.kill(first.pid, signal.SIGKILL)
            for page in pages:
                page.bring_to_front()
                expect(notice(page)).to_have_count(1)
                expect(notice(page)).to_contain_text(GONE)
            # What stands there can still be read: Streamlit's dialog does not lie over it.
            chat.wait_for_timeout(5000)
            expect(chat.get_by_role("dialog")).to_have_count(0)
            expect(answer(chat)).to_contain_text("Heard: hello")
            shot(chat, "server-gone")
        with start_app(settings, port=urlsplit(first.url).port or 0):
            for page in pages:
                page.bring_to_front()
                expect(notice(page)).to_contain_text(ANEW)
                expect(notice(page)).to_have_count(1)
            shot(chat, "server-anew")
            chat.bring_to_front()
            chat.reload()
            expect(notice(chat)).to_contain_text(ANEW)
            chat.get_by_role("button", name="Reload the page").click()
            ask(chat, "again")
            expect(notice(chat)).to_have_count(0)
            for page in pages:
                page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_frozen_server_is_told_in_the_middle_of_an_answer(
    scripted: Scripted, visit: Visit, scheme: str
) -> None:
    scripted.says(lambda _: Endless())
    page = visit(scripted.app, viewport={"width": 390, "height": 780}, color_scheme=scheme).open()
    send(page, "go on")
    wait_for_text(page, 20)
    with frozen(scripted.app):
        expect(notice(page)).to_contain_text(GONE)
        shot(page, f"server-frozen-phone-{scheme}")
    expect(notice(page)).to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Retry").wait_for()
