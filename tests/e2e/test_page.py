"""The page itself: edit, copy, long conversations, settings, narrow windows."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from app.core.handbook import pages
from tests.e2e.conftest import Visit
from tests.e2e.test_tools import PLOT
from tests.e2e.visitor import (
    GREETINGS,
    KEY,
    Scripted,
    answer,
    ask,
    box,
    button,
    overflow,
    said,
    shot,
    stop,
    wait_for_text,
)
from tests.support.running_app import AT_REST, send, wait_for_answer
from tests.support.scripted_steps import Endless, Finish, Text, ToolCall

pytestmark = pytest.mark.e2e

SCHEMES: tuple[Literal["light", "dark"], ...] = ("dark", "light")

RICH = (
    "# A heading\n\nSome *text* with `code`, math \\(a^2+b^2=c^2\\) and"
    " \\[\\int_0^1 x\\,dx = \\tfrac12\\] and prices, $5 and $10.\n\n"
    "```python\ndef f(x):\n    return x + 1  # " + "a long comment " * 12 + "\n```\n\n"
    "|" + "|".join(f" column {i} " for i in range(12)) + "|\n"
    "|" + "---|" * 12 + "\n"
    "|" + "|".join(f" value-{i} " for i in range(12)) + "|\n\n"
    "A " + "very" * 60 + "longword, 最后一段中文, العربية, 😀.\n"
)


def test_edit_and_resend_the_last_message(scripted: Scripted, chat: Page) -> None:
    ask(chat, "first")
    ask(chat, "secnod")
    button(chat, "Edit").click()
    form = chat.get_by_label("Edit your message")
    expect(form).to_have_value("secnod")
    button(chat, "Cancel").click()
    expect(form).to_have_count(0)
    assert said(chat) == "Heard: secnod"
    button(chat, "Edit").click()
    form.fill("second")
    form.press("Tab")
    shot(chat, "edit")
    button(chat, "Send").click()
    expect(answer(chat)).to_contain_text("Heard: second")
    wait_for_answer(chat)
    expect(chat.get_by_test_id("stText")).to_have_text(["first", "second"])
    told = [m["content"] for m in scripted.bodies[-1]["messages"] if m["role"] == "user"]
    assert told == ["first", "second"]


def test_copy_puts_the_markdown_on_the_clipboard(scripted: Scripted, visit: Visit) -> None:
    scripted.says(Text(RICH, size=40))
    page = visit(scripted.app, permissions=["clipboard-read", "clipboard-write"]).open()
    ask(page, "rich")
    copy = page.get_by_role("button", name="Copy the answer")
    copy.click()
    expect(copy).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == RICH
    shot(page, "rich")


def test_settings_are_shown_and_the_key_is_not(scripted: Scripted, visit: Visit) -> None:
    page = visit(scripted.app).open("settings")
    expect(page.get_by_role("textbox", name="Max rounds")).to_have_value("3")
    expect(page.get_by_role("textbox", name="Max rounds")).to_be_disabled()
    expect(page.get_by_role("textbox", name="Slots")).to_have_value("4")
    key = page.get_by_role("textbox", name="API key")
    expect(key).to_have_value("")
    expect(key).to_have_attribute("placeholder", re.compile("^Set"))
    expect(key).to_be_disabled()
    assert KEY not in page.content()
    shot(page, "settings")


def test_help_shows_the_handbook_and_its_links_lead_on(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    page = visitor.open()
    page.get_by_role("link", name="Help").click()
    title = title_of(page)
    for each in pages():
        expect(title).to_have_text(each.title)
        shot(page, f"help-{each.name}")
        if each is not pages()[-1]:
            page.get_by_test_id("stMain").get_by_role("link").last.click()
    assert page.url.endswith(f"/help?page={pages()[-1].name}")

    chooser = page.get_by_role("combobox", name="Page of the handbook")
    chooser.click()
    page.get_by_role("option", name="Getting started with GLM All Tools").click()
    expect(title).to_have_text("Getting started with GLM All Tools")
    expect(page).to_have_url(f"{scripted.app.url}/help?page=start")
    page.get_by_test_id("stMain").get_by_role("link", name="Using another model").first.click()
    expect(title).to_have_text("Using another model")
    page.reload()
    expect(title).to_have_text("Using another model")
    page.go_back()
    expect(title).to_have_text("Getting started with GLM All Tools")
    assert len(visitor.context.pages) == 1

    page = visitor.open("settings")
    page.get_by_role("link", name="Settings in the handbook").click()
    expect(title_of(page)).to_have_text("Settings")
    expect(page).to_have_url(f"{scripted.app.url}/help?page=settings")
    page = visitor.open("help?page=<script>alert(1)</script>")
    expect(title_of(page)).to_have_text(pages()[0].title)


def title_of(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def in_both_schemes(page: Page, name: str) -> None:
    """Pictures of the window by day and by night."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        shot(page, f"{name}-{scheme}")


def test_a_phone(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app, viewport={"width": 390, "height": 780})
    scripted.says(Text(RICH))
    page = visitor.open()
    expect(page.get_by_text(GREETINGS[""])).to_be_visible()
    in_both_schemes(page, "phone-chat-empty")
    ask(page, "Tell me everything, please, in a question that is longer than the line " * 2)
    assert overflow(page) <= 0
    in_both_schemes(page, "phone-chat-end")
    answer(page).get_by_role("heading").scroll_into_view_if_needed()
    in_both_schemes(page, "phone-chat")

    scripted.says([ToolCall("python", {"code": PLOT}), Finish("tool_calls")], Text("A sine."))
    page = visitor.open("tools")
    expect(page.get_by_text(GREETINGS["tools"])).to_be_visible()
    in_both_schemes(page, "phone-tools-empty")
    ask(page, "Plot sin(x)")
    assert overflow(page) <= 0
    image = answer(page).locator("img")
    image.scroll_into_view_if_needed()
    assert image.evaluate("image => image.getBoundingClientRect().right") <= 390
    in_both_schemes(page, "phone-tools")

    page = visitor.open("settings")
    expect(page.get_by_text("GLM_MODEL").first).to_be_visible()
    assert overflow(page) <= 0
    in_both_schemes(page, "phone-settings")

    page = visitor.open("help?page=settings")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    page.locator(AT_REST).wait_for()
    assert overflow(page) <= 0
    table = page.get_by_role("table").first
    table.scroll_into_view_if_needed()
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") <= 0
    in_both_schemes(page, "phone-help")


def test_a_desk(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    scripted.says(Text(RICH))
    page = visitor.open()
    ask(page, "Tell me everything")
    answer(page).get_by_role("heading").scroll_into_view_if_needed()
    in_both_schemes(page, "desk-chat")
    scripted.says([ToolCall("python", {"code": PLOT}), Finish("tool_calls")], Text("A sine."))
    page = visitor.open("tools")
    expect(page.get_by_text(GREETINGS["tools"])).to_be_visible()
    in_both_schemes(page, "desk-tools-empty")
    ask(page, "Plot sin(x)")
    in_both_schemes(page, "desk-tools")
    assert overflow(page) <= 0


def test_the_page_follows_the_newest_words(scripted: Scripted, visit: Visit) -> None:
    scripted.says(Endless("A line of an answer without an end.\n\n", rate=20))
    page = visit(scripted.app).open()
    send(page, "go on")
    wait_for_text(page, 1500)
    expect(answer(page).get_by_test_id("stMarkdown").last.locator("p").last).to_be_in_viewport()
    shot(page, "chat-streaming")
    stop(page).click()
    wait_for_answer(page)
    # The connection is closed with it: nobody pays for words that nobody reads.
    assert scripted.server.requests[-1].gone.wait(30)
    expect(box(page)).to_be_enabled()
