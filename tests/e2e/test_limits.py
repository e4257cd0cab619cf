"""Who meets a limit is told which and when to come back; the text stays, and others go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import SHOTS, answer, box, button, puppet
from tests.support.running_app import RunningApp, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def app() -> Iterator[RunningApp]:
    with ScriptedServer(puppet) as server:
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_LIMIT_MESSAGES_DAY": "2",
            "GLM_LIMIT_STORED_MB": "1",
        }
        with start_app(environment) as running:
            yield running


def say(page: Page, text: str) -> None:
    send(page, text)
    wait_for_answer(page)


def test_who_meets_a_limit_is_told_and_the_text_stays(app: RunningApp, visit: Visit) -> None:
    visitor, other = visit(app), visit(app)
    page = visitor.open("")
    say(page, "one")
    say(page, "two")
    box(page).fill("three, which took a while to write")
    box(page).press("Enter")
    toast = page.get_by_test_id("stToast")
    expect(toast).to_contain_text("You may send 2 messages a day: come back in")
    page.screenshot(path=SHOTS / "limit.png")
    expect(box(page)).to_have_value("three, which took a while to write")
    expect(answer(page)).to_contain_text("Heard: two")
    # Retry and an edit are messages too; what was edited stays in its box.
    button(page, "Edit").click()
    edited = page.get_by_label("Edit your message")
    edited.fill("two, written again")
    button(page, "Send").click()
    expect(toast.last).to_contain_text("2 messages a day")
    expect(edited).to_have_value("two, written again")
    # In another tab and mode, too; for somebody else nothing has changed.
    page = visitor.open("tools")
    box(page).fill("four")
    box(page).press("Enter")
    expect(page.get_by_test_id("stToast")).to_contain_text("2 messages a day")
    page = other.open("")
    say(page, "mine")
    expect(answer(page)).to_contain_text("Heard: mine")


def test_the_page_usage_on_loopback_shows_what_was_used(app: RunningApp, visit: Visit) -> None:
    page = visit(app).open("")
    say(page, "counted")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_text("Messages a day")).to_be_visible()
    page.screenshot(path=SHOTS / "usage.png", full_page=True)
