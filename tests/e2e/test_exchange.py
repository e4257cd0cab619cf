"""Conversations out and in, in a browser: an export by its link, an import of ChatGPT's export, and
a share link that another visitor opens until it is revoked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.visitor import KEY, ask, box, puppet
from tests.support.running_app import AT_REST, RunningApp, start_app
from tests.support.scripted_server import ScriptedServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GPT = [
    {
        "title": "A talk from elsewhere",
        "create_time": 1.7e9,
        "current_node": "b",
        "mapping": {
            "a": {
                "parent": None,
                "children": ["b"],
                "message": {
                    "author": {"role": "user"},
                    "content": {"content_type": "text", "parts": ["<b>Where</b> is the moon?"]},
                },
            },
            "b": {
                "parent": "a",
                "children": [],
                "message": {
                    "author": {"role": "assistant"},
                    "content": {"content_type": "text", "parts": ["Up there"]},
                },
            },
        },
    }
]


@pytest.fixture(scope="module")
def app() -> Iterator[RunningApp]:
    with ScriptedServer(puppet) as server:
        environment = {"GLM_MODEL": f"{server.url}#scripted", "GLM_API_KEY": KEY}
        with start_app(environment | {"GLM_SHARING": "on"}) as running:
            yield running


@pytest.fixture
def page(app: RunningApp, browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app.url}/")
    box(page).wait_for()
    yield page
    context.close()


def open_dialog(page: Page, tab: str) -> None:
    page.locator(AT_REST).wait_for()
    page.get_by_role("button", name="All conversations").click()
    page.get_by_text("Export and import…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=tab).click()


def close_dialog(page: Page) -> None:
    page.locator(AT_REST).wait_for()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")


def test_exports_are_downloads_of_ones_own(page: Page, browser: Browser, app: RunningApp):
    ask(page, "hello <script>alert(1)</script>")
    open_dialog(page, "Export")
    dialog = page.get_by_role("dialog")
    with page.expect_download() as waiting:
        dialog.get_by_role("link", name="HTML").first.click()
    download = waiting.value
    assert download.suggested_filename.endswith(".html")
    text = Path(download.path()).read_text("utf-8")
    assert "hello &lt;script&gt;" in text and "<script" not in text
    page.screenshot(path="shots/export.png") if Path("shots").is_dir() else None
    with page.expect_download() as waiting:
        dialog.get_by_role("link", name="JSON").last.click()
    assert waiting.value.suggested_filename == "conversations.zip"
    address = download.url
    own = page.request.get(address)
    assert own.status == 200 and own.headers["cache-control"] == "no-store"
    assert own.headers["content-disposition"].startswith("attachment")
    stranger = browser.new_context()
    stranger.new_page().goto(app.url)
    assert stranger.request.get(address).status == 404
    assert stranger.request.get(f"{app.url}/export/all/markdown").status == 200
    assert page.request.get(f"{app.url}/export/all/exe").status == 404
    stranger.close()


def test_an_export_of_chatgpt_is_imported(page: Page, app: RunningApp):
    open_dialog(page, "Import")
    dialog = page.get_by_role("dialog")
    field = dialog.locator('input[type="file"]')
    field.set_input_files(
        {"name": "conversations.json", "mimeType": "application/json", "buffer": b"{broken"}
    )
    dialog.locator(".st-key-import-now button:enabled").click()
    dialog.get_by_test_id("stAlert").wait_for()
    field.set_input_files(
        {
            "name": "conversations.json",
            "mimeType": "application/json",
            "buffer": json.dumps(GPT).encode(),
        }
    )
    dialog.locator(".st-key-import-now button:enabled").click()
    dialog.get_by_text("1 conversation was imported").wait_for()
    close_dialog(page)
    page.get_by_test_id("stSidebar").get_by_text("A talk from elsewhere").first.click()
    page.get_by_text("Up there").wait_for()
    assert page.get_by_text("<b>Where</b> is the moon?").first.is_visible()


def test_a_link_is_read_by_others_until_it_is_revoked(
    page: Page, browser: Browser, app: RunningApp
):
    ask(page, "something to share")
    open_dialog(page, "Share")
    dialog = page.get_by_role("dialog")
    dialog.locator(".st-key-share-now button").click()
    link = dialog.get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{app.url}/share/")
    close_dialog(page)
    ask(page, "said afterwards")

    stranger = browser.new_context()
    reader = stranger.new_page()
    response = reader.goto(link)
    assert response is not None and response.status == 200
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert reader.get_by_text("something to share").first.is_visible()
    assert reader.get_by_text("said afterwards").count() == 0
    assert reader.evaluate("self.origin") == "null"
    wrong = stranger.request.get(link[:-1] + ("A" if link[-1] != "A" else "B"))
    assert wrong.status == 404
    id = page.url.partition("c=")[2]
    assert stranger.request.get(f"{app.url}/export/{id}/json").status == 404

    open_dialog(page, "Share")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_text("None.").wait_for()
    response = reader.goto(link)
    assert response is not None and response.status == 404
    stranger.close()
