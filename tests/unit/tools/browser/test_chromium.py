"""Pages whose text is written by scripts, in a real Chromium behind the wall, from real servers on
loopback: one that is allowed, and one that nothing may reach."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support.loopback_web import Answer, Request, Site, html, redirect, words
from tools.browser.base import Page, ReadFailed
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading import chromium as chromium_module
from tools.browser.reading import tab
from tools.browser.reading.chromium import Chromium
from tools.browser.reading.reader import Web, WebReader

pytestmark = pytest.mark.skipif(
    chromium_module.executable() is None, reason="Chromium is not installed"
)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def forbidden() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Web]:
    web = Web(AddressGuard(allow=(site.address,)), Chromium(), seconds=20)
    yield web
    web.close()


@pytest.fixture
def reader(web: Web, site: Site) -> Iterator[WebReader]:
    site.pages.clear()
    site.asked.clear()
    web.seconds = 20
    reader = web.reader()
    yield reader
    reader.close()


def read(reader: WebReader, url: str) -> Page:
    (page,) = reader.read([url], threading.Event())
    if isinstance(page, ReadFailed):
        raise page
    return page


def written(text: str, after: int = 0) -> Answer:
    """A page whose script writes a paragraph after so many milliseconds."""
    script = f"setTimeout(() => document.getElementById('x').textContent = '{text}', {after})"
    return html(f"<div id=x></div><script>{script}</script>", "<title>Written</title>")


def processes(kind: str) -> list[psutil.Process]:
    """Chromium's processes that were started with this switch."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if kind in child.cmdline():
                found.append(child)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process's environment")
def test_neither_the_driver_nor_chromium_has_our_environment(site, monkeypatch):
    monkeypatch.setenv("GLM_API_KEY", "sk-of-the-model-server")
    monkeypatch.setenv("HF_TOKEN", "hf-of-the-hub")
    before = set(psutil.Process().children(recursive=True))
    web = Web(AddressGuard(allow=(site.address,)), Chromium(), seconds=20)
    try:
        reader = web.reader()
        site.pages["/script"] = written(words(60))
        assert "word" in " ".join(read(reader, f"{site.url}/script").lines)
        started = set(psutil.Process().children(recursive=True)) - before
        environments = [(each.name(), each.environ()) for each in started if each.is_running()]
        kinds = {name for name, _ in environments}
        assert any("node" in name for name in kinds), kinds
        assert any("chrom" in name or "headless" in name for name in kinds), kinds
        for name, environment in environments:
            told = " ".join(f"{key}={value}" for key, value in environment.items())
            assert "sk-of-the-model-server" not in told and "hf-of-the-hub" not in told, name
    finally:
        web.close()


def test_text_that_a_script_writes_after_a_second_is_read(reader, site):
    site.pages["/late"] = written(words(60), after=1000)
    page = read(reader, f"{site.url}/late")
    assert page.lines == (words(60),)
    assert (page.title, page.status, page.note) == ("Written", 200, "")
    assert page.screenshot is not None and page.screenshot.startswith(b"\xff\xd8")
    assert len(page.screenshot) < 100_000


def test_a_page_without_text_is_waited_for_while_it_still_loads(reader, site, monkeypatch):
    for name in ("LONG", "THIN_WAIT"):
        monkeypatch.setattr(tab, name, 0.2)

    def late(request: Request) -> None:
        time.sleep(1.5)
        request.answer(Answer(words(60).encode(), type="text/plain"))

    ask = "fetch('/text').then(answer => answer.text()).then(text => document.body.append(text))"
    site.pages["/text"] = late
    site.pages["/"] = html(f"<script>new EventSource('/events'); {ask}</script>")
    site.pages["/events"] = lambda request: request.stream(
        lambda: b":\n\n" if not time.sleep(0.1) else None, Content_Type="text/event-stream"
    )
    page = read(reader, site.url)
    assert (page.lines, page.note) == ((words(60),), "")


def test_a_page_that_needs_no_scripts_is_not_rendered(reader, site):
    site.pages["/"] = html(f"<main><p>{words(80)}</p></main><script>1</script>")
    assert read(reader, site.url).screenshot is None
    assert site.asked == ["/"]


def test_a_script_that_fails_and_blanks_the_page_costs_nothing(reader, site):
    script = "<script>document.body.innerHTML = ''; throw 1</script>"
    site.pages["/"] = html(f"<p>{words(30)}</p>{script}")
    assert read(reader, site.url).lines == (words(30),)


def test_shadow_trees_and_frames_in_frames_are_read_in_their_places(reader, site):
    shadow = "this.attachShadow({mode: 'closed'}).innerHTML = '<p>In the shadow.</p><slot></slot>'"
    element = f"class extends HTMLElement {{ constructor() {{ super(); {shadow} }} }}"
    frame = "<iframe width=400 height=300 src='{}'></iframe>".format
    site.pages["/"] = html(
        f"<p>Outer.</p>{frame('/one')}<x-part><p>In the slot.</p></x-part><p>Last.</p>"
        f"<script>customElements.define('x-part', {element})</script>"
    )
    site.pages["/one"] = html(f"<p>Inner.</p>{frame('/two')}")
    site.pages["/two"] = html("<p>Innermost.</p>")
    lines = ("Outer.", "Inner.", "Innermost.", "In the shadow.", "In the slot.", "Last.")
    assert read(reader, site.url).lines == lines


def test_a_page_made_of_frames_is_read(reader, site):
    frames = "<frameset cols='20%,80%'><frame src=/menu>{}</frameset>".format
    inner = "<frameset rows='30%,70%'><frame src=/head><frame src=/news></frameset>"
    site.pages["/"] = Answer(f"<html><title>Office</title>{frames(inner)}</html>".encode())
    site.pages["/menu"] = html("<p>Menu.</p>")
    site.pages["/head"] = html("<h1>News</h1>")
    site.pages["/news"] = html(f"<p>{words(30)}</p>")
    page = read(reader, site.url)
    assert page.title == "Office"
    assert words(30) in page.lines and "# News" in page.lines


def test_hidden_text_of_a_rendered_page_is_left_out(reader, site):
    style = (
        "<style>.h{display:none} .v{visibility:hidden} .z{font-size:0}"
        ".w{color:#fff;background:#fff}</style>"
    )
    hidden = "".join(f"<p class={name}>hidden {name}</p>" for name in "hvzw")
    site.pages["/"] = html(f"{hidden}<p>{words(30)}</p><script>1</script>", style)
    assert read(reader, site.url).lines == (words(30),)


@pytest.mark.parametrize(
    "script",
    [
        "while (true);",
        "setTimeout(() => { while (true); }, 300)",
        "setTimeout(() => location.href = '/?' + Math.random(), 50)",
        "setInterval(() => { document.body.append('x') }, 20)",
        "while (true) alert(1)",
        "const all = []; while (true) all.push(new Array(1000000).fill({}))",
    ],
)
def test_a_page_that_is_never_at_rest_is_stopped_from_outside(web, reader, site, script):
    web.seconds = 5
    site.pages["/"] = html(f"<p>What stands there.</p><script>{script}</script>")
    page = read(reader, site.url)
    assert page.lines[0].startswith("What stands there.")
    assert page.note
    site.pages["/"] = written(words(60))
    web.seconds = 20
    assert read(reader, site.url).lines == (words(60),)
    for renderer in processes("--type=renderer"):
        with contextlib.suppress(psutil.NoSuchProcess):
            assert renderer.cpu_percent(0.5) < 50


def test_dialogs_pop_ups_and_downloads_lead_nowhere(reader, site):
    site.pages["/"] = html(
        "<p id=x></p><a id=a href=/other target=_blank rel=noopener>other</a><script>"
        "const said = [typeof alert(1), confirm('?'), prompt('?'), window.open('/other')];"
        "document.getElementById('a').click(); onbeforeunload = () => 'stay';"
        "document.getElementById('x').textContent = said.join() </script>"
    )
    site.pages["/other"] = html(f"<p>{words(60)}</p>")
    assert read(reader, site.url).lines[0] == "undefined,false,,"
    headers = {"Content-Disposition": "attachment; filename=x.zip"}
    site.pages["/file"] = Answer(b"PK\x03\x04\x00", type="application/zip", headers=headers)
    site.pages["/go"] = html("<p>Going.</p><script>location.href = '/file'</script>")
    assert read(reader, f"{site.url}/go").lines == ("Going.",)
    with pytest.raises(ReadFailed, match="a document of type application/zip"):
        read(reader, f"{site.url}/file")


@pytest.mark.parametrize(
    "to", ["http://{}/", "https://{}/", "file:///etc/passwd", "data:text/html,x"]
)
def test_a_script_cannot_lead_behind_the_wall(reader, site, forbidden, to):
    target = to.format(forbidden.address)
    site.pages["/"] = html(f"<p>Leading.</p><script>location.href = '{target}'</script>")
    assert read(reader, site.url).lines == ("Leading.",)
    assert forbidden.connections == 0


def test_no_part_of_a_page_reaches_behind_the_wall(reader, site, forbidden, monkeypatch):
    # Without what takes WebRTC out of a page's hands: Chromium itself must hold.
    monkeypatch.setattr(chromium_module, "_INIT", "")
    there, address = forbidden.url, forbidden.address
    worker = (
        f"fetch('{there}/worker', {{mode: 'no-cors'}}); new WebSocket('ws://{address}/worker');"
        f"new WebTransport('https://{address}/')"
    )
    site.pages["/out"] = redirect(f"{there}/redirected")
    site.pages["/"] = html(
        f"<p id=x></p><img src={there}/img><iframe width=300 height=300 src={there}/frame></iframe>"
        f"<iframe width=300 height=300 src=/out></iframe><script src={there}/script></script>"
        f"<object data={there}/object></object><video src={there}/video></video>"
        f"""<script>
        const asked = fetch('{there}/fetch', {{mode: 'no-cors'}}).catch(() => 0);
        const led = fetch('/out', {{mode: 'no-cors'}}).catch(() => 0);
        new EventSource('{there}/events');
        navigator.sendBeacon('{there}/beacon', 'x');
        new Worker(URL.createObjectURL(new Blob([`{worker}`])));
        navigator.serviceWorker.register('/service.js').catch(() => 0);
        const socket = new WebSocket('ws://{address}/socket');
        const secure = new WebSocket('wss://{address}/socket');
        Promise.all([asked, led, new Promise(done => socket.onerror = done)]).then(
            () => document.getElementById('x').textContent = '{words(60)}')
        </script>""",
        f"<link rel=stylesheet href={there}/style><link rel=prefetch href={there}/prefetch>"
        f"<link rel=preconnect href={there}><link rel=dns-prefetch href={there}>"
        f"<link rel=icon href={there}/icon><meta http-equiv=refresh content='90;{there}/meta'>",
    )
    assert words(60) in read(reader, site.url).lines
    assert (forbidden.connections, forbidden.asked) == (0, [])
    assert "/service.js" not in site.asked


def test_webrtc_sends_nothing_past_the_proxy(reader, site, monkeypatch):
    monkeypatch.setattr(chromium_module, "_INIT", "")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        port = stun.getsockname()[1]
        candidate = f"a=candidate:1 1 udp 2113937151 127.0.0.1 {port} typ host"
        answer = (
            r"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
            r"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
            rf"{candidate}\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdabcd\r\n"
            rf"a=fingerprint:sha-256 {':'.join(['AA'] * 32)}\r\na=setup:active\r\na=mid:0\r\n"
            r"a=sctp-port:5000\r\n"
        )
        site.pages["/"] = html(
            f"""<p id=x></p><script>(async () => {{
            const way = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}}]}});
            way.createDataChannel('x');
            await way.setLocalDescription(await way.createOffer());
            await way.setRemoteDescription({{type: 'answer', sdp: "{answer}"}});
            await new Promise(done => setTimeout(done, 1000));
            document.getElementById('x').textContent = '{words(60)}';
            }})()</script>"""
        )
        assert read(reader, site.url).lines == (words(60),)
        stun.setblocking(False)
        with pytest.raises(BlockingIOError):
            stun.recv(2000)


def test_what_holds_no_text_is_not_asked_for(reader, site):
    site.pages["/"] = html(
        "<img src=/i.png><video src=/v.mp4></video><p style='font-family:f'>x</p>"
        f"<script src=/s.js></script><p>{words(10)}</p>",
        "<style>@font-face{font-family:f;src:url(/f.woff)}</style>",
    )
    read(reader, site.url)
    assert sorted(set(site.asked)) == ["/", "/s.js"]


def test_cookies_of_two_sessions_are_apart(web, reader, site):
    def say(request: Request) -> None:
        cookie = request.headers.get("Cookie", "none")
        script = f"document.cookie = 'mine=1'; document.body.append('{cookie}')"
        request.answer(html(f"<script>{script}</script>"))

    site.pages["/"] = say
    other = web.reader()
    said = [read(one, site.url).lines for one in (reader, reader, other)]
    other.close()
    assert said == [("none",), ("mine=1",), ("none",)]


def test_a_page_that_loads_too_much_is_cut(web, reader, site):
    web.proxy._page_bytes = 3_000_000
    greedy = web.reader()
    load = (
        "const more = async () => { await (await fetch('/big?' + Math.random())).text(); more() }"
    )
    site.pages["/"] = html(f"<p>Greedy.</p><script>{load}; more()</script>")
    site.pages["/big"] = Answer(b"x" * 1_000_000, type="text/plain")
    page = read(greedy, site.url)
    greedy.close()
    web.proxy._page_bytes = 30_000_000
    assert page.lines == ("Greedy.",) and "too much" in page.note
    assert len([path for path in site.asked if path.startswith("/big")]) < 20


def test_a_crash_of_chromium_costs_one_page(reader, site):
    site.pages["/"] = written(words(60))
    assert read(reader, site.url).screenshot
    for process in processes("--headless") + processes("--headless=new"):
        process.kill()
    assert read(reader, site.url).lines == (words(60),)


def test_pages_are_rendered_at_the_same_time(reader, site):
    # Not ten: Chromium opens six connections to one host.
    met = threading.Barrier(5)

    def meet(request: Request) -> None:
        met.wait(60)
        request.answer(Answer(b"document.body.append('met')", type="text/javascript"))

    site.pages["/met.js"] = meet
    pages = {f"/{n}": html(f"<p>Page {n}.</p><script src=/met.js?{n}></script>") for n in range(5)}
    site.pages |= pages
    read = reader.read([f"{site.url}{path}" for path in pages], threading.Event())
    assert ["".join(page.lines) for page in read] == [f"Page {n}.met" for n in range(5)]
