"""What a browser is told about the app's responses, and who gets the media of a page."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.test_python_files import NOTEBOOK, runs
from tests.e2e.visitor import Scripted, ask, box, button, calls
from tests.support.raw_http import ask as request
from tests.support.running_app import AT_REST

pytestmark = pytest.mark.e2e

PAGES = ("", "tools", "documents", "vision", "settings", "no/such/page", "a//b", "index.html")
REST = (
    "_stcore/health",
    "_stcore/host-config",
    "_stcore/metrics",
    "media/0123.png",
    "files/a/b",
    "pages/a/1/0-1",
    "favicon.png",
    "manifest.json",
)
PICTURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


def test_every_page_has_the_whole_policy(scripted: Scripted, visit: Visit) -> None:
    asking = visit(scripted.app).context.request
    for path in PAGES:
        for accept in ("text/html", "*/*", "image/png"):
            reply = asking.get(f"{scripted.app.url}/{path}", headers={"Accept": accept})
            policy = reply.headers["content-security-policy"]
            given = dict(one.split(" ", 1) for one in policy.split("; "))
            assert given["default-src"] == given["style-src"].split(" ")[0] == "'self'", path
            assert {given[f"{kind}-src"] for kind in ("object", "frame", "worker")} == {"'none'"}
            assert given["frame-ancestors"] == given["base-uri"] == "'none'"
            assert "unsafe" not in given["script-src"] and "data:" not in given["script-src"]
            assert reply.headers["x-frame-options"] == "DENY"
            assert reply.headers["cache-control"] == "no-store"
        # Who has the page from a cache is told that it is the same, with the same policy.
        tag = {"If-None-Match": reply.headers["etag"]} if "etag" in reply.headers else {}
        again = asking.get(f"{scripted.app.url}/{path}", headers={"Accept": "*/*", **tag})
        assert again.headers["content-security-policy"] == policy, (path, again.status)


def test_everything_else_is_sniffed_framed_and_kept_by_nobody(
    scripted: Scripted, visit: Visit
) -> None:
    asking = visit(scripted.app).context.request
    for path in REST:
        headers = asking.get(f"{scripted.app.url}/{path}").headers
        check_rest(path, headers)
    upload = "_stcore/upload_file/a/b"
    check_rest(upload, asking.put(f"{scripted.app.url}/{upload}", data=b"x").headers)
    # Streamlit's own bundle is nobody's, and stays in caches.
    page = visit(scripted.app).open()
    address = page.locator('script[type="module"]').first.get_attribute("src")
    bundle = asking.get(f"{scripted.app.url}/{str(address).removeprefix('./')}").headers
    assert "immutable" in bundle["cache-control"]
    assert bundle["x-content-type-options"] == "nosniff"


def test_no_script_runs_that_is_not_the_apps(scripted: Scripted, visit: Visit) -> None:
    browser = visit(scripted.app).context.browser
    assert browser is not None
    page = browser.new_page()  # whose refusals are no faults
    page.goto(scripted.app.url)
    box(page).wait_for()
    ran = page.evaluate(
        """async () => {
          window.ran = []
          const add = (fill) => {
            const script = document.createElement("script")
            fill(script)
            document.body.append(script)
          }
          add(script => { script.textContent = "window.ran.push('inline')" })
          add(script => { script.src = "data:text/javascript,window.ran.push('data')" })
          add(script => { script.src = "http://127.0.0.1:9/script.js" })
          const button = document.createElement("button")
          button.setAttribute("onclick", "window.ran.push('attribute')")
          document.body.append(button)
          button.click()
          // Later: what a test evaluates may do more at once.
          setTimeout(() => {
            try { new Function("window.ran.push('function')")() } catch {}
            try { window.eval("window.ran.push('eval')") } catch {}
          }, 50)
          await new Promise(after => setTimeout(after, 300))
          return window.ran
        }"""
    )
    assert ran == []
    page.close()


def test_the_app_is_not_shown_in_a_frame(scripted: Scripted, visit: Visit) -> None:
    with served(f'<iframe src="{scripted.app.url}"></iframe>'.encode()) as address:
        browser = visit(scripted.app).context.browser
        assert browser is not None
        page = browser.new_page()
        page.goto(address)
        framed = page.frames[-1]
        expect(page.locator("iframe")).to_have_count(1)
        assert framed.url.startswith("chrome-error:") and "root" not in framed.content()
        page.close()


def test_media_go_to_the_visitor_on_whose_page_they_are(scripted: Scripted, visit: Visit) -> None:
    scripted.says(*runs(PICTURE))
    owner, stranger = visit(scripted.app), visit(scripted.app)
    stranger.open("tools").locator(AT_REST).wait_for()
    page = owner.open("tools")
    ask(page, "draw")
    picture = calls(page).locator("img").first
    expect(picture).to_be_visible()
    # Streamlit forgets a download once two pages were drawn, whoever's: none is from here on.
    page.locator(AT_REST).wait_for()
    addresses = [str(picture.evaluate("image => image.src")), downloaded(page)]
    for address in addresses:
        assert "/media/" in address
        reply = owner.context.request.get(address)
        assert reply.status == 200 and reply.headers["cache-control"] == "no-store"

    def status(asked: tuple[str, str]) -> int:
        address, cookie = asked
        headers = {"Cookie": cookie} if cookie else {}
        return request(scripted.app.url, urlsplit(address).path, headers).status

    # All at a time: a media file that is on no page is waited for a little.
    with ThreadPoolExecutor(4) as pool:
        others = pool.map(status, product(addresses, (stranger.cookie, "")))
        assert list(others) == [404] * 4
    # A reload shows it again.
    page.reload()
    page.wait_for_function(
        "() => [...document.images].some(image => image.naturalWidth > 100)", timeout=30_000
    )


def check_rest(path: str, headers: dict[str, str]) -> None:
    """What holds for a response that is no page."""
    assert headers["x-content-type-options"] == "nosniff", path
    assert headers["cache-control"] == "no-store", path
    assert headers["cross-origin-resource-policy"] == "same-origin", path
    assert "sandbox" in headers["content-security-policy"], path


def downloaded(page: Page) -> str:
    """The address that the notebook came from."""
    with page.expect_download() as waiting:
        button(page, NOTEBOOK).click()
    return waiting.value.url


@contextmanager
def served(body: bytes) -> Iterator[str]:
    """A page of another server on this host."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
