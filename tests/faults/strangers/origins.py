"""Pages of other origins that open our websocket or upload to us."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from secrets import token_hex
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.e2e.visitor import ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, own_app, port_of, until, words_on
from tests.faults.threaded_page import Refused, ThreadedPage
from tests.support.loopback_web import Site, html

STEAL = """async ([address, ask, word]) => new Promise(done => {
  const socket = new WebSocket(address, ["streamlit"])
  socket.binaryType = "arraybuffer"
  let all = ""
  const end = () => done(all.includes(word) ? "read the conversation" : all ? "was let in" : "")
  socket.onopen = () => socket.send(new Uint8Array(ask))
  socket.onmessage = event => {
    all += new TextDecoder().decode(event.data)
    if (all.includes(word)) end()
  }
  socket.onclose = () => all ? end() : done("was turned away")
  setTimeout(end, 4000)
})"""


def foreign_origins(url: str) -> Sequence[str]:
    """Origins that are not the one that pages of `url` have."""
    place = urlsplit(url)
    port = place.port or 80
    return (
        f"http://127.0.0.1:{port - 1}",
        f"http://localhost:{port - 1}",
        f"http://localhost:{port}",
        f"https://127.0.0.1:{port}",
        "http://127.0.0.1",
        f"http://127.0.0.1:{port}.evil.example",
        f"http://evil.example:{port}",
        f"http://127.0.0.1:{port}@evil.example",
        "https://evil.example",
        "http://[::1]:" + str(port),
        "null",
        "file://",
    )


def make_foreign_origins(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url, word = scripted.app.url, f"word-{token_hex(6)}"
    let_in: list[str] = []
    uploads: list[str] = []
    with stage.visitor(scripted.app) as victim, Site() as site:
        page = victim.open()
        ask(page, word)
        cookies = {c["name"]: c["value"] for c in victim.context.cookies(url)}
        with ThreadedPage(url, cookies=cookies) as own:
            own.rerun()
            own_reads = own.wait_for_text(word, 20)
            own_upload = own.upload("a.txt", b"a").status
            for origin in foreign_origins(url):
                status = own.upload("b.txt", b"b", origin).status
                uploads += [origin] if status < 400 else []
        for origin in foreign_origins(url):
            with contextlib.suppress(Refused), ThreadedPage(url, "", cookies, origin) as stranger:
                stranger.rerun()
                stranger.wait_until_rest(5)
                let_in += [origin] if stranger.session else []
        site.pages["/"] = html("<p>a page of another port</p>")
        thief = victim.context.new_page()
        thief.goto(f"http://127.0.0.1:{port_of(site.url)}/")
        back = BackMsg()
        back.rerun_script.page_name = ""
        stream = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        got = thief.evaluate(STEAL, [stream, list(back.SerializeToString()), word])
        kept = word in words_on(page)
    held = not let_in and not uploads and got == "was turned away"
    number = len(foreign_origins(url))
    return Outcome(
        f"{number} foreign Origins at the websocket and at the upload, and a real page of another "
        "loopback port that opens the websocket with the visitor's cookie",
        f"the foreign page {got or 'got nothing'}; let in: {', '.join(let_in) or 'none'}; "
        f"uploads taken: {len(uploads)} of {number}",
        f"the visitor's own page {'works' if own_reads and kept else 'does not work'}, its upload "
        f"is answered {own_upload}",
        held and own_reads and kept and own_upload < 300,
    )


def make_outer_address(stage: Stage) -> Outcome:
    """Whatever the server asks of the world goes to a proxy of ours, which counts."""
    with counting_proxy() as (proxy, asked):
        ways = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
        with own_app({**ways, "no_proxy": "127.0.0.1,localhost"}) as scripted:
            url = scripted.app.url
            for origin in ("https://evil.example", "http://203.0.113.7:8501"):
                with contextlib.suppress(Refused), ThreadedPage(url, origin=origin) as page:
                    page.wait_until_rest(2)
            until(lambda: bool(asked), 3)
            log = scripted.app.log.read_text("utf-8", "replace")
            with ThreadedPage(url) as page:
                page.rerun()
                works = page.wait_until_rest(20)
    told = [line for line in log.splitlines() if "external IP" in line]
    return Outcome(
        "two foreign Origins at the websocket, with a proxy that counts what the server asks for",
        f"the server asked for {', '.join(asked) or 'nothing'}"
        + (f"; its log: {told[0][-60:]}" if told else ""),
        f"the page {'works' if works else 'does not work'} for its own Origin",
        not asked and not told and works,
    )


@contextlib.contextmanager
def counting_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that refuses all, and the first lines of what it was asked."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.settimeout(2)
                        head = connection.recv(4096).split(b"\r\n")[0]
                        asked.append(head.decode("latin-1"))
                        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, name="proxy", daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


FAULTS: Sequence[Fault] = (
    Fault("foreign-origins", make_foreign_origins, quick=True),
    Fault("outer-address", make_outer_address, quick=True),
)
