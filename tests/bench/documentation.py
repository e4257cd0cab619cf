"""Real pages on loopback, those of Debian's python3-doc and sqlite3-doc: `python -m
tests.bench.documentation` prints its address and serves until it is ended.

/plain/python/library/os.html    the page as it is
/far/…                           the same, `LATENCY` later, as from a server on another continent
/written/…                       a page with nothing on it, whose script fetches the real one and
                                 writes it there
"""

from __future__ import annotations

import contextlib
import html
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.running_app import ROOT

FOLDERS = {
    "python": Path("/usr/share/doc/python3-doc/html"),
    "sqlite": Path("/usr/share/doc/sqlite3"),
}
MISSING = "apt-get install python3-doc sqlite3-doc"
LATENCY = 0.2  # seconds
SHORT = 10_000  # bytes; shorter pages are mostly links
PICTURES = "syntax"  # the folder of pages that have a diagram in place of text
WRITTEN = """<!doctype html><title>Written</title><div id="root"></div><script>
fetch("{}").then(answer => answer.text()).then(text => {{
  const page = new DOMParser().parseFromString(text, "text/html");
  document.title = page.title;
  document.getElementById("root").replaceChildren(...page.body.childNodes);
}});</script>"""


def files() -> list[Path]:
    """All pages, in one order; none where a package is not installed."""
    found = [sorted(folder.resolve().rglob("*.html")) for folder in FOLDERS.values()]
    return [file for each in found for file in each] if all(found) else []


def sample(count: int, seed: int) -> list[str]:
    """The paths of so many pages with some text, always the same ones for a seed."""
    long = [
        file for file in files() if file.stat().st_size >= SHORT and file.parent.name != PICTURES
    ]
    return [path_of(file) for file in random.Random(seed).sample(long, count)]


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The pages in a process of their own; its host and port."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def path_of(file: Path) -> str:
    """The path at which a page is served."""
    for name, folder in FOLDERS.items():
        if file.is_relative_to(folder.resolve()):
            return f"{name}/{file.relative_to(folder.resolve()).as_posix()}"
    raise ValueError(file)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _, way, name, *rest = self.path.partition("?")[0].split("/")
        body = Path(FOLDERS[name], *rest).read_bytes()
        if way == "far":
            time.sleep(LATENCY)
        if way == "written":
            body = WRITTEN.format(html.escape(self.path.replace("written", "plain", 1))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    server = _Server(("127.0.0.1", 0), _Request)
    print(f"127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
