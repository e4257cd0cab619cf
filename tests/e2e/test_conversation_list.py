"""The list of conversations in the sidebar, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.core.history.database import FILE_NAME
from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    GREETINGS,
    HOLD,
    KEY,
    Visitor,
    answer,
    ask,
    box,
    button,
    calls,
    overflow,
    puppet,
    said,
    shot,
    stop,
)
from tests.support.running_app import AT_REST, RunningApp, send, start_app
from tests.support.scripted_server import ScriptedServer

HOSTILE = "<script>alert(1)</script> **b** [x](javascript:alert(1)) \u202egnp.exe $y$"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(puppet) as server:
        yield server


@pytest.fixture(scope="module")
def app(server: ScriptedServer) -> Iterator[RunningApp]:
    """An app of its own: conversations stay open for longer here than with the other tests."""
    with start_app({"GLM_MODEL": f"{server.url}#scripted", "GLM_API_KEY": KEY}) as app:
        yield app


@pytest.fixture
def visitor(app: RunningApp, visit: Visit) -> Visitor:
    visitor: Visitor = visit(app)
    return visitor


def listed(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Conversations").locator("li")


def row(page: Page, title: str) -> Locator:
    return listed(page).filter(has=page.get_by_text(title, exact=True))


def choose(page: Page, title: str, action: str) -> None:
    """Takes an action of a conversation's menu."""
    row(page, title).hover()
    row(page, title).get_by_role("button", name="Options of").click()
    page.get_by_role("menuitem", name=action).click()


def new(page: Page) -> None:
    button(page, "New conversation").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)


def leave(page: Page) -> Locator:
    """The button beside *New conversation*."""
    return button(page, "Temporary conversation").first


def test_conversations_of_all_modes_are_found_by_click_back_and_reload(visitor: Visitor) -> None:
    page = visitor.open("tools")
    ask(page, "about tools")
    tools = page.url
    page.goto(f"{visitor.app.url}/")
    box(page).wait_for()
    ask(page, "about chat")
    new(page)
    ask(page, "once more")
    more = page.url
    expect(listed(page)).to_have_count(3)
    assert [each.split("\n")[1] for each in listed(page).all_inner_texts()] == [
        "once more",
        "about chat",
        "about tools",
    ]
    expect(row(page, "once more").get_by_role("link")).to_have_attribute("aria-current", "page")

    row(page, "about tools").get_by_role("link").click()
    expect(answer(page)).to_contain_text("Heard: about tools")
    assert page.url == tools
    expect(row(page, "about tools").get_by_role("link")).to_have_attribute("aria-current", "page")
    row(page, "about chat").get_by_role("link").click()
    expect(answer(page)).to_contain_text("Heard: about chat")
    page.go_back()
    expect(answer(page)).to_contain_text("Heard: about tools")
    page.go_back()
    expect(answer(page)).to_contain_text("Heard: once more")
    assert page.url == more
    page.go_forward()
    expect(answer(page)).to_contain_text("Heard: about tools")
    page.reload()
    expect(answer(page)).to_contain_text("Heard: about tools")
    assert page.url == tools
    # An address under the wrong mode is that conversation's all the same.
    page.goto(more.replace("/?", "/documents?"))
    expect(answer(page)).to_contain_text("Heard: once more")
    assert page.url == more


def test_rename_pin_delete_and_undo(visitor: Visitor) -> None:
    page = visitor.open()
    for words in ("the first", HOSTILE, "the last"):
        ask(page, words)
        new(page)
    title = "<script>alert(1)</script> **b** [x](javascript:alert(1))"
    expect(listed(page).nth(1)).to_contain_text(title)
    choose(page, "the first", "Pin")
    expect(listed(page).first).to_contain_text("the first")
    expect(page.get_by_role("region", name="Pinned").locator("li")).to_have_count(1)

    choose(page, "the last", "Rename")
    field = page.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    field.fill(f"*{title}*")
    field.press("Enter")
    expect(row(page, f"*{title}*")).to_be_visible()
    choose(page, "the first", "Rename")
    page.get_by_role("textbox", name="Title").fill("not this")
    page.keyboard.press("Escape")
    expect(row(page, "the first")).to_be_visible()

    row(page, "the first").get_by_role("link").click()
    expect(answer(page)).to_contain_text("Heard: the first")
    shown = page.url
    choose(page, "the first", "Delete")
    expect(page.get_by_text(GREETINGS[""])).to_be_visible()
    expect(row(page, "the first")).to_have_count(0)
    button(page, "Undo").click()
    expect(answer(page)).to_contain_text("Heard: the first")
    assert page.url == shown
    choose(page, "the first", "Unpin")
    expect(page.get_by_role("region", name="Pinned")).to_have_count(0)
    shot(page, "list-hostile")


def test_search_finds_texts_and_says_where_there_are_none(visitor: Visitor) -> None:
    page = visitor.open()
    ask(page, "a question about cats")
    ask(page, "the answer is in Hamburg: 水稻")
    new(page)
    ask(page, "a question about dogs")
    search = page.get_by_role("searchbox", name="Search conversations")
    search.fill("hamb")
    expect(listed(page)).to_have_count(1)
    expect(listed(page)).to_contain_text("Hamburg: 水稻")
    search.fill("水稻")
    expect(listed(page)).to_contain_text("a question about cats")
    shot(page, "list-search")
    search.fill("zebra")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    search.fill("")
    expect(listed(page)).to_have_count(2)


def test_a_temporary_conversation_is_neither_listed_nor_stored(visitor: Visitor) -> None:
    page = visitor.open()
    ask(page, "to be kept")
    kept = page.url
    leave(page).click()
    notice = page.get_by_text("Temporary conversation: nothing of it is stored.", exact=False)
    expect(notice).to_be_visible()
    ask(page, "my secret wish")
    button(page, "Retry").click()
    expect(answer(page)).to_contain_text("Heard: my secret wish")
    page.locator(AT_REST).wait_for()
    expect(listed(page)).to_have_count(1)
    page.reload()
    expect(answer(page)).to_contain_text("Heard: my secret wish")
    expect(notice).to_be_visible()
    shot(page, "list-temporary")
    row(page, "to be kept").get_by_role("link").click()
    expect(answer(page)).to_contain_text("Heard: to be kept")
    expect(notice).to_have_count(0)
    assert page.url == kept
    for path in visitor.app.data.rglob("*"):
        assert path.is_dir() or b"secret wish" not in path.read_bytes()


def test_delete_all_asks_first_and_ends_what_runs(visitor: Visitor) -> None:
    page = visitor.open("tools")
    ask(page, "one")
    new(page)
    send(page, f"run {HOLD.format('deleted')}")
    expect(calls(page).last.get_by_text("running")).to_be_visible()
    menu = button(page, "All conversations").first
    for answer_given, left in (("Keep them", 2), ("Delete all", 0)):
        menu.click()
        page.get_by_role("menuitem", name="Delete all…").click()
        expect(button(page, "Delete all")).to_be_visible()
        shot(page, "list-delete-all")
        button(page, answer_given).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(listed(page)).to_have_count(left)
    expect(page.get_by_text(GREETINGS["tools"])).to_be_visible()
    assert not any(visitor.app.data.rglob("deleted"))
    assert ask(page, "and on") == "Heard: and on"


def test_a_running_conversation_takes_the_place_of_a_long_one_at_once(visitor: Visitor) -> None:
    page = visitor.open("tools")
    send(page, f"run {HOLD.format('place')}")
    expect(calls(page).last.get_by_text("running")).to_be_visible()
    title = listed(page).first.locator(".title").inner_text()
    new(page)
    for number in range(3):
        ask(page, f"message {number}")
    row(page, title).get_by_role("link").click()
    expect(calls(page).last.get_by_text("running")).to_be_visible()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    stop(page).click()
    page.locator(AT_REST).wait_for()


def test_nobody_finds_another_ones_conversation(app: RunningApp, visit: Visit) -> None:
    mine, yours = visit(app), visit(app)
    page, other = mine.open(), yours.open()
    ask(page, "words of one")
    ask(other, "words of the other")
    address = page.url
    other.goto(address)
    expect(other.get_by_text("is no longer there, or it is not yours")).to_be_visible()
    assert said(other) == "Heard: words of the other"
    expect(listed(other)).to_have_count(1)
    assert "words of one" not in other.locator("body").inner_text()
    other.get_by_role("searchbox", name="Search conversations").fill("words")
    expect(listed(other)).to_have_count(1)
    assert ask(other, "and on") == "Heard: and on"


def test_what_is_sent_to_a_deleted_conversation_begins_a_new_one(visitor: Visitor) -> None:
    first = visitor.open()
    ask(first, "to be deleted")
    gone = first.url
    second = visitor.open()
    expect(answer(second)).to_contain_text("to be deleted")
    new(second)
    ask(second, "to stay")
    choose(second, "to be deleted", "Delete")
    expect(listed(second)).to_have_count(1)
    box(first).fill("all the same")
    box(first).press("Enter")
    expect(answer(first)).to_contain_text("Heard: all the same")
    expect(first.get_by_test_id("stChatMessage")).to_have_count(2)
    expect(first.get_by_text("is no longer there, or it is not yours")).to_be_visible()
    assert ask(second, "and on") == "Heard: and on"
    expect(second.get_by_test_id("stChatMessage")).to_have_count(4)
    first.goto(gone)
    expect(first.get_by_text("is no longer there, or it is not yours")).to_be_visible()


def test_on_a_phone_the_sidebar_makes_room(app: RunningApp, visit: Visit) -> None:
    page = visit(app, is_mobile=True, has_touch=True).open()
    ask(page, "هذا عنوان طويل جدا باللغة العربية لاختبار كيفية قص العناوين")
    new(page)
    ask(page, "something else")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.get_by_test_id("stExpandSidebarButton").tap()
    listed(page).last.get_by_role("button", name="Options of").tap()
    shot(page, "list-phone")
    page.keyboard.press("Escape")
    listed(page).last.get_by_role("link").tap()
    expect(answer(page)).to_contain_text("Heard: هذا")
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    assert overflow(page) <= 0


def test_a_damaged_history_is_told_on_every_page(
    server: ScriptedServer, browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"this is no database" * 1000)
    model = {"GLM_MODEL": f"{server.url}#scripted", "GLM_API_KEY": KEY}
    with start_app({**model, "GLM_DATA": str(tmp_path)}) as app:
        visitor = Visitor(app, browser.new_context())
        page = visitor.open()
        told = page.get_by_text("The history's file was damaged and put aside", exact=False)
        expect(told).to_be_visible()
        assert ask(page, "all the same") == "Heard: all the same"
        page.goto(f"{app.url}/tools")
        expect(told).to_be_visible()
        expect(row(page, "all the same")).to_be_visible()
        visitor.check()
        visitor.context.close()
    assert len([*folder.glob("history.damaged-*.db")]) == 1
