"""Accounts that a trusted proxy names, on the real server: pages, files, and forged headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.support.page_client import PageClient, open_page, visit
from tests.support.raw_http import ask
from tests.support.running_app import RunningApp, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text

PATIENCE_S = 60.0
PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
USER = "X-Forwarded-User"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer([[Text("Here it is."), Finish()]]) as server:
        yield server


@pytest.fixture(scope="module")
def app(endpoint: ScriptedServer) -> Iterator[RunningApp]:
    environment = {
        "GLM_MODEL": f"{endpoint.url}#scripted",
        "GLM_TRUSTED_HEADER": USER,
        "GLM_TRUSTED_PROXIES": f"{PROXY}/32",
        "GLM_ADMINS": "root@example.org",
    }
    with start_app(environment) as running:
        yield running


def conversations(page: PageClient) -> str:
    """What the page's list of conversations holds."""
    every = page.elements.values()
    return " ".join(str(each) for each in every if each.WhichOneof("type") == "bidi_component")


async def at_rest(page: PageClient, name: str = "") -> PageClient:
    await page.rerun(name=name)
    await page.until(lambda page: page.at_rest, PATIENCE_S)
    return page


async def listed(
    app: RunningApp, headers: Mapping[str, str], source: str, cookies: dict[str, str] | None = None
) -> str:
    """The visitor's conversations as the first page lists them."""
    known = cookies or await asyncio.to_thread(visit, app.url)
    async with open_page(app.url, cookies=known, headers=headers, source=source) as page:
        return conversations(await at_rest(page))


async def say(
    app: RunningApp, text: str, headers: Mapping[str, str], cookies: dict[str, str] | None = None
) -> None:
    known = cookies or await asyncio.to_thread(visit, app.url)
    async with open_page(app.url, cookies=known, headers=headers, source=PROXY) as page:
        await at_rest(page)
        await page.send(text)
        await page.until(lambda page: page.answered, PATIENCE_S)


def test_an_account_is_the_same_person_in_every_browser_and_nobody_else_is(
    app: RunningApp,
) -> None:
    ann, bob = {USER: "ann"}, {USER: "bob"}

    async def use() -> None:
        await say(app, "a question of Ann", ann)
        assert "a question of Ann" in await listed(app, ann, PROXY)
        for headers, source in (
            (bob, PROXY),
            ({}, PROXY),
            (ann, STRANGER),
            # Whoever says to come from the proxy comes from where the connection does.
            (ann | {"X-Forwarded-For": PROXY}, STRANGER),
            (ann | {"X-Forwarded-For": PROXY, "X-Real-IP": PROXY}, STRANGER),
        ):
            assert "a question of Ann" not in await listed(app, headers, source)

    asyncio.run(use())


def test_the_files_of_an_account_go_to_the_account_only(app: RunningApp) -> None:
    eve = {USER: "eve"}
    asyncio.run(say(app, "a question of Eve", eve))
    [folder] = [
        each
        for each in app.data.glob("*/sessions/*")
        if each.is_dir() and file(app, each.name, eve, PROXY, text="Eve's") is not None
    ] or [None]
    assert folder is not None
    path = f"/files/{folder.name}/note.txt"
    assert ask(app.url, path, eve, source=PROXY).body == b"Eve's"
    for headers, source in (
        ({USER: "ann"}, PROXY),
        ({}, PROXY),
        (eve, STRANGER),
        (eve | {"X-Forwarded-For": PROXY}, STRANGER),
    ):
        assert ask(app.url, path, headers, source=source).status == 404


def file(
    app: RunningApp, folder: str, headers: Mapping[str, str], source: str, text: str
) -> bytes | None:
    """Puts a file into a session's folder and asks for it."""
    [place] = app.data.glob(f"*/sessions/{folder}")
    (place / "note.txt").write_text(text)
    answer = ask(app.url, f"/files/{folder}/note.txt", headers, source=source)
    return answer.body if answer.status == 200 else None


def test_two_names_are_none(app: RunningApp) -> None:
    async def use() -> None:
        await say(app, "a question of Zoe", {USER: "zoe"})
        assert "a question of Zoe" in await listed(app, {USER: "zoe"}, PROXY)
        twice = {USER: "zoe", USER.lower(): "ann"}
        assert "a question of Zoe" not in await listed(app, twice, PROXY)
        assert "a question of Zoe" in await listed(app, {USER.upper(): "zoe"}, PROXY)

    asyncio.run(use())


def test_what_a_browser_had_goes_to_its_first_account_with_the_open_conversation(
    app: RunningApp,
) -> None:
    cookies = visit(app.url)

    async def use() -> None:
        await say(app, "before the login", {}, cookies)
        assert "before the login" in await listed(app, {}, PROXY, cookies)
        async with open_page(app.url, cookies=cookies, headers={USER: "kim"}, source=PROXY) as page:
            await at_rest(page)
            assert "before the login" in conversations(page)
            assert "Here it is." in page.texts, "the open conversation came along"
        assert "before the login" not in await listed(app, {}, PROXY, cookies)
        assert "before the login" in await listed(app, {USER: "kim"}, PROXY)
        # Once: what the browser has after that stays with the browser.
        await say(app, "after the login", {}, cookies)
        assert "after the login" not in await listed(app, {USER: "lee"}, PROXY, cookies)
        assert "after the login" not in await listed(app, {USER: "kim"}, PROXY, cookies)
        assert "after the login" in await listed(app, {}, PROXY, cookies)

    asyncio.run(use())


def test_usage_is_for_admins_alone_and_says_nothing_of_contents(app: RunningApp) -> None:
    async def texts(headers: Mapping[str, str], source: str) -> str:
        known = await asyncio.to_thread(visit, app.url)
        async with open_page(app.url, cookies=known, headers=headers, source=source) as page:
            await at_rest(page, "usage")
            return " ".join(str(each) for each in page.elements.values())

    async def use() -> None:
        await say(app, "a secret of Max's", {USER: "max@example.org"})
        seen = await texts({USER: "root@example.org"}, PROXY)
        assert "max@example.org" in seen and "secret" not in seen
        for headers, source in (
            ({USER: "max@example.org"}, PROXY),
            ({}, PROXY),
            ({USER: "root@example.org"}, STRANGER),
        ):
            assert "Answers being written" not in await texts(headers, source)

    asyncio.run(use())


def test_settings_are_changed_by_admins_alone_and_one_sees_what_another_saved(
    app: RunningApp,
) -> None:
    root, file = {USER: "root@example.org"}, app.data.parent / "glm.toml"

    async def written(page: PageClient, label: str, text: str) -> None:
        state = WidgetState(id=page.widget("text_input", label), string_value=text)
        save = WidgetState(id=page.widget("button", "Save"), trigger_value=True)
        runs = page.runs
        await page.rerun(state, save)
        await page.until(lambda page: page.runs > runs and page.at_rest, PATIENCE_S)

    async def use() -> None:
        known = await asyncio.to_thread(visit, app.url)
        for headers, source in (({USER: "max"}, PROXY), ({}, PROXY), (root, STRANGER)):
            async with open_page(app.url, cookies=known, headers=headers, source=source) as page:
                await at_rest(page, "settings")
                shown = " ".join(str(each) for each in page.elements.values())
                assert "Admins change these." in shown and "GLM_SLOTS" in shown
                assert "root@example.org" not in shown and str(app.data) not in shown
                with pytest.raises(LookupError):
                    page.widget("button", "Save")
        browsers = [await asyncio.to_thread(visit, app.url) for _ in range(2)]
        async with (
            open_page(app.url, cookies=browsers[0], headers=root, source=PROXY) as one,
            open_page(app.url, cookies=browsers[1], headers=root, source=PROXY) as other,
        ):
            await at_rest(one, "settings")
            await at_rest(other, "settings")
            await written(one, "Max tokens", "900")
            await written(other, "Max rounds", "7")  # of a page from before the other change
            assert file.read_text() == "max_tokens = 900\nmax_rounds = 7\n"
            runs = one.runs
            await one.rerun()
            await one.until(lambda page: page.runs > runs and page.at_rest, PATIENCE_S)
            shown = " ".join(str(each) for each in one.elements.values())
            assert '"7"' in shown and '"900"' in shown

    asyncio.run(use())
