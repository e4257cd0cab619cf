"""Settings in a browser: a form that writes `glm.toml`, and what holds at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import KEY, button, shot
from tests.support.running_app import AT_REST, RunningApp, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text

pytestmark = pytest.mark.e2e

OWN = "# my own words\nturns = 5  # for the family\n"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _body: Text("Here.")) as started:
        yield started


@pytest.fixture
def app(server: ScriptedServer, tmp_path: Path) -> Iterator[RunningApp]:
    (tmp_path / "own.toml").write_text(OWN)
    environment = {
        "GLM_MODEL": f"{server.url}#scripted",
        "GLM_API_KEY": KEY,
        "GLM_SETTINGS": str(tmp_path / "own.toml"),
    }
    with start_app(environment) as running:
        yield running


def saved(page: Page) -> None:
    button(page, "Save").click()
    page.locator(AT_REST).wait_for()


def test_settings_are_saved_and_hold_at_once(
    app: RunningApp, server: ScriptedServer, visit: Visit, tmp_path: Path
) -> None:
    file, visitor = tmp_path / "own.toml", visit(app)
    page = visitor.open("settings")
    model = page.get_by_role("textbox", name="Model", exact=True)
    expect(model).to_be_disabled()
    expect(page.get_by_text("fixed by the environment").first).to_be_visible()
    tokens = page.get_by_role("textbox", name="Max tokens")
    tokens.fill("many")
    saved(page)
    expect(page.get_by_text("This should be a whole number.")).to_be_visible()
    assert file.read_text() == OWN
    shot(page, "settings-bad-value")

    tokens.fill("77")
    page.get_by_role("textbox", name="Slots").fill("2")
    saved(page)
    expect(page.get_by_text("This should be")).to_have_count(0)
    expect(page.get_by_text("set in glm.toml")).to_have_count(2)
    assert file.read_text() == f"{OWN}max_tokens = 77\nslots = 2\n"
    chat = visitor.open("")
    send(chat, "hello")
    wait_for_answer(chat)
    assert server.requests[-1].body["max_tokens"] == 77

    page.get_by_role("radio", name="Web").or_(button(page, "Web")).click()
    page.get_by_role("textbox", name="Brave key").fill("brave-secret")
    saved(page)
    expect(page.get_by_placeholder("Set; what you write replaces it")).to_be_visible()
    assert "brave-secret" not in page.content()
    assert file.stat().st_mode & 0o077 == 0
    page.get_by_role("radio", name="Server").or_(button(page, "Server")).click()
    page.get_by_role("textbox", name="Reruns").fill("9")
    saved(page)
    expect(page.get_by_text("waits for a restart")).to_be_visible()
    file.chmod(0o400)
    page.get_by_role("textbox", name="Address pages").fill("9")
    saved(page)
    expect(page.get_by_text("own.toml is read-only. Nothing was changed.")).to_be_visible()
    shot(page, "settings-read-only")
