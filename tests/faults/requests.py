"""Who may read what: paths, origins, frames, pictures of others."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.e2e.visitor import KEY, Scripted, answer, ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, free_port_of, own_app, until, words_on
from tests.faults.threaded_page import Refused, ThreadedPage
from tests.faults.threaded_page import ask as request
from tests.loopback_web import Site, html

PICTURE = "run from PIL import Image\ndisplay(Image.new('RGB', (16, 16), 'teal'))"


# -- paths -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Own:
    """A visitor with a file of their own in a workspace."""

    page: ThreadedPage
    workspace: Path

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.page.cookies.items())


@contextlib.contextmanager
def with_file(scripted: Scripted, text: str, more: str = "") -> Iterator[Own]:
    """A visitor whose code has written `text` into the file own.txt."""
    name = f"mark-{token_hex(6)}"
    with ThreadedPage(scripted.app.url, "tools") as page:
        page.rerun()
        page.wait_until_rest(60)
        code = f"open('own.txt', 'w').write({text!r}); open('{name}', 'w').close()\n{more}"
        page.send(f"run {code}")
        if not page.wait_for_text("Heard: ", 60):
            raise RuntimeError(f"the code did not run: {page.text[-400:]}")
        yield Own(page, next(scripted.app.data.rglob(name)).parent)


def path_forms(own: Path, other: Path, targets: Sequence[str]) -> Sequence[str]:
    """What is put behind a route: paths that lead out of the visitor's own folder."""
    up = "../" * 12
    forms = []
    for target in targets:
        bare = target.removeprefix("/")
        forms += [
            target,  # behind the route's own slash it is doubled
            f"/{target}",
            quote(target, safe=""),
            quote(target, safe="").lower(),
            f"%2F{bare}",
            quote(quote(target, safe=""), safe=""),
            f".{target}",
            f"./%2F{bare}",
            up + bare,
            quote(up, safe="") + bare,
            up.replace(".", "%2e") + bare,
            quote(up.replace(".", "%2e"), safe="") + bare,
            up.replace("/", "\\") + bare,
            up.replace("/", "%5C") + bare.replace("/", "%5C"),
            target.replace("/", "\\"),
            target.replace("/", "%5C"),
            f"%5C%5C127.0.0.1%5C{bare}",
            f"C:{target}",
            f"C:%5C{bare}",
            f"file://{target}",
            f"file:%2F%2F{target}",
            f"own.txt/{up}{bare}",
            f"own.txt%00{target}",
            f"%00{target}",
            f"{target}%00.txt",
            up.replace("../", "....//") + bare,
            up.replace("../", "..;/") + bare,
            up.replace(".", "%c0%ae") + bare,
            up.replace("/", "%c0%af") + bare,
            up.replace("/", quote("\uff0f")) + bare,
            up.replace("..", quote("\uff0e\uff0e")) + bare,
            f"%0d%0a{target}",
            f"%20{target}",
            f"~{target}",
        ]
    beside = f"../{other.name}/own.txt"
    forms += [
        beside,
        quote(beside, safe=""),
        beside.replace(".", "%2e"),
        quote(quote(beside, safe=""), safe=""),
        beside.replace("/", "\\"),
        f"./{beside}",
        "link.txt",  # links that the code has made
        "inner/hostname",
        "inner%2Fhostname",
        "fifo",
        "",
        ".",
        "..",
        "%2e",
        "/",
        "own.txt/",
        f"../{own.name}/../{other.name}/own.txt",
    ]
    return forms


LINKS = (
    "import os; os.symlink('/etc/hostname', 'link.txt'); os.symlink('/etc', 'inner');"
    " os.mkfifo('fifo')"
)


def make_path_forms(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url = scripted.app.url
    mine, theirs, key = (f"{name}-{token_hex(8)}" for name in ("mine", "theirs", "setting"))
    settings = scripted.app.data.parent / "glm.toml"
    before = settings.read_bytes()
    settings.write_text(f"# {key}\n")
    secrets = [theirs, key, KEY, Path("/etc/hostname").read_text().strip()]
    try:
        with with_file(scripted, theirs) as other, with_file(scripted, mine, LINKS) as own:
            places = own.workspace, other.workspace
            folder = own.workspace.name
            every = (str(settings), str(other.workspace / "own.txt"), "/proc/self/environ")
            forms = path_forms(*places, ("/etc/hostname",))
            routes = ["/files/", f"/pages/{folder}/", f"/pages/{folder}/1/", "/media/", "/static/"]
            targets = [f"/files/{folder}/{form}" for form in (*forms, *path_forms(*places, every))]
            targets += [route + form for route in routes for form in forms]
            targets += [f"/files/{other.workspace.name}/own.txt", f"/files/{other.workspace.name}/"]
            page = raw(url, "/", own.cookie)
            good = raw(url, f"/files/{folder}/own.txt", own.cookie)
            found = [(target, raw(url, target, own.cookie)) for target in targets]
            strange = raw(url, f"/files/{folder}/own.txt", "")
            still = raw(url, f"/files/{folder}/own.txt", own.cookie)
    finally:
        settings.write_bytes(before)
    leaks = [target for target, got in found if any(word in got.body for word in secrets)]
    # Streamlit answers with its own page, which is the same for everybody, where no route is.
    given = [target for target, got in found if got.status < 300 and got.body != page.body]
    refused = [got for _, got in found if got.status in (400, 404)]
    refusal = next((got.body for got in refused if got.status == 404), "")
    wrong = leaks or given
    return Outcome(
        f"{len(targets)} paths over {len(routes)} routes that lead out of the visitor's folder: "
        "absolute, doubled, encoded once and twice, backslashes, dots, NUL, drives, links, a fifo, "
        "folders of another visitor",
        f"{len(leaks)} gave somebody else's file away"
        + (f", such as {wrong[0]}" if wrong else "")
        + f"; {len(refused)} were refused (404: {refusal})",
        f"the visitor's own file: {good.status} before, {still.status} after; {strange.status} for "
        "a browser without the cookie",
        not wrong and good.status == still.status == 200 and mine in still.body
        and strange.status == 404,
    )


@dataclass(frozen=True)
class Raw:
    """What came for a request whose path was sent as it is."""

    status: int
    body: str
    set_cookies: Sequence[str] = ()


def raw(url: str, target: str, cookie: str, *more: str) -> Raw:
    """A GET of exactly that path and cookie, which no client makes normal first; `more` are lines
    of its head."""
    place = urlsplit(url)
    lines = [f"GET {target} HTTP/1.1", f"Host: {place.netloc}", "Connection: close"]
    lines += [*more, f"Cookie: {cookie}"] if cookie else more
    with socket.create_connection((place.hostname, place.port or 80), 15) as connection:
        connection.settimeout(15)
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        data = b""
        while len(data) < 1_000_000 and (piece := connection.recv(65536)):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.1 (\d+)", head)
    given = re.findall(r"(?im)^set-cookie: *(.*?)\r?$", head.decode("latin-1"))
    return Raw(int(found[1]) if found else 0, body.decode("utf-8", "replace"), given)


# -- origins ---------------------------------------------------------------------------------------

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
        thief.goto(f"http://127.0.0.1:{free_port_of(site.url)}/")
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
        ways = {name: proxy for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
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


# -- headers and pictures --------------------------------------------------------------------------


def make_framing(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url = scripted.app.url
    lacking: list[str] = []
    for path in ("/", "/tools", "/documents", "/vision", "/settings", "/nothing-here"):
        headers = request(url, path, {"Accept": "text/html"}).headers
        lacking += [f"{path}: {fault}" for fault in weak(headers)]
    script = re.search(r'src="\./(static/js/[^"]+)"', request(url, "/").body.decode())
    for path in ("/", "/_stcore/health", f"/{script[1] if script else ''}"):
        if request(url, path).headers.get("x-content-type-options") != "nosniff":
            lacking.append(f"{path}: no nosniff")
    complaints: list[str] = []
    with stage.visitor(scripted.app) as visitor, Site() as site:
        page = visitor.open()
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Content Security" in said.text else None,
        )
        page.reload()
        answered = ask(page, "hello")
        site.pages["/"] = html(f'<p>a frame</p><iframe src="{url}/" width=800 height=600></iframe>')
        framing = visitor.context.new_page()
        framing.goto(f"http://127.0.0.1:{free_port_of(site.url)}/")
        framing.wait_for_timeout(1500)
        frames = [frame for frame in framing.frames if frame.parent_frame]
        inner = [frame.locator("body").inner_text() for frame in frames]
        shown = any("What's on your mind" in text or answered in text for text in inner)
    return Outcome(
        "the headers of the pages read, the app put into a frame on a page of another port",
        f"in the frame: {inner[0] if inner else 'nothing'}; headers lack: "
        f"{'; '.join(lacking[:6]) or 'nothing'}",
        f"the page itself works under its policy: {answered}; {len(complaints)} complaints of the "
        "browser",
        not shown and not lacking and not complaints and answered == "Heard: hello",
    )


def weak(headers: dict[str, str] | object) -> list[str]:
    """What the headers of a page lack."""
    policy = dict(headers).get("content-security-policy", "")  # type: ignore[call-overload]
    rules = {}
    for rule in policy.split(";"):
        name, *values = rule.split() or [""]
        rules[name] = values
    lacking = []
    for name, wanted in (
        ("default-src", ["'self'"]),
        ("frame-ancestors", ["'none'"]),
        ("object-src", ["'none'"]),
    ):
        if rules.get(name) != wanted:
            lacking.append(f"{name} is {' '.join(rules.get(name, ['missing']))}")
    scripts = rules.get("script-src", [])
    if not scripts or {"*", "http:", "https:", "data:"} & set(scripts):
        lacking.append(f"script-src is {' '.join(scripts) or 'missing'}")
    return lacking


def make_media(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url = scripted.app.url
    with stage.visitor(scripted.app) as owner, stage.visitor(scripted.app) as other:
        page = owner.open("tools")
        ask(page, PICTURE)
        image = answer(page).get_by_test_id("stImage").locator("img")
        image.wait_for()
        address = image.evaluate("image => image.src")
        path = "/" + address.removeprefix(url).removeprefix("/")
        other.open()

        def cookies(visitor: object) -> dict[str, str]:
            found = visitor.context.cookies(url)  # type: ignore[attr-defined]
            return {"Cookie": "; ".join(f"{each['name']}={each['value']}" for each in found)}

        mine = request(url, path, cookies(owner))
        theirs = request(url, path, cookies(other))
        nobody = request(url, path)
        drawn = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
    private = "no-store" in mine.headers.get("cache-control", "")
    sniffed = mine.headers.get("x-content-type-options") == "nosniff"
    return Outcome(
        f"another visitor, and one without a cookie, ask for the picture {path[:20]}… that Python "
        "showed to somebody",
        f"{theirs.status} for the other visitor, {nobody.status} without a cookie; "
        f"no-store {'set' if private else 'missing'}, nosniff {'set' if sniffed else 'missing'}",
        f"its own visitor: {mine.status}, drawn {drawn} pixels wide",
        theirs.status == nobody.status == 404 and mine.status == 200 and private and sniffed
        and drawn > 0,
    )


FAULTS: Sequence[Fault] = (
    Fault("path-forms", make_path_forms, quick=True),
    Fault("foreign-origins", make_foreign_origins, quick=True),
    Fault("outer-address", make_outer_address, quick=True),
    Fault("framing", make_framing, quick=True),
    Fault("media-of-others", make_media, quick=True),
)
