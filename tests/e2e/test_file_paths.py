"""A visitor gets the regular files of their own sessions, whatever a path looks like."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.conftest import Visit, visitor_of
from tests.e2e.visitor import Scripted, Visitor, answer
from tests.e2e.visitor import ask as talk
from tests.support.raw_http import Answer, ask
from tests.support.running_app import RunningApp
from tests.support.sandboxed import eventually

pytestmark = pytest.mark.e2e

SECRET = "the-secret-of-someone-else"
OWN = "a file of one's own"


@dataclass(frozen=True)
class Guest:
    """A visitor with one session, and its folder."""

    url: str
    cookie: str
    folder: Path

    def get(self, target: str, cookie: str | None = None) -> Answer:
        given = self.cookie if cookie is None else cookie
        return ask(self.url, target, {"Cookie": given} if given else {})


def guest(visitor: Visitor) -> Guest:
    app = visitor.app
    before = sessions(app)
    visitor.open()
    (folder,) = sessions(app) - before
    return Guest(app.url, visitor.cookie, folder)


def sessions(app: RunningApp) -> set[Path]:
    """The folders of all conversations; those of kernels that stand ready are none."""
    found = app.data.glob("*-*/sessions/*")
    return {each for each in found if not each.name.startswith("spare-")}


@pytest.fixture(scope="module")
def guests(endpoint: Scripted, browser: object) -> Iterator[tuple[Guest, Guest]]:
    """Two visitors. Beside the first one's own files lies what must not be got at by it."""
    visitors = [visitor_of(endpoint.app, browser) for _ in range(2)]  # type: ignore[arg-type]
    one, other = (guest(visitor) for visitor in visitors)
    (endpoint.app.data.parent / "glm.toml").write_text(f"# {SECRET}")
    (other.folder / "theirs.txt").write_text(SECRET)
    own = one.folder
    (own / "sub").mkdir()
    for name in ("a.txt", "sub/b.txt", "with space.txt", "文件.txt", "100%25.txt", ".hidden"):
        (own / name).write_text(OWN)
    (own / "to-theirs").symlink_to(other.folder / "theirs.txt")
    (own / "to-own").symlink_to("a.txt")
    (own / "to-folder").symlink_to(other.folder)
    (own / "to-root").symlink_to("/")
    os.mkfifo(own / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(own)  # a socket's path has at most 108 bytes
        server.bind("socket")
        os.chdir(here)
        yield one, other
    for visitor in visitors:
        visitor.context.close()


@pytest.mark.parametrize(
    "form",
    [
        "a.txt",
        "sub/b.txt",
        "%61.txt",
        "sub%2Fb.txt",
        "with%20space.txt",
        "%E6%96%87%E4%BB%B6.txt",
        "100%2525.txt",
        "a.txt?x=../../etc",
    ],
)
def test_own_files_are_sent(guests: tuple[Guest, Guest], form: str) -> None:
    one, _ = guests
    answer = one.get(f"/files/{one.folder.name}/{form}")
    assert (answer.status, answer.body.decode()) == (200, OWN)
    assert answer.headers["Content-Length"] == str(len(OWN))
    assert answer.headers["Content-Disposition"].startswith("attachment")


def forms(one: Guest, other: Guest) -> list[str]:
    """What stands behind the folder's name, as it is sent. `@` is the path of another's file."""
    theirs = str(other.folder / "theirs.txt")
    up = "../" * 12
    beside = f"{other.folder.name}/theirs.txt"
    paths = [
        # absolute, doubled, and encoded once, twice and three times
        *("/@", "//@", "///@", "%2F@", "%2f%2f@", "%252F@", "%25252F@", "%2F%2F@", "./@", "/./@"),
        # up, likewise
        *(f"{up}@", f"%2e%2e/{up}@", f"%2E%2E%2F{up.replace('/', '%2F')}@", "%252e%252e%252f@"),
        *(f"../{beside}", f"..%2F{beside}", f"%2e%2e%2f{beside}", f"sub/../../{beside}"),
        *(f"..;/{beside}", f".../{beside}", f"....//{beside}", f"../{beside}?x", f"..%00/{beside}"),
        *("sub/../a.txt", "sub/./b.txt", "sub//b.txt", "./a.txt", "%2e/a.txt", "/a.txt", "a.txt/"),
        *("a.txt/.", "a.txt/..", "a.txt//", "", "/", ".", "..", "sub", "sub/"),
        # backslashes, drive letters, hosts, addresses
        *(f"..\\{beside}", f"..%5C{beside}", f"..%255c{beside}", "%5C@", "\\\\host\\share\\a.txt"),
        *("%5C%5Chost%5Cshare%5Ca.txt", "sub%5Cb.txt", "C:@", "C%3A@", "C:%5Ca.txt", "C:a.txt"),
        *("//host/share/a.txt", "file://@", "file:%2F%2F@", f"{one.url}/files/a.txt"),
        # what ends a name, or is no text
        *("a.txt%00", "a.txt%00.png", "%00", "%00@", "a.txt%0A", "a.txt%0D%0AX-Y:%20z", "%20a.txt"),
        *("a.txt%20", "a.txt.", "a.txt;x", "a.txt%3Fx", "A.TXT", "%u0061.txt", "%", "%f", "%zz"),
        *(
            "%FF%FE",
            "%C0%AF@",
            "..%C0%AF@",
            "%C0%AE%C0%AE/@",
            "%E0%80%AF@",
            "%ED%A0%80",
            "~",
            "~/a",
        ),
        *("%EF%BC%8F@", "%E2%88%95@", "%EF%BC%8E%EF%BC%8E/@", "%E2%80%AEtxt.a", "%252561.txt"),
        # too long, too deep
        *("a" * 300, "a" * 5000, "a/" * 3000 + "a", "../" * 3000 + "a", "%2e%2e%2f" * 2000),
        # there, but no regular file, or by a link
        *("to-theirs", "to-own", "to-folder/theirs.txt", "to-root@", "fifo", "socket", "to-root"),
        *("a.txt/b", "missing.txt", "/proc/self/environ", "%2Fdev%2Fzero", "/etc/hostname"),
        # one's own file by its absolute path
        *(f"/{one.folder}/a.txt", quote(str(one.folder / "a.txt"), safe="")),
    ]
    return [path.replace("@", theirs) for path in paths]


def test_every_other_form_of_a_path_is_nothing(guests: tuple[Guest, Guest]) -> None:
    one, other = guests
    assert len(forms(one, other)) > 100
    got = {
        f"/{what}/{one.folder.name}/{form}": one.get(f"/{what}/{one.folder.name}/{form}")
        for what in ("files", "pages")
        for form in forms(one, other)
    }
    nothing = one.get(f"/files/{one.folder.name}/missing.txt")
    assert [target[:80] for target, answer in got.items() if SECRET.encode() in answer.body] == []
    assert [target[:80] for target, answer in got.items() if answer.status != 404] == []
    assert {answer.body for answer in got.values()} == {nothing.body}
    assert {tuple(sorted(answer.headers)) for answer in got.values()} == {
        tuple(sorted(nothing.headers))
    }


def test_no_form_of_a_session_is_anothers(guests: tuple[Guest, Guest]) -> None:
    one, other = guests
    own, theirs, process = one.folder.name, other.folder.name, one.folder.parent.name
    nothing = one.get(f"/files/{own}/missing.txt")
    folders = [
        *(theirs, f"%2F{theirs}", f"/{theirs}", f"//{theirs}", f"./{theirs}", f"../{theirs}"),
        *(f"{own}/../{theirs}", f"{own}%2F..%2F{theirs}", f"{own}%5C..%5C{theirs}", f"{own}%00"),
        *(f"..%2F{process}/{theirs}", f"{process}/{theirs}", f"../{process}/{theirs}", "..", "."),
        *("", "%2e%2e", f"{own}%20", f"%20{own}", own.upper(), own[:-1], f"{own}%0A", "%00"),
        *(
            quote(str(other.folder), safe=""),
            str(other.folder),
            f"{own}{theirs}",
            f"{own};{theirs}",
        ),
    ]
    for what in ("files", "pages"):
        for folder in folders:
            for name in ("theirs.txt", "a.txt", "1/0-1"):
                answer = one.get(f"/{what}/{folder}/{name}")
                assert (folder, answer.status) == (folder, 404)
                assert answer.body == nothing.body
    target = f"/files/{theirs}/theirs.txt"
    assert other.get(target).body.decode() == SECRET
    mine = dict(pair.split("=", 1) for pair in one.cookie.split("; "))
    strangers = [
        "",
        one.cookie,
        "glm_visitor=",
        *(f"{name}={theirs}" for name in mine),
        *(f"{name}={value[:-1]}" for name, value in mine.items()),
        "; ".join(f"{name}={value}x" for name, value in mine.items()),
    ]
    for cookie in strangers:
        answer = other.get(target, cookie)
        assert (answer.status, answer.body) == (404, nothing.body)


def test_no_other_route_sends_a_file_for_any_form(guests: tuple[Guest, Guest]) -> None:
    one, other = guests
    routes = (
        "",
        "media/",
        "component/",
        "component/x/",
        "_stcore/bidi-components/",
        f"_stcore/upload_file/{one.folder.name}/",
        "static/",
        "app/static/",
        "files",
    )
    targets = [f"/{route}{form}" for route in routes for form in forms(one, other)]
    # All at a time: a media file that is on no page is waited for a little.
    with ThreadPoolExecutor(128) as pool:
        for target, answer in zip(targets, pool.map(one.get, targets), strict=True):
            assert answer.status < 500, target[:80]
            assert SECRET.encode() not in answer.body, target[:80]
            assert b"PATH=" not in answer.body, target[:80]


def test_numbers_that_are_too_long_are_no_page(guests: tuple[Guest, Guest]) -> None:
    one, _ = guests
    for sheet, spans in (("9" * 5000, "0-1"), ("1", "9" * 5000 + "-1"), ("-1", "0-1"), ("1", "0")):
        assert one.get(f"/pages/{one.folder.name}/{sheet}/{spans}").status == 404


def test_nothing_but_reading_is_done_to_a_file(guests: tuple[Guest, Guest]) -> None:
    one, _ = guests
    target = f"/files/{one.folder.name}/a.txt"
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        assert ask(one.url, target, {"Cookie": one.cookie}, method).status == 404
    head = ask(one.url, target, {"Cookie": one.cookie}, "HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(OWN)), b"")
    assert (one.folder / "a.txt").read_text() == OWN


def test_the_handles_are_closed(guests: tuple[Guest, Guest], endpoint: Scripted) -> None:
    one, _ = guests
    open_files = Path(f"/proc/{endpoint.app.pid}/fd")

    def held() -> int:
        names = [entry.readlink() for entry in open_files.iterdir() if entry.is_symlink()]
        return sum(name.is_relative_to(one.folder) for name in names)

    for form in ("a.txt", "to-own", "fifo", "sub", "to-folder/theirs.txt"):
        one.get(f"/files/{one.folder.name}/{form}")
    # A file is closed after the last byte of it was sent, which is when the answer is read.
    assert eventually(lambda: held() == 0)


def test_a_link_in_the_page_has_a_form_that_is_sent(visit: Visit, scripted: Scripted) -> None:
    page = visit(scripted.app).open("tools")
    talk(page, "run open('50% & #1 (ä)?.txt', 'w').write('odd')")
    with page.expect_download() as download:
        answer(page).get_by_role("link", name="50% & #1 (ä)?.txt").click()
    assert Path(download.value.path()).read_text() == "odd"
