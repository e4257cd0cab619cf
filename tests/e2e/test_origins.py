"""A page of another origin does nothing here, with whatever cookies the browser sends for it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, ask, said
from tests.support.loopback_web import Answer, Site, html
from tests.support.raw_http import ask as send_raw
from tests.support.raw_http import cookies_set, shake_hands
from tests.support.running_app import RunningApp, start_app

pytestmark = pytest.mark.e2e

REFUSED = b"The request came from a page of another origin."


@pytest.fixture(scope="module")
def outside() -> Iterator[Site]:
    """Stands for every server outside, as the app's proxy."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def proxied(outside: Site) -> Iterator[RunningApp]:
    """An app that a proxy serves as https://glm.example.org, and that reaches no other server."""
    environment = {
        "GLM_ORIGINS": "https://glm.example.org, http://intranet:8080/",
        "GLM_MODEL": f"{outside.url}/v1#none",
        "http_proxy": outside.url,
        "https_proxy": outside.url,
    }
    with start_app(environment) as app:
        yield app


def foreign(url: str) -> list[str]:
    place = urlsplit(url)
    assert place.port is not None
    return [
        "null",
        "",
        "http://127.0.0.1",
        f"http://127.0.0.1:{place.port + 1}",
        f"http://127.0.0.1:{place.port}0",
        f"http://localhost:{place.port}",
        f"http://0.0.0.0:{place.port}",
        f"http://[::1]:{place.port}",
        f"https://127.0.0.1:{place.port}",
        f"http://127.0.0.1:{place.port}.evil.example",
        f"http://127.0.0.1:{place.port}@evil.example",
        f"http://evil.example/{url}",
        f"http://evil.example#{url}",
        f"{url}, http://evil.example",
        f"{url} http://evil.example",
        f"http://evil.example:{place.port}",
        "http://evil.example",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        place.netloc,
    ]


def test_a_socket_opens_for_the_page_s_own_origin(endpoint: Scripted) -> None:
    url = endpoint.app.url
    assert shake_hands(url, {"Origin": url}).status == 101
    assert shake_hands(url, {"Origin": url.upper()}).status == 101
    # No browser: it has no visitor's cookie but its own.
    assert shake_hands(url).status == 101


def test_a_socket_opens_for_no_other_origin(endpoint: Scripted) -> None:
    url = endpoint.app.url
    for origin in foreign(url):
        answer = shake_hands(url, {"Origin": origin})
        assert (origin, answer.status) == (origin, 403)


def test_nothing_is_sent_or_read_for_another_origin(endpoint: Scripted) -> None:
    url = endpoint.app.url
    targets = ["/", "/_stcore/upload_file/session/file", "/files/folder/a.txt", "/media/a.png"]
    for origin in foreign(url):
        for target in targets:
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                answer = send_raw(url, target, {"Origin": origin}, method)
                assert (origin, target, method, answer.status) == (origin, target, method, 403)
                assert answer.body == REFUSED
                assert "Access-Control-Allow-Origin" not in answer.headers
                assert cookies_set(answer) == {}
    assert send_raw(url, "/", {"Origin": url, "origin": "http://evil.example"}).status == 403
    assert send_raw(url, "/", {"Origin": url}).status == 200


def test_behind_a_proxy_the_scheme_is_the_browser_s(endpoint: Scripted) -> None:
    url = endpoint.app.url
    secure = url.replace("http://", "https://")
    for forwarded in ("https", "HTTPS", "https, http"):
        headers = {"X-Forwarded-Proto": forwarded}
        assert shake_hands(url, headers | {"Origin": secure}).status == 101
        assert shake_hands(url, headers | {"Origin": url}).status == 403
        assert shake_hands(url, headers | {"Origin": "https://evil.example"}).status == 403
    # Who the page says that the proxy was asked as is nobody's word.
    headers = {"X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
    assert shake_hands(url, headers).status == 403


def test_a_named_origin_is_the_app_s_own(proxied: RunningApp) -> None:
    url = proxied.url
    for origin in (
        "https://glm.example.org",
        "https://glm.example.org:443",
        "http://intranet:8080",
    ):
        # A proxy passes on the name that it was asked as, or it does not.
        for host in (urlsplit(url).netloc, "glm.example.org"):
            assert shake_hands(url, {"Origin": origin, "Host": host}).status == 101
            answer = send_raw(url, "/", {"Origin": origin, "Host": host, "Accept": "text/html"})
            assert answer.status == 200
    for origin in ("http://glm.example.org", "https://glm.example.org:8443", "https://intranet"):
        assert shake_hands(url, {"Origin": origin}).status == 403
    log = proxied.log.read_text("utf-8")
    assert "a page of 'https://intranet' was refused" in log
    assert "Traceback" not in log and "handshake" not in log
    assert shake_hands(url, {"Host": "evil.example"}).status == 400


def test_no_origin_makes_the_server_ask_for_its_outer_address(
    proxied: RunningApp, outside: Site
) -> None:
    outside.pages["/"] = Answer(b"192.0.2.1", "text/plain")
    for origin in (*foreign(proxied.url), "https://glm.example.org", "http://intranet:8080"):
        shake_hands(proxied.url, {"Origin": origin})
        send_raw(proxied.url, "/_stcore/upload_file/a/b", {"Origin": origin}, "PUT", b"x")
    # Where Streamlit 1.67 asks.
    assert [path for path in outside.asked if "checkip" in path] == []


TRY = """async address => {
  const socket = await new Promise(resolve => {
    const tried = new WebSocket(`ws://${address}/_stcore/stream`, ["streamlit"])
    tried.onopen = () => resolve("opened")
    tried.onerror = () => resolve("refused")
  })
  const upload = await fetch(`http://${address}/_stcore/upload_file/a/b`,
    {method: "PUT", credentials: "include", body: "x"}).then(() => "answered", () => "refused")
  const form = new FormData()
  form.set("a", new Blob(["x"]), "a.txt")
  await fetch(`http://${address}/_stcore/upload_file/a/b`,
    {method: "POST", mode: "no-cors", credentials: "include", body: form}).catch(() => null)
  return [socket, upload]
}"""
"""What a page can do to an address, as its scripts see it."""


def test_a_page_on_another_port_does_nothing_in_a_real_browser(
    scripted: Scripted, visit: Visit
) -> None:
    visitor = visit(scripted.app)
    page = visitor.open()
    assert ask(page, "my secret") == "Heard: my secret"
    address = urlsplit(scripted.app.url).netloc
    with Site() as site:
        site.pages["/"] = html("<p>a page of somebody else</p>")
        other: Page = visitor.context.new_page()
        other.goto(site.url)
        assert other.evaluate(TRY, address) == ["refused", "refused"]
        other.close()
    visitor.asked.clear()  # the other page was asked for by this test
    # The page itself goes on, and finds its conversation again.
    assert ask(page, "still here") == "Heard: still here"
    page.reload()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(4)
    assert said(page) == "Heard: still here"
