"""Delete all my data, in a browser: the conversation, its list and the cookie are gone."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, button
from tests.support.running_app import send, wait_for_answer

TITLE = "a question that is soon forgotten"


def cookie(page: Page) -> str:
    every = {each["name"]: each["value"] for each in page.context.cookies()}
    [name] = [name for name in every if name.startswith("glm_visitor")]
    return every[name]


def entry(page: Page) -> Locator:
    """The conversation in the list."""
    return page.get_by_test_id("stSidebar").get_by_role("link", name=TITLE)


def test_delete_all_my_data_does(scripted: Scripted, visit: Visit) -> None:
    visitor, other = visit(scripted.app), visit(scripted.app)
    for each in (visitor, other):
        page = each.open("")
        send(page, TITLE)
        wait_for_answer(page)
        expect(entry(page)).to_be_visible()
    page = visitor.open("")
    before = cookie(page)
    page = visitor.open("settings")
    button(page, "Delete all my data").click()
    page.get_by_role("button", name="Yes, delete everything").click()
    page.wait_for_url(f"{scripted.app.url}/")
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible()
    assert cookie(page) != before
    expect(entry(page)).to_have_count(0)
    page = other.open("")
    expect(entry(page)).to_be_visible()
