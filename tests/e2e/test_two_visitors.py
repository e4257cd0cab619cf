"""Two visitors side by side never see each other's variables, files or words."""

from __future__ import annotations

from secrets import token_hex

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    GREETINGS,
    HOLD,
    Scripted,
    Visitor,
    answer,
    ask,
    box,
    button,
    calls,
    keep_unaware,
    release,
    said,
    shot,
)
from tests.support.running_app import AT_REST, RunningApp, send, wait_for_answer

pytestmark = pytest.mark.e2e

FILES = "run import os; print(sorted(os.listdir()), [*globals()].count('secret'))"


@pytest.fixture
def pages(scripted: Scripted, visit: Visit) -> dict[str, Page]:
    """Two pages in two browsers, by a secret word each; each has set its own word as a variable
    and a file, at the same time."""
    words = [f"{name}-{token_hex(3)}" for name in ("amber", "birch")]
    pages = {word: visit(scripted.app).open("tools") for word in words}
    for word, page in pages.items():
        send(page, f"run secret = {word!r}\n{HOLD.format(word)}")
    # Both run now: neither waits for the other.
    for page in pages.values():
        expect(calls(page).last.get_by_text("running")).to_be_visible()
    for word, page in pages.items():
        release(scripted.app, word)
        wait_for_answer(page)
        assert said(page) == f"Heard: [file {word}: 12 bytes]"
    return pages


def test_variables_files_and_words_stay_apart(pages: dict[str, Page]) -> None:
    (amber, one), (birch, other) = pages.items()
    for word, page in pages.items():
        assert ask(page, "run print(secret)") == f"Heard: {word}"
        assert ask(page, FILES) == f"Heard: ['{word}'] 1"
    ask(one, "run of_one = 1")
    assert "NameError" in ask(other, "run of_one")
    assert birch not in one.locator("body").inner_text()
    assert amber not in other.locator("body").inner_text()
    shot(one, "two-one")
    shot(other, "two-other")


def test_a_new_conversation_is_empty_and_the_others_stay(pages: dict[str, Page]) -> None:
    (_, one), (birch, other) = pages.items()
    button(one, "New conversation").click()
    expect(one.get_by_text(GREETINGS["tools"])).to_be_visible()
    expect(one.get_by_test_id("stChatMessage")).to_have_count(0)
    assert "NameError" in ask(one, "run secret")
    assert ask(one, FILES) == "Heard: [] 0"
    assert ask(other, FILES) == f"Heard: ['{birch}'] 1"
    expect(other.get_by_test_id("stChatMessage")).to_have_count(4)


def test_a_new_conversation_ends_a_running_turn(scripted: Scripted, visit: Visit) -> None:
    page = visit(scripted.app).open("tools")
    send(page, "run import time; time.sleep(50)")
    expect(calls(page).last.get_by_text("running")).to_be_visible()
    button(page, "New conversation").click()
    expect(page.get_by_text(GREETINGS["tools"])).to_be_visible()
    assert ask(page, "run 6 * 7") == "Heard: 42"


def test_two_tabs_of_one_visitor_show_the_same(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    first, second = visitor.open("tools"), visitor.open("tools")
    keep_unaware(second)
    send(first, f"run {HOLD.format('both')}")
    expect(calls(first).last.get_by_text("running")).to_be_visible()
    # The other tab still believes that nothing runs: its message is refused, not lost.
    box(second).fill("hello")
    box(second).press("Enter")
    expect(second.get_by_text("An answer is still being written.")).to_be_visible()
    release(scripted.app, "both")
    wait_for_answer(first)
    wait_for_answer(second)
    expect(answer(second)).to_contain_text("Heard: [file both: 4 bytes]")
    expect(box(second)).to_have_value("hello")
    # A new conversation in one tab leaves the other one where it is, with all that was said.
    button(first, "New conversation").click()
    expect(first.get_by_text(GREETINGS["tools"])).to_be_visible()
    box(second).press("Enter")
    expect(answer(second)).to_contain_text("Heard: hello")
    expect(second.get_by_test_id("stChatMessage")).to_have_count(4)
    expect(first.get_by_text(GREETINGS["tools"])).to_be_visible()


def test_two_visitors_talk_with_the_bundled_model(bundled: RunningApp, visit: Visit) -> None:
    visitors: list[Visitor] = [visit(bundled), visit(bundled)]
    one, other = (visitor.open() for visitor in visitors)
    for page in (one, other):
        take_the_likeliest_words(page)
    send(one, "What is the capital of France?")
    send(other, "What colour is the sky?")
    for page in (one, other):
        wait_for_answer(page)
        expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    assert "Paris" in said(one)
    assert "blue" in said(other)
    assert "Paris" not in said(other)


def take_the_likeliest_words(page: Page) -> None:
    """Sets the temperature to 0: as it comes, the bundled model errs once in forty answers."""
    page.get_by_text("Generation", exact=True).click()
    page.get_by_role("slider", name="Temperature").press("Home")
    page.locator(AT_REST).wait_for()
    expect(page.get_by_role("slider", name="Temperature")).to_have_value("0")
