"""Text that is made to break a page: too long, too deep, without a blank, with traps for links."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, answer, ask, box, button, shot
from tests.support.running_app import wait_for_answer
from tests.support.scripted_steps import Text
from tests.unit.ui.test_markdown import DEEP, TRAPS

pytestmark = pytest.mark.e2e

TOO_LONG = "is too long; at most 1,000,000 fit"


@pytest.mark.parametrize("kind", DEEP)
def test_what_is_nested_deeply_is_drawn_as_text(scripted: Scripted, chat: Page, kind: str) -> None:
    scripted.says(Text(DEEP[kind], size=2000), Text("and on we go"))
    ask(chat, "deep")
    expect(answer(chat).get_by_test_id("stCode").first).to_be_visible()
    assert "RangeError" not in chat.locator("body").inner_text()
    ask(chat, "next")
    expect(answer(chat)).to_contain_text("and on we go")


def test_depth_that_is_drawn_is_drawn(scripted: Scripted, chat: Page) -> None:
    deep = "\n\n".join(
        (
            "> " * 100 + "quoted",
            "- " * 100 + "listed",
            "*a " * 100 + "starred" + " a*" * 100,
            "[" * 100 + "bracketed" + "]" * 100,
            "$" + "{" * 100 + "x" + "}" * 100 + "$",
        )
    )
    scripted.says(Text(deep, size=2000))
    said = ask(chat, "deep")
    assert "RangeError" not in chat.locator("body").inner_text()
    for word in ("quoted", "listed", "starred", "bracketed"):
        assert word in said
    expect(answer(chat).get_by_test_id("stCode")).to_have_count(0)


def test_links_that_are_no_pages_are_text(scripted: Scripted, chat: Page) -> None:
    scripted.says(Text("\n\n***\n\n".join([*TRAPS, "[good](https://example.org)"])))
    ask(chat, "links")
    body = answer(chat)
    expect(body.get_by_role("link", name="good")).to_be_visible()
    found = body.locator("a, img").evaluate_all(
        "all => all.map(one => one.getAttribute('href') ?? one.getAttribute('src'))"
    )
    # An address of the web within a trap is one by itself.
    assert [each for each in found if not str(each).startswith(("http://", "https://"))] == []


def test_words_that_turn_the_direction_are_seen(scripted: Scripted, chat: Page) -> None:
    scripted.says(Text("run \u202egnp.exe\u202c and `\u2066x`"))
    said = ask(chat, "turn")
    assert "⟨U+202E⟩gnp.exe" in said and "⟨U+2066⟩x" in said


@pytest.mark.parametrize("letter", ["x", "字", "ع", "क", "😀"])
def test_letters_without_a_blank_go_into_the_box(
    scripted: Scripted, chat: Page, letter: str
) -> None:
    box(chat).focus()
    chat.keyboard.insert_text(letter * 50_000)
    chat.keyboard.press("a")
    assert box(chat).input_value() == letter * 50_000 + "a"
    box(chat).press("Enter")
    wait_for_answer(chat)
    assert scripted.bodies[-1]["messages"][-1]["content"] == letter * 50_000 + "a"


def test_a_message_of_30_mb_is_refused_in_a_sentence(scripted: Scripted, visit: Visit) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = visit(scripted.app, permissions=permissions).open()
    box(page).fill("kept")
    page.evaluate("navigator.clipboard.writeText('word '.repeat(6_000_000))")
    page.keyboard.press("Control+v")
    expect(page.get_by_role("alert")).to_contain_text(f"30,000,004 characters {TOO_LONG}")
    expect(box(page)).to_have_value("kept")
    shot(page, "message-too-long")
    # As a program puts it there.
    box(page).evaluate(
        """box => {
          const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set
          set.call(box, "word ".repeat(6_000_000))
          box.dispatchEvent(new Event("input", { bubbles: true }))
        }"""
    )
    expect(page.get_by_role("alert")).to_contain_text(f"30,000,000 characters {TOO_LONG}")
    expect(box(page)).to_have_value("kept")
    box(page).press("Enter")
    wait_for_answer(page)
    assert scripted.bodies[-1]["messages"][-1]["content"] == "kept"
    # The form of a message that is edited has the same bound.
    button(page, "Edit").click()
    form = page.get_by_label("Edit your message")
    form.focus()
    page.keyboard.press("End")
    page.keyboard.press("Control+v")
    expect(page.get_by_role("alert")).to_contain_text(TOO_LONG)
    expect(form).to_have_value("kept")


def test_the_server_refuses_what_a_page_without_our_script_sends(
    scripted: Scripted, visit: Visit
) -> None:
    visitor = visit(scripted.app)
    visitor.context.add_init_script("window.guardsBoxes = true")
    page = visitor.open()
    scripted.says(Text("Heard."))
    box(page).focus()
    page.keyboard.insert_text("word " * 200_001)
    box(page).press("Enter")
    expect(page.get_by_test_id("stToast")).to_contain_text(f"1,000,005 characters {TOO_LONG}")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    assert scripted.bodies == []
    ask(page, "short")
    expect(answer(page)).to_contain_text("Heard.")
