"""A small web on loopback: real HTTP, with every fault that a site can have.

with Site() as site:
    site.pages["/"] = html("<p>hello</p>")
    site.pages["/slow"] = lambda request: request.drip(b"x", 0.1)
    ...
    assert site.asked == ["/"]
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def html(body: str, head: str = "", status: int = 200) -> Answer:
    return Answer(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode(),
                  status=status)  # fmt: skip


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": to})


def words(count: int, word: str = "word") -> str:
    """A paragraph of so many words, each with its number."""
    return " ".join(f"{word}{number}" for number in range(count)) + "."


class Request(BaseHTTPRequestHandler):
    """One request. Functions among `Site.pages` get it and write what they like."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        path = self.path.partition("?")[0]
        with site.lock:
            site.asked.append(self.path)
            site.headers.append({name.lower(): value for name, value in self.headers.items()})
        page = site.pages.get(path, html("<p>nothing here</p>", status=404))
        with contextlib.suppress(OSError):
            if isinstance(page, Answer):
                self.answer(page)
            else:
                page(self)

    do_POST = do_HEAD = do_GET

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.type, "Content-Length": str(len(answer.body))}
        for name, value in (headers | dict(answer.headers)).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def stream(self, pieces: Callable[[], bytes | None], **headers: str) -> None:
        """Send a body without a length, until `pieces` returns None or the client disconnects."""
        self.send_response(200)
        for name, value in ({"Content_Type": "text/html; charset=utf-8"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while not self.server.site.over.is_set() and (piece := pieces()) is not None:
            self.wfile.write(piece)

    def hang(self) -> None:
        """Send nothing until the test ends."""
        self.server.site.over.wait(60)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    site: Site

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients of bad pages go away in the middle


Served = Answer | Callable[[Request], None]


class Site:
    """A server on a free port of loopback. `asked` are the paths that came, in order, and
    `headers` those of each; `connections` is how many there were, with a request or without."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Served] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._server = _Server((host, 0), Request)
        self._server.site = self
        self._server.verify_request = self._came  # type: ignore[method-assign]
        self.port: int = self._server.server_address[1]
        self.address = f"{host}:{self.port}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _came(self, request: socket.socket | tuple[bytes, socket.socket], client: object) -> bool:
        self.connections += 1
        return True

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
