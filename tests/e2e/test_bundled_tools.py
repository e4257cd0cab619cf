"""The starters of the Tools page, on the bundled model, as a newcomer clicks them."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from app.core.modes import TOOLS_STARTERS
from tests.e2e.conftest import Visit
from tests.e2e.visitor import button, calls, said, shot
from tests.support.running_app import RunningApp, wait_for_answer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def has_figure(page: Page) -> None:
    figure = calls(page).filter(has_text="python").locator("img").last
    expect(figure).to_be_visible()
    assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200


def days_left(page: Page) -> None:
    days = (date(2027, 3, 1) - date.today()).days
    assert str(days) in said(page) + calls(page).last.evaluate("block => block.textContent")


def in_kilometres(page: Page) -> None:
    assert "42.16" in said(page) + calls(page).last.evaluate("block => block.textContent")


# What must be on the page beside a call that went well and an answer.
SEEN = {
    "Plot sin(x) from 0 to 10": has_figure,
    "How many days until 2027-03-01?": days_left,
    "Convert 26.2 miles to kilometres": in_kilometres,
    "Draw a bar chart: apples 3, pears 5, plums 2": has_figure,
}


def test_the_starters_work(bundled: RunningApp, visit: Visit) -> None:
    page = visit(bundled).open("tools")
    starters = page.locator(".st-key-starters").get_by_role("button")
    expect(starters).to_have_text(list(TOOLS_STARTERS))
    assert set(SEEN) == set(TOOLS_STARTERS)
    shot(page, "tools-empty")
    for number, (starter, is_right) in enumerate(SEEN.items()):
        button(page, starter).click()
        wait_for_answer(page)
        shot(page, f"tools-starter-{number}")
        expect(calls(page).last.get_by_role("img", name="check icon")).to_be_visible()
        is_right(page)
        assert said(page).strip()
        button(page, "New conversation").click()
        expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
