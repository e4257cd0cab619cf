"""A server is connected, tested and used in the page; another visitor keeps their model."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, answer, ask, box, button, overflow, shot
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text, ToolCall

pytestmark = pytest.mark.e2e

SECRET = "sk-of-the-new-server-81d2"


def new_server(body: dict[str, Any]) -> Answer:
    if any(tool["function"]["name"] == "lookup_code" for tool in body.get("tools", ())):
        return [ToolCall("lookup_code", {"box": "A7"}), Finish("tool_calls")]
    return Text("the new one says so")


def connect(page: Page, address: str) -> None:
    page.get_by_label("Kind").click()
    page.get_by_role("option", name="Another server").click()
    # The form of the kind before may be there for a moment.
    expect(page.get_by_label("Address")).to_have_count(1)
    expect(page.get_by_label("Address")).to_have_value("")
    page.get_by_label("Address").fill(address)
    page.get_by_label("Key", exact=True).fill(SECRET)
    page.get_by_label("Name", exact=True).fill("My box")
    button(page, "Connect").click()


def test_a_server_is_connected_tested_and_used(scripted: Scripted, visit: Visit) -> None:
    scripted.says(Text("the old one says so"))
    ann, bob = visit(scripted.app), visit(scripted.app)
    page = ann.open("models")
    with ScriptedServer(new_server, models=[{"id": "glm-new"}]) as server:
        connect(page, "http://127.0.0.1:1/v1")
        expect(page.get_by_text("does not answer at 127.0.0.1:1")).to_be_visible()
        page.get_by_label("Address").fill(server.url)
        button(page, "Connect").click()
        servers = page.get_by_text("My box · 1 model")
        servers.click()
        button(page, "Test").click()
        expect(page.get_by_text("calls tools").last).to_be_visible()
        shot(page, "models")
        button(page, "Use").last.click()
        box(page).wait_for()
        assert ask(page, "who?") == "the new one says so"
        assert ask(bob.open(), "who?") == "the old one says so"
        # The choice stays with the conversation, and can be taken back.
        page.reload()
        expect(answer(page)).to_contain_text("the new one says so")
        page.get_by_role("combobox", name="Model").click()
        page.get_by_role("option", name="scripted", exact=False).first.click()
        expect(page.get_by_test_id("stSidebar")).not_to_contain_text("glm-new at")
        assert ask(page, "and now?") == "the old one says so"
        assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {SECRET}"}
    assert SECRET not in page.content()
    page = ann.open("models")
    page.get_by_text("My box · 1 model").click()
    button(page, "Remove").click()
    expect(page.get_by_text("My box")).to_have_count(0)


def test_on_a_phone(scripted: Scripted, visit: Visit) -> None:
    page = visit(scripted.app, viewport={"width": 390, "height": 800}).open("models")
    expect(button(page, "Connect")).to_be_visible()
    assert overflow(page) == 0
    shot(page, "models-phone")


def test_what_the_model_was_sent_is_shown(scripted: Scripted, chat: Page) -> None:
    scripted.says(Text("four"))
    ask(chat, "two and <b>two</b>?")
    button(chat, "Prompt").click()
    shown = chat.get_by_role("dialog")
    expect(shown).to_contain_text("What the model was sent")
    expect(shown).to_contain_text("two and <b>two</b>?")
    expect(shown).to_contain_text("System prompt")
    shown.get_by_role("radio", name="Raw answer").click()
    expect(shown).to_contain_text("four")
    chat.keyboard.press("Escape")
    expect(shown).to_have_count(0)
