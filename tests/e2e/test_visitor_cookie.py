"""A visitor is known again by the cookie that this server gave out, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from app.core.process_folder import LOCK
from app.core.visitor_tokens import KEY_FILE
from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, ask, said
from tests.support.raw_http import Answer, cookies_set, shake_hands
from tests.support.raw_http import ask as send_raw
from tests.support.running_app import RunningApp, start_app

pytestmark = pytest.mark.e2e

PAGE = {"Accept": "text/html,application/xhtml+xml"}
OTHER_APPS = [
    "a/b=1",
    "prefs=dark mode",
    "x[a]=1",
    'j={"a": 1, "b": [2]}',
    'q="unended',
    "[x]=y",
    "(=)",
    "=",
    "==",
    "=value",
    "name",
    "a=b=c",
    "sp ace=1",
    "t\tab=1",
    "ä=ö",
    "k=\xff",
    r'"\377\073"=1',
    "glm=1",
    "glm_visitors=1",
    "$Version=1; $Path=/",
    "Path=/; Secure; HttpOnly",
    "expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "long=" + "x" * 4000,
    "; ".join(f"c{number}={number}" for number in range(150)),
    ",a=1,b=2",
    ";;; ;",
    "__proto__=1",
    "_streamlit_xsrf=x",
]
"""What other servers on this host may have set, as the browser sends it."""


def page(url: str, cookie: str = "", **headers: str) -> Answer:
    given = {"Cookie": cookie} if cookie else {}
    answer = send_raw(url, "/", PAGE | given | headers)
    assert answer.status == 200
    return answer


def own(answer: Answer) -> tuple[str, str]:
    """Name and value of the visitor's cookie in an answer."""
    ((name, value),) = [
        pair for pair in cookies_set(answer).items() if pair[0].startswith("glm_visitor")
    ]
    return name, value


def attributes(answer: Answer) -> set[str]:
    (line,) = [
        line for line in answer.headers.get_all("Set-Cookie") or () if line.startswith("glm_")
    ]
    return set(line.split("; ")[1:])


@pytest.fixture(scope="module")
def app(endpoint: Scripted) -> RunningApp:
    return endpoint.app


@contextmanager
def served(data: Path) -> Iterator[RunningApp]:
    with start_app({"GLM_DATA": str(data), "GLM_MODEL": "http://127.0.0.1:9/v1#none"}) as app:
        yield app


@pytest.mark.parametrize("others", OTHER_APPS, ids=range(len(OTHER_APPS)))
def test_other_apps_cookies_do_no_harm(app: RunningApp, others: str) -> None:
    name, value = own(page(app.url, others))
    for cookie in (f"{name}={value}; {others}", f"{others}; {name}={value}"):
        assert own(page(app.url, cookie)) == (name, value)
    assert shake_hands(app.url, {"Cookie": f"{others}; {name}={value}"}).status == 101


def test_what_this_server_did_not_give_out_is_not_taken_over(app: RunningApp) -> None:
    name, value = own(page(app.url))
    token, _, signature = value.rpartition(".")
    chosen = [
        *(
            "attacker",
            "",
            '""',
            "0",
            token,
            f"{token}.",
            f"{token}.{signature[:-1]}",
            f".{signature}",
        ),
        *(f"{value}x", f"x{value}", f"{token}x.{signature}", f"{token}.{signature.upper()}"),
        *(
            f"{token}.{signature[::-1]}",
            f"{value}.{signature}",
            f"{token}..{signature}",
            "x" * 3000,
        ),
    ]
    for other in chosen:
        given = own(page(app.url, f"{name}={other}"))
        assert given[0] == name
        assert given[1] not in (other, value)
        assert token not in given[1]
    assert own(page(app.url, f"{name}={value}")) == (name, value)
    assert own(page(app.url, f'{name}="{value}"')) == (name, value)


def test_two_visitors_get_different_cookies(app: RunningApp) -> None:
    assert len({own(page(app.url))[1] for _ in range(10)}) == 10


def test_the_cookie_is_for_this_server_alone(app: RunningApp) -> None:
    plain = page(app.url)
    assert own(plain)[0] == f"glm_visitor_{urlsplit(app.url).port}"
    common = {"Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=34560000"}
    assert attributes(plain) == common
    secure = page(app.url, **{"X-Forwarded-Proto": "https"})
    assert attributes(secure) == common | {"Secure"}
    unnamed = page(app.url, Host="localhost", **{"X-Forwarded-Proto": "https"})
    assert own(unnamed)[0] == "glm_visitor"


def test_only_pages_give_cookies(app: RunningApp) -> None:
    for target in ("/_stcore/health", "/_stcore/host-config", "/files/a/b", "/media/x.png"):
        given = cookies_set(send_raw(app.url, target, {"Accept": "*/*"}))
        assert not [name for name in given if name.startswith("glm_")]


def test_a_visitor_is_known_after_a_restart_and_from_servers_that_share_a_folder(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as first:
        value = own(page(first.url))[1]
        with served(tmp_path) as second:
            cookie = f"glm_visitor_{urlsplit(second.url).port}={value}"
            assert own(page(second.url, cookie))[1] == value
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {KEY_FILE, LOCK}
    with served(tmp_path) as third:
        cookie = f"glm_visitor_{urlsplit(third.url).port}={value}"
        assert own(page(third.url, cookie))[1] == value
    (tmp_path / KEY_FILE).write_bytes(b"damaged")
    with served(tmp_path) as fourth:
        name = f"glm_visitor_{urlsplit(fourth.url).port}"
        assert own(page(fourth.url, f"{name}={value}"))[1] != value
        # A page that is still open goes on, as in a browser that takes no cookies.
        assert shake_hands(fourth.url, {"Cookie": f"{name}={value}"}).status == 101


def test_a_reload_finds_the_conversation_among_other_apps_cookies(
    scripted: Scripted, visit: Visit
) -> None:
    visitor = visit(scripted.app)
    # A page of the same host sets them as any script would.
    first = visitor.open()
    for cookie in ("a/b=1", "prefs=dark mode", "x[a]=1", 'j={"a": 1, "b": "c d"}', "name", "=v"):
        first.evaluate("cookie => { document.cookie = cookie + '; path=/' }", cookie)
    assert ask(first, "remember me") == "Heard: remember me"
    sent = first.evaluate("document.cookie")
    assert "a/b=1" in sent and "dark mode" in sent and "x[a]=1" in sent and '"c d"' in sent
    first.reload()
    expect(first.get_by_test_id("stChatMessage")).to_have_count(2)
    assert said(first) == "Heard: remember me"
    assert said(visitor.open()) == "Heard: remember me"


def test_a_cookie_that_was_planted_shows_nobody_anything(scripted: Scripted, visit: Visit) -> None:
    planted = "planted-by-somebody"
    name = f"glm_visitor_{urlsplit(scripted.app.url).port}"
    victim, attacker = visit(scripted.app), visit(scripted.app)
    for visitor in (victim, attacker):
        for each in (name, "glm_visitor"):
            visitor.context.add_cookies(
                [{"name": each, "value": planted, "url": scripted.app.url, "httpOnly": True}]
            )
    assert ask(victim.open(), "a secret") == "Heard: a secret"
    theirs = attacker.open()
    expect(theirs.get_by_test_id("stChatMessage")).to_have_count(0)
    values = {
        cookie["value"]
        for visitor in (victim, attacker)
        for cookie in visitor.context.cookies()
        if cookie["name"] == name
    }
    assert len(values) == 2 and planted not in values
