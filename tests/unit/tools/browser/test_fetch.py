"""Pages that are fetched, without a browser, from a real server on loopback: what they say, and
every way in which a server can answer badly."""

import gzip
import itertools
import threading
import time
import zlib
from collections.abc import Iterator

import pytest

from tests.support.loopback_web import Answer, Request, Site, html, redirect, words
from tools.browser.base import LINK_CLOSES, LINK_OPENS, Document, Page, ReadFailed
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading.reader import Web, WebReader

TEXT = f"<main><h1>A page</h1><p>{words(80)}</p></main>"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def forbidden() -> Iterator[Site]:
    with Site() as site:
        site.pages["/"] = html("<p>secret</p>")
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Web]:
    web = Web(AddressGuard(allow=(site.address,)), seconds=3)
    yield web
    web.close()


@pytest.fixture
def reader(web: Web, site: Site) -> Iterator[WebReader]:
    site.pages.clear()
    site.asked.clear()
    reader = web.reader()
    yield reader
    reader.close()


def read(reader: WebReader, url: str) -> Page:
    (page,) = reader.read([url], threading.Event())
    if isinstance(page, ReadFailed):
        raise page
    return page


def test_a_page_says_its_title_address_status_and_text(reader, site):
    site.pages["/a"] = redirect("b?x=1#part")
    site.pages["/b"] = html(TEXT, "<title>The  title\n</title>")
    page = read(reader, f"{site.url}/a")
    assert (page.title, page.url, page.status) == ("The title", f"{site.url}/b?x=1", 200)
    assert page.lines[0] == "# A page"
    assert " ".join(page.lines[1:]) == words(80)
    assert page.read_at.tzinfo is not None and page.note == "" and page.screenshot is None


@pytest.mark.parametrize("status", [404, 403, 410, 500, 503])
def test_an_error_is_its_status_in_one_line(reader, site, status):
    site.pages["/"] = html(f"<p>{words(90)}</p>", status=status)
    with pytest.raises(ReadFailed, match=f"^{status} [A-Z]"):
        read(reader, site.url)


def test_redirects_in_a_circle_end(reader, site):
    site.pages["/a"] = redirect("/b")
    site.pages["/b"] = redirect("/a")
    with pytest.raises(ReadFailed, match="in a circle"):
        read(reader, f"{site.url}/a")
    assert len(site.asked) < 15


def test_a_site_that_sets_a_cookie_and_sends_one_back_is_read(reader, site):
    def gate(request: Request) -> None:
        if "seen=1" in request.headers.get("Cookie", ""):
            request.answer(html(TEXT))
        else:
            headers = {"Location": "/gate", "Set-Cookie": "seen=1; Path=/"}
            request.answer(Answer(status=302, headers=headers))

    site.pages["/gate"] = gate
    assert read(reader, f"{site.url}/gate").status == 200


def test_cookies_of_two_sessions_are_apart(web, reader, site):
    site.pages["/set"] = Answer(html(TEXT).body, headers={"Set-Cookie": "who=first; Path=/"})
    site.pages["/"] = html(TEXT)
    other = web.reader()
    for one, path in ((reader, "/set"), (reader, "/"), (other, "/")):
        read(one, f"{site.url}{path}")
    other.close()
    assert [headers.get("cookie") for headers in site.headers[-2:]] == ["who=first", None]


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("http://127.0.0.1:{port}/", "the address is loopback"),
        ("http://localhost:{port}/", "the address is loopback"),
        ("http://2130706433:{port}/", "the address is loopback"),
        ("http://[::ffff:127.0.0.1]:{port}/", "the address is loopback"),
        ("https://127.0.0.1:{port}/", "the address is loopback"),
        ("http://10.0.0.1/", "the address is private"),
        ("http://169.254.169.254/latest/meta-data/", "the address is link-local"),
        ("http://[fd00::1]/", "the address is private"),
        ("file:///etc/passwd", "only addresses that begin with"),
        ("javascript:alert(1)", "only addresses that begin with"),
    ],
)
def test_a_redirect_behind_the_wall_is_refused(reader, site, forbidden, to, why):
    site.pages["/out"] = redirect(to.format(port=forbidden.port))
    with pytest.raises(ReadFailed, match=why):
        read(reader, f"{site.url}/out")
    assert forbidden.connections == 0
    with pytest.raises(ReadFailed, match=why):
        read(reader, to.format(port=forbidden.port))


def test_a_server_cannot_pretend_to_be_the_wall(reader, site):
    site.pages["/"] = Answer(html(TEXT).body, headers={"X-Refused": "no"})
    assert read(reader, site.url).status == 200


def test_why_one_connection_was_not_made_is_kept_when_others_are(web, reader, site):
    """What is known of a host may be of another page's connection by then."""
    site.pages["/"] = html(TEXT)
    read(reader, site.url)
    account = reader._session.account
    account.note = lambda host, port, trouble: None
    with pytest.raises(ReadFailed, match="the address is private"):
        read(reader, "http://10.0.0.1/")


def test_a_hundred_megabytes_of_html_are_cut(reader, site):
    pieces = itertools.chain([b"<main><p>"], itertools.repeat(words(2000).encode(), 5000))
    site.pages["/"] = lambda request: request.stream(lambda: next(pieces, None))
    page = read(reader, site.url)
    assert page.note == "cut at 5.0 MB"
    assert sum(len(line) for line in page.lines) < 6_000_000
    assert next(pieces, None) is not None


def test_a_gzip_bomb_is_cut(reader, site):
    bomb = gzip.compress(b"word " * 20_000_000)
    site.pages["/"] = Answer(bomb, headers={"Content-Encoding": "gzip"})
    assert read(reader, site.url).note == "cut at 5.0 MB"


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (gzip.compress(html(TEXT).body), "gzip"),
        (zlib.compress(html(TEXT).body), "deflate"),
        (zlib.compress(html(TEXT).body)[2:-4], "deflate"),
    ],
)
def test_packed_pages_are_unpacked(reader, site, packed, coding):
    site.pages["/"] = Answer(packed, headers={"Content-Encoding": coding})
    assert words(80) in read(reader, site.url).lines


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_what_cannot_be_unpacked_is_said(reader, site, coding):
    site.pages["/"] = Answer(b"no such thing", headers={"Content-Encoding": coding})
    with pytest.raises(ReadFailed, match="it is packed"):
        read(reader, site.url)


def test_a_page_that_never_ends_is_shown_as_far_as_it_came(reader, site):
    def drip() -> bytes:
        time.sleep(0.05)
        return b"<p>one more paragraph</p>"

    site.pages["/"] = lambda request: request.stream(drip)
    page = read(reader, site.url)
    assert page.note == "it had not ended after 3 s"
    assert "one more paragraph" in page.lines


def test_a_page_that_never_answers_is_given_up(reader, site):
    site.pages["/"] = Request.hang
    with pytest.raises(ReadFailed, match="it did not answer within 3 s"):
        read(reader, site.url)


def test_one_that_sends_its_head_alone_is_given_up(reader, site):
    def head(request: Request) -> None:
        request.stream(lambda: b"" if request.hang() else None)

    site.pages["/"] = head
    with pytest.raises(ReadFailed, match="it sent nothing within 3 s"):
        read(reader, site.url)


def test_stop_ends_the_reading_and_keeps_what_is_there(reader, site):
    site.pages["/"] = html(TEXT)
    stop = threading.Event()

    def slow(request: Request) -> None:
        stop.set()
        request.hang()

    site.pages["/slow"] = slow
    read(reader, site.url)
    page, stopped = reader.read([site.url, f"{site.url}/slow"], stop)
    assert str(stopped) == "it was stopped"
    assert isinstance(page, Page | ReadFailed)


def test_ten_pages_are_read_at_the_same_time_and_each_failure_is_its_own(reader, site):
    together = threading.Barrier(9)

    def meet(request: Request) -> None:
        together.wait(60)
        request.answer(html(TEXT))

    paths = [f"/{number}" for number in range(9)]
    site.pages |= dict.fromkeys(paths, meet)
    pages = reader.read([f"{site.url}{path}" for path in [*paths, "/gone"]], threading.Event())
    assert [page.status for page in pages[:9]] == [200] * 9
    assert str(pages[9]) == "404 Not Found"


def test_the_same_address_twice_is_read_once(reader, site):
    site.pages["/"] = html(TEXT)
    first, second = reader.read([site.url, site.url], threading.Event())
    assert first is second and len(site.asked) == 1


def test_a_page_in_gbk_without_a_word_about_it_is_read(reader, site):
    text = "中华人民共和国的首都是北京，" * 20
    site.pages["/"] = Answer(f"<main><p>{text}</p></main>".encode("gbk"), type="text/html")
    assert text in "".join(read(reader, site.url).lines)


def test_a_charset_that_lies_is_not_believed(reader, site):
    text = "北京是中国的首都。" * 20
    body = f"<main><p>{text}</p></main>".encode()
    site.pages["/"] = Answer(body, type="text/html; charset=big5")
    assert text in "".join(read(reader, site.url).lines)


def test_json_and_text_are_shown_as_they_are(reader, site):
    site.pages["/j"] = Answer(b'{"a": [1, "\xe4\xb8\xad"]}', type="application/json")
    site.pages["/t"] = Answer(b"<b>one</b>\n\n  two\n", type="text/plain")
    assert read(reader, f"{site.url}/j").lines == ("{", ' "a": [', "  1,", '  "中"', " ]", "}")
    assert read(reader, f"{site.url}/t").lines == ("<b>one</b>", "  two")


def test_a_document_is_named_or_read_by_the_hook(reader, web, site):
    site.pages["/x"] = Answer(b"%PDF-1.7 \x00\x01", type="application/octet-stream")
    with pytest.raises(ReadFailed, match="a document of type application/pdf"):
        read(reader, f"{site.url}/x")
    web.documents = lambda data, kind, _owner: [f"{kind}: {len(data)} bytes"]
    page = read(reader, f"{site.url}/x")
    assert page.lines == ("application/pdf: 11 bytes",) and page.title == "x"
    assert page.document == Document("x", "application/pdf", b"%PDF-1.7 \x00\x01")
    web.documents = None


@pytest.mark.parametrize("body", ["", " ", "<nav><a href='/x'> </a></nav><script>1</script>"])
def test_an_empty_page_is_said_to_be_empty(reader, site, body):
    site.pages["/"] = html(body)
    with pytest.raises(ReadFailed, match="the page has no text"):
        read(reader, site.url)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<form><p>Sign in</p><input type='password'></form>", "it asks to log in"),
        ("<div class='g-recaptcha'></div><p>Are you human?</p>", "a captcha"),
    ],
)
def test_a_login_wall_and_a_captcha_are_said(reader, site, body, why):
    site.pages["/"] = html(body)
    with pytest.raises(ReadFailed, match=why):
        read(reader, site.url)


def test_what_is_not_http_and_what_does_not_exist_are_one_line(reader, site):
    def nonsense(request: Request) -> None:
        request.wfile.write(b"\x00\x01 hello\r\n\r\n")
        request.close_connection = True

    site.pages["/"] = nonsense
    with pytest.raises(ReadFailed, match="the connection broke off"):
        read(reader, site.url)
    with pytest.raises(ReadFailed, match=r"no secure connection|the connection broke off"):
        read(reader, site.url.replace("http", "https"))
    with pytest.raises(ReadFailed, match="there is no host"):
        read(reader, "http://nowhere.invalid/")


def test_fifty_thousand_links_are_bounded(reader, site):
    links = "".join(
        f"<p>Paragraph {n} with <a href='/p{n}'>link {n}</a>.</p>" for n in range(50_000)
    )
    site.pages["/"] = html(f"<main>{links}</main>")
    page = read(reader, site.url)
    assert len(page.links) == 2000
    assert page.lines[0] == f"Paragraph 0 with {LINK_OPENS}0{LINK_CLOSES}."
    assert page.lines[3000] == "Paragraph 3000 with link 3000."
