"""Files of others: every form of a path, over every route that serves files."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit

from tests.e2e.visitor import KEY, Scripted
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage
from tests.faults.threaded_page import ThreadedPage
from tests.support.sandboxed import written


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
        yield Own(page, written(scripted.app.data, name)[0].parent)


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
        not wrong
        and good.status == still.status == 200
        and mine in still.body
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


FAULTS: Sequence[Fault] = (Fault("path-forms", make_path_forms),)
