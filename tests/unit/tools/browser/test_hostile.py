"""What strangers may try against the server itself: a page that takes its time or its memory, or a
model that was talked into an odd call. Each would freeze the process or fill the machine, so that
what is checked is mostly that an answer comes at all."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support.loopback_web import Answer, Request, Site, html, words
from tools.browser.base import Page, ReadFailed
from tools.browser.calls.call import NoCall, make_call
from tools.browser.calls.expression import read_call
from tools.browser.html.main_text import LAID_OUT, html_text, json_lines
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading import chromium as chromium_module
from tools.browser.reading.chromium import MEMORY, Chromium
from tools.browser.reading.reader import Web, WebReader
from tools.fair_queue import FairQueue

needs_chromium = pytest.mark.skipif(
    chromium_module.executable() is None, reason="Chromium is not installed"
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Web]:
    web = Web(AddressGuard(allow=(site.address, "*.slow.example")), Chromium(), seconds=20)
    yield web
    web.close()


@pytest.fixture
def reader(web: Web, site: Site) -> Iterator[WebReader]:
    site.pages.clear()
    reader = web.reader()
    yield reader
    reader.close()


def read(reader: WebReader, url: str) -> Page:
    (page,) = reader.read([url], threading.Event())
    if isinstance(page, ReadFailed):
        raise page
    return page


def test_numbers_without_end_are_no_ids() -> None:
    for ids in ("1" * 60 + "x", "1 " * 900 + "x", "-" * 1_500):
        with pytest.raises(NoCall, match="whole numbers"):
            make_call("mclick", named={"ids": ids})
    assert make_call("mclick", named={"ids": "[0, 12] 【3】、-4"}).arguments["ids"] == (
        0,
        12,
        3,
        -4,
    )


def test_blank_lines_without_end_are_no_call() -> None:
    with pytest.raises(NoCall):
        read_call("```json\n{" + "\n" * 15_000 + "x")


def test_a_page_of_beginnings_is_read(reader: WebReader, site: Site) -> None:
    # Patterns that begin again at each of these look to the end of the page each time.
    beginnings = "<div " * 30_000 + "<noscript>" * 10_000
    site.pages["/"] = html(f"<main><p>{words(60)}</p></main><script>1</script>{beginnings}")
    assert words(60) in read(reader, site.url).lines


def test_brackets_in_brackets_are_not_laid_out_to_the_end() -> None:
    deep = "[" * 900 + "]" * 900
    laid_out = json_lines(f"[{','.join([deep] * 100)}]")
    assert LAID_OUT / 2 < sum(map(len, laid_out)) < 2 * LAID_OUT
    assert json_lines("[" * 100_000) == ["[" * 100_000]


@pytest.mark.parametrize(
    ("html", "signs"),
    [
        ("<p>x</p><script>1</script>", ("scripts",)),
        ("<p>x</p><meta http-equiv=Refresh content=1>", ("scripts",)),
        ("<iframe src=/x></iframe>", ("scripts",)),
        ("<div id=root>\n</div>", ("empty root",)),
        ("<div id=root><p>x</p></div>", ()),
        ("<noscript>Please enable JavaScript.</noscript>", ("asks for scripts",)),
        ("<noscript><img src=/count></noscript> enable javascript", ()),
        ("<form><input type=Password></form>", ("password",)),
        ("<div class=h-captcha></div>", ("captcha",)),
    ],
)
def test_what_a_page_says_about_itself(html: str, signs: tuple[str, ...]) -> None:
    assert html_text(f"<body>{html}</body>", "http://x.example/").signs == signs


def test_names_that_take_long_keep_nobody_else_waiting(
    web: Web, reader: WebReader, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/"] = html(f"<main><p>{words(60)}</p></main>")
    asked, over, look_up = threading.Semaphore(0), threading.Event(), socket.getaddrinfo

    def slowly(host: str, *rest: object, **named: object) -> object:
        if str(host).endswith("slow.example"):
            asked.release()
            over.wait(60)
            raise OSError
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    others = [web.reader() for _ in range(4)]
    works = [
        threading.Thread(target=other.read, args=(urls, over))
        for at, other in enumerate(others)
        if (urls := [f"http://a{at}-{n}.slow.example/" for n in range(10)])
    ]
    for work in works:
        work.start()
    for _ in range(40):
        assert asked.acquire(timeout=60)
    assert words(60) in read(reader, site.url).lines
    over.set()
    for work, other in zip(works, others, strict=True):
        work.join()
        other.close()


def test_large_headers_are_passed_on(reader: WebReader, site: Site) -> None:
    answer = html(f"<main><p>{words(60)}</p></main>")
    site.pages["/"] = Answer(answer.body, headers={"Content-Security-Policy": "x " * 30_000})
    assert words(60) in read(reader, site.url).lines


@needs_chromium
def test_a_page_cannot_change_what_looks_at_it(reader: WebReader, site: Site) -> None:
    script = """
    const flood = () => 'x'.repeat(5e7);
    Array.prototype.join = flood; String.prototype.replace = flood; JSON.stringify = flood;
    Element.prototype.getAttribute = () => { throw 1 };
    Object.defineProperty(Node.prototype, 'childNodes', {get: () => { throw 1 }});
    document.title = flood(); document.body.className = flood();
    """
    names = "childNodes tagName nodeType getAttribute shadowRoot href body title readyState"
    fields = "".join(f"<input name={name}><img name={name}>" for name in names.split())
    site.pages["/"] = html(
        f"<form>{fields}<p id=x></p></form><form name=body></form>"
        f"<script>document.getElementById('x').textContent = '{words(60)}';{script}</script>"
    )
    page = read(reader, site.url)
    assert page.lines == (words(60),) and page.note == ""


@needs_chromium
def test_frames_of_another_site_are_read_in_their_places(
    web: Web, reader: WebReader, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = "<iframe width=400 height=300 src={}></iframe>".format
    with Site("127.0.0.2") as other:
        monkeypatch.setattr(web.proxy, "wall", AddressGuard(allow=(site.address, other.address)))
        site.pages["/"] = html(f"<p>First.</p>{frame(other.url + '/a')}<p>Last.</p>")
        other.pages["/a"] = html(f"<p>Of another.</p>{frame(site.url + '/b')}")
        site.pages["/b"] = html("<p>Back at home.</p>")
        lines = ("First.", "Of another.", "Back at home.", "Last.")
        assert read(reader, site.url).lines == lines


@needs_chromium
@pytest.mark.skipif(not psutil.LINUX, reason="other systems know no such bound")
def test_a_page_gets_no_more_memory_than_is_good(reader: WebReader, site: Site) -> None:
    script = "try { new Uint8Array(3e9); said = 'taken' } catch { said = 'refused' }"
    site.pages["/"] = html(
        f"<p id=x></p><script>let said; {script};"
        "document.getElementById('x').textContent = said</script>"
    )
    assert read(reader, site.url).lines == ("refused",)
    bounds = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # gone meanwhile
            if "--type=zygote" in process.cmdline():
                bounds.add(process.rlimit(psutil.RLIMIT_DATA)[0])
    assert bounds == {MEMORY}


@needs_chromium
def test_the_tabs_of_all_sessions_together_are_bounded(
    web: Web, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most, counting, two = 0, 0, threading.Lock(), threading.Barrier(2)

    def count(request: Request) -> None:
        nonlocal now, most
        with counting:
            now += 1
            most = max(most, now)
        two.wait(60)
        time.sleep(0.3)  # for a third to come
        with counting:
            now -= 1
        script = f"document.body.append('{words(60)}')"
        request.answer(Answer(script.encode(), type="text/javascript"))

    monkeypatch.setattr(web.chromium, "room", FairQueue(2))
    site.pages["/count.js"] = count
    paths = ["/one", "/two"]
    site.pages |= dict.fromkeys(paths, html("<script src=/count.js></script>"))
    works, pages = [], list[Page | ReadFailed]()
    for _ in range(2):
        reader, urls = web.reader(), [f"{site.url}{path}" for path in paths]
        work = threading.Thread(
            target=lambda reader=reader, urls=urls: pages.extend(
                reader.read(urls, threading.Event())
            )
        )
        works.append(work)
        work.start()
    for work in works:
        work.join()
    assert [page.lines for page in pages if isinstance(page, Page)] == [(words(60),)] * 4
    assert most == 2
