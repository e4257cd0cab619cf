"""Presets and saved prompts in browsers: kept for their person in every tab, and nobody else's."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, box, button, shot
from tests.support.running_app import AT_REST, send, wait_for_answer

pytestmark = pytest.mark.e2e

LETTER = "Write to {{who}} about {{matter}}."


def unfold(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_text(name, exact=True).click()


def settle(page: Page) -> None:
    page.locator(AT_REST).wait_for()


def test_a_preset_of_one_tab_sets_what_another_tab_asks(scripted: Scripted, visit: Visit) -> None:
    visitor, stranger = visit(scripted.app), visit(scripted.app)
    page = visitor.open("")
    unfold(page, "Generation")
    page.get_by_role("radio", name="Off").or_(page.get_by_role("button", name="Off")).click()
    seed = page.get_by_role("spinbutton", name="Seed")
    seed.fill("7")
    seed.press("Enter")
    settle(page)
    unfold(page, "Presets")
    page.get_by_label("Keep these settings as").fill("Quick *one*")
    page.get_by_label("Keep these settings as").press("Enter")
    button(page, "Save preset").click()
    expect(button(page, "Quick *one*")).to_be_visible()
    shot(page, "preset-saved")

    second = visitor.open("tools")
    unfold(second, "Presets")
    unfold(second, "Generation")
    button(second, "Quick *one*").click()
    expect(second.get_by_role("spinbutton", name="Seed")).to_have_value("7")
    send(second, "hello")
    wait_for_answer(second)
    body = scripted.bodies[-1]
    assert body["seed"] == 7
    assert body["chat_template_kwargs"] == {"enable_thinking": False}

    other = stranger.open("")
    unfold(other, "Presets")
    expect(button(other, "Save preset")).to_be_visible()
    expect(button(other, "Quick *one*")).to_have_count(0)


def test_a_slash_offers_the_saved_prompts_and_asks_for_their_fields(
    scripted: Scripted, visit: Visit
) -> None:
    visitor, stranger = visit(scripted.app), visit(scripted.app)
    page = visitor.open("")
    box(page).press_sequentially("/")
    page.get_by_role("option", name="Saved prompts…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Letter")
    dialog.get_by_role("textbox", name="Name").press("Enter")
    dialog.get_by_role("textbox", name="Text").fill(LETTER)
    dialog.get_by_role("button", name="Save prompt").click()
    expect(dialog.get_by_role("textbox", name="Text")).to_have_value("")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    settle(page)

    box(page).fill("")
    box(page).press_sequentially("/let")
    expect(page.get_by_role("option")).to_have_count(1)
    shot(page, "prompts-menu")
    box(page).press("Enter")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    dialog.get_by_role("textbox", name="who").fill("Ann")
    dialog.get_by_role("textbox", name="matter").fill("tea")
    shot(page, "prompts-fields")
    dialog.get_by_role("button", name="Put into the message").click()
    expect(box(page)).to_have_value("Write to Ann about tea.")
    box(page).press("Enter")
    wait_for_answer(page)
    expect(page.get_by_text("Heard: Write to Ann about tea.")).to_be_visible()

    other = stranger.open("")
    box(other).press_sequentially("/")
    expect(other.get_by_role("option")).to_have_text(["Saved prompts…"])
