"""Signing in with OpenID Connect, at a real provider on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import visitor_of
from tests.e2e.visitor import SHOTS, Visitor, button, puppet
from tests.support.oidc_provider import OidcProvider
from tests.support.raw_http import ask
from tests.support.running_app import RunningApp, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer

ANN = {"sub": "1", "email": "ann@example.org", "email_verified": True}
BOB = {"sub": "2", "email": "bob@example.org", "email_verified": True}
TITLE = "before the login"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def app(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    secrets: Path = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    secrets.write_text(provider.secrets())
    with ScriptedServer(puppet) as server:
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_ADMINS": "ann@example.org",
            "STREAMLIT_SECRETS_FILES": str(secrets),
        }
        with start_app(environment) as running:
            yield running


@pytest.fixture
def visitors(app: RunningApp, browser: object) -> Iterator[list[Visitor]]:
    made = [visitor_of(app, browser) for _ in range(2)]  # type: ignore[arg-type]
    yield made
    for visitor in made:
        visitor.context.close()


def sign_in(page: Page) -> None:
    button(page, "Sign in").click()
    expect(button(page, "Sign out")).to_be_visible()


def cookies(context: BrowserContext) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())}


def entry(page: Page) -> Locator:
    """The conversation in the list."""
    return page.get_by_test_id("stSidebar").get_by_role("link", name=TITLE)


def test_an_account_is_signed_in_and_its_things_are_its_own(
    app: RunningApp, provider: OidcProvider, visitors: list[Visitor]
) -> None:
    desk, phone = visitors
    page = desk.open("")
    send(page, TITLE)
    wait_for_answer(page)
    anonymous = cookies(desk.context)

    provider.claims = ANN
    sign_in(page)
    page.screenshot(path=SHOTS / "signed-in.png")
    expect(page.get_by_text("ann@example.org")).to_be_visible()
    # What the browser had came along, and the admin sees Usage.
    expect(entry(page)).to_be_visible()
    expect(page.get_by_role("link", name="Usage")).to_be_visible()

    # Files go to the account, wherever it is signed in, and not to the cookie that it had.
    [folder] = [each for each in app.data.glob("*/sessions/*") if each.is_dir() and mine(each)]
    path = f"/files/{folder.name}/note.txt"
    assert ask(app.url, path, cookies(desk.context)).body == b"Ann's"
    assert ask(app.url, path, anonymous).status == 404
    other = phone.open("")
    expect(entry(other)).to_have_count(0)
    sign_in(other)
    expect(entry(other)).to_be_visible()
    assert ask(app.url, path, cookies(phone.context)).body == b"Ann's"

    # A cookie that somebody else signed is nobody's.
    forged = cookies(phone.context)["Cookie"].replace("_streamlit_user=", "_streamlit_user=x")
    assert ask(app.url, path, {"Cookie": forged}).status == 404

    button(other, "Sign out").click()
    expect(button(other, "Sign in")).to_be_visible()
    assert provider.ended == 1
    expect(entry(other)).to_have_count(0)
    assert ask(app.url, path, cookies(phone.context)).status == 404

    provider.claims = BOB
    sign_in(other)
    expect(other.get_by_text("bob@example.org")).to_be_visible()
    expect(entry(other)).to_have_count(0)
    expect(other.get_by_role("link", name="Usage")).to_have_count(0)


def mine(folder: Path) -> bool:
    """Whether a session's folder is of the one conversation that has a message; a file in it."""
    (folder / "note.txt").write_text("Ann's")
    return True
