"""Versions of messages, branches as conversations, and two tabs on one conversation."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.test_page import in_both_schemes
from tests.e2e.visitor import Scripted, answer, ask, box, button, overflow, puppet, said, stop
from tests.support.running_app import AT_REST, send, wait_for_answer
from tests.support.scripted_steps import Endless

pytestmark = pytest.mark.e2e

ACTED = "Another version ran code: files and variables stay as they are."


def at_rest(page: Page) -> None:
    page.locator(AT_REST).wait_for()


def test_every_exchange_can_be_edited_asked_again_and_branched_off(
    scripted: Scripted, visit: Visit
) -> None:
    visitor = visit(scripted.app, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open("tools")
    ask(page, "run x = 3\nprint(x)")
    ask(page, "second")
    ask(page, "third")
    button(page, "Copy answer 2").click()
    page.wait_for_function("async () => await navigator.clipboard.readText() == 'Heard: second'")

    # Each message has a form of its own.
    button(page, "Edit message 1").click()
    form = page.get_by_label("Edit your message")
    form.fill("not this one")
    button(page, "Edit message 2").click()
    # For a moment both forms are there.
    page.wait_for_function(
        """() => [...document.querySelectorAll('textarea[aria-label="Edit your message"]')]
          .map(form => form.value).join() === 'second'"""
    )
    button(page, "Cancel").click()
    expect(form).to_have_count(0)

    # An edit in the middle; what is left ran code.
    button(page, "Edit message 1").click()
    page.get_by_label("Edit your message").fill("first")
    button(page, "Send").click()
    expect(answer(page)).to_contain_text("Heard: first")
    wait_for_answer(page)
    expect(page.get_by_label("Version 2 of 2")).to_have_text("2/2")
    expect(page.get_by_text(ACTED)).to_have_count(1)
    expect(button(page, "Next version of this message")).to_be_disabled()
    in_both_schemes(page, "branches-edited")

    # Back with the keyboard alone.
    button(page, "Previous version of this message").focus()
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("Heard: third")
    at_rest(page)
    expect(page.get_by_label("Version 1 of 2")).to_have_count(1)
    expect(page.get_by_text(ACTED)).to_have_count(0)

    # A retry in the middle, and of the last answer.
    button(page, "Retry answer 2").click()
    expect(page.get_by_text("Heard: third")).to_have_count(0)
    wait_for_answer(page)
    expect(button(page, "Previous version of this answer")).to_have_count(1)
    button(page, "Previous version of this answer").click()
    expect(answer(page)).to_contain_text("Heard: third")
    at_rest(page)
    in_both_schemes(page, "branches-retried")

    # A conversation of its own, with the files.
    url = page.url
    button(page, "Branch from answer 2").click()
    expect(page.get_by_text("Heard: third")).to_have_count(0)
    expect(answer(page)).to_contain_text("Heard: second")
    at_rest(page)
    assert page.url != url
    expect(page.get_by_test_id("stSidebar").get_by_text("Branch of run x = 3")).to_have_count(1)
    assert ask(page, "of the branch") == "Heard: of the branch"
    page.set_viewport_size({"width": 390, "height": 780})
    assert overflow(page) <= 0
    in_both_schemes(page, "branches-phone")
    page.goto(url)
    expect(answer(page)).to_contain_text("Heard: third")


def test_tabs_see_each_other_and_nothing_is_lost(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    first = visitor.open()
    ask(first, "one")
    ask(first, "two")
    second = visitor.context.new_page()
    second.goto(first.url)
    expect(answer(second)).to_contain_text("Heard: two")
    at_rest(second)

    # What is sent in one tab is drawn in the other while it is written, without a click.
    scripted.says(lambda _: Endless("word ", rate=20))
    first.bring_to_front()
    send(first, "three")
    second.bring_to_front()
    expect(answer(second)).to_contain_text("word word word")
    stop(second).click()
    wait_for_answer(second)
    first.bring_to_front()
    wait_for_answer(first)
    assert said(first) == said(second)

    # An edit in one tab while the other goes on.
    scripted.says(lambda _: Endless("busy ", rate=20))
    second.bring_to_front()
    button(second, "Edit message 2").click()
    form = second.get_by_label("Edit your message")
    form.fill("two, edited")
    first.bring_to_front()
    send(first, "sent meanwhile")
    expect(answer(first)).to_contain_text("busy busy")
    second.bring_to_front()
    button(second, "Send").click()
    expect(second.get_by_text("An answer is still being written")).to_be_visible()
    expect(form).to_have_value("two, edited")
    first.bring_to_front()
    stop(first).click()
    wait_for_answer(first)
    scripted.says(puppet)
    second.bring_to_front()
    button(second, "Send").click()
    expect(answer(second)).to_contain_text("Heard: two, edited")
    wait_for_answer(second)
    button(second, "Previous version of this message").click()
    expect(second.get_by_text("sent meanwhile")).to_be_visible()
    first.bring_to_front()
    expect(first.get_by_label("Version 1 of 2")).to_have_count(1)
    expect(first.get_by_text("sent meanwhile")).to_be_visible()
    expect(box(first)).to_be_enabled()
