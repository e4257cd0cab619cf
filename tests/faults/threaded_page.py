"""An open page without a browser: the cookies, the websocket and the protobuf messages that
Streamlit's own page uses, so that one process can be dozens of visitors.

    with ThreadedPage(app.url) as page:
        page.rerun()
        page.wait_until_rest(10)
        page.send("hello")
        page.wait_for_text("Heard: hello", 10)

A browser draws what it is sent; this client keeps the words of it, and when they came. It reads on
a thread and not on an event loop, for beside a synchronous Playwright none can run; and it comes
from any loopback address and with any Origin, as a stranger does.
"""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import TracebackType
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

STREAM = "/_stcore/stream"
OWN = "own"
"""As `origin`: the origin that the page was served from, as a browser sends it."""
MAX_MESSAGE_BYTES = 256 * 2**20


class Refused(Exception):
    """The server did not open the page, or closed it at once. Its text is what it said."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names are in small letters; `cookies` are those that it sets."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)
    set_cookies: Sequence[str] = ()


def ask(
    url: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
    source: str = "",
    timeout: float = 30.0,
) -> Answer:
    """One HTTP request from the loopback address `source` (empty: any). Raises `OSError`, also
    where the server closes without an answer."""
    place = urlsplit(url)
    outgoing = (source, 0) if source else None
    connection = http.client.HTTPConnection(
        str(place.hostname), place.port, timeout=timeout, source_address=outgoing
    )
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        data = answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    lines = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    cookies: dict[str, str] = {}
    for line in lines:
        cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
    return Answer(answer.status, found, data, cookies, lines)


class ThreadedPage:
    """One open page of the app at `url`, under `path` (empty: Chat).

    `cookies` are sent in place of those that the server gives out, where they are given. `source`
    is the loopback address that it comes from, such as 127.0.0.2; `forwarded` the one that a proxy
    there would name. Raises `Refused`.
    """

    def __init__(
        self,
        url: str,
        path: str = "",
        cookies: Mapping[str, str] | None = None,
        origin: str | None = OWN,
        source: str = "",
        timeout: float = 30.0,
        forwarded: str = "",
    ) -> None:
        self.url, self.path, self.source = url, path, source
        self._proxied = {"X-Forwarded-For": forwarded} if forwarded else {}
        self.cookies = dict(cookies or {})
        self.session = ""
        self.runs = 0
        """Script runs that came to their end."""
        self.closed = ""
        """Why the server closed the connection; empty while it is open."""
        self.arrivals: list[float] = []
        """When each message came, by `time.monotonic`."""
        self._words: dict[tuple[int, ...], str] = {}
        self._inputs: dict[str, str] = {}
        self._page_hash = ""
        self._urls: dict[str, list[tuple[str, str]]] = {}
        self._changed = threading.Condition()
        self._open = contextlib.ExitStack()
        if cookies is None:
            self._take_cookies(timeout)
        self._socket = self._connect(origin, timeout)
        self._reader = threading.Thread(target=self._read, name="threaded-page", daemon=True)
        self._reader.start()

    def __enter__(self) -> ThreadedPage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leaves, as a closed tab does. May be called twice."""
        self._open.close()
        self._reader.join(5)

    # -- what a visitor does ---------------------------------------------------------------------

    def rerun(self, **inputs: str) -> None:
        """Asks for the page anew; `inputs` are messages by the kind of their widget."""
        state = ClientState(page_script_hash=self._page_hash, page_name=self.path)
        for kind, text in inputs.items():
            widget = state.widget_states.widgets.add()
            widget.id = self._inputs[kind]
            widget.chat_input_value.data = text
        self._give(BackMsg(rerun_script=state))

    def send(self, text: str) -> None:
        """Sends a message, once the message box is there."""
        self._wait(lambda: "chat_input" in self._inputs, 30.0)
        self.rerun(chat_input=text)

    def upload(self, name: str, data: bytes, origin: str | None = OWN) -> Answer:
        """Gives a file to the page, as the message box does before anything is sent. Raises
        `OSError`, and `Refused` where no address for it is given."""
        request = secrets.token_hex(8)
        back = BackMsg()
        back.file_urls_request.request_id = request
        back.file_urls_request.file_names.append(name)
        back.file_urls_request.session_id = self.session
        self._give(back)
        if not self._wait(lambda: request in self._urls, 30.0) or not self._urls[request]:
            raise Refused("no address to upload to was given")
        address, _ = self._urls[request][0]
        edge = secrets.token_hex(16)
        head = (
            f"--{edge}\r\nContent-Disposition: form-data;"
            f' name="{name}"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        headers = self._headers() | {
            "Content-Type": f"multipart/form-data; boundary={edge}",
            "X-Xsrftoken": self.cookies.get("_streamlit_xsrf", ""),
        }
        if origin is not None:
            headers["Origin"] = self.url if origin == OWN else origin
        body = b"".join((head.encode(), data, f"\r\n--{edge}--\r\n".encode()))
        path = urlsplit(address).path
        return ask(self.url, path, headers, "PUT", body, self.source, timeout=120.0)

    # -- what a visitor sees ---------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The words of the page as the last run has drawn it, without the style sheet."""
        with self._changed:
            return "\n".join(self._words[place] for place in sorted(self._words))

    def wait_for_text(self, text: str, seconds: float) -> bool:
        """Whether `text` has come after that time at most."""
        return self._wait(lambda: any(text in words for words in self._words.values()), seconds)

    def wait_for_runs(self, runs: int, seconds: float) -> bool:
        """Whether so many script runs have ended after that time at most."""
        return self._wait(lambda: self.runs >= runs, seconds)

    def wait_until_rest(self, seconds: float) -> bool:
        """Whether one more script run has ended after that time at most."""
        return self.wait_for_runs(self.runs + 1, seconds)

    # -- the wire --------------------------------------------------------------------------------

    def _take_cookies(self, timeout: float) -> None:
        headers = {"Accept": "text/html", **self._proxied}
        page = ask(self.url, f"/{self.path}", headers, "GET", None, self.source, timeout)
        if page.status != 200:
            raise Refused(f"{page.status}: {page.body[:2000].decode('utf-8', 'replace')}")
        health = ask(self.url, "/_stcore/health", source=self.source, timeout=timeout)
        self.cookies |= {**page.cookies, **health.cookies}

    def _headers(self) -> dict[str, str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self._proxied | ({"Cookie": pairs} if pairs else {})

    def _connect(self, origin: str | None, timeout: float) -> ClientConnection:
        place = urlsplit(self.url)
        outgoing = (self.source, 0) if self.source else None
        plain = socket.create_connection((place.hostname, place.port or 80), timeout, outgoing)
        token = self.cookies.get("_streamlit_xsrf") or "-"
        try:
            opening = connect(
                f"ws://{place.netloc}{STREAM}",
                sock=plain,
                origin=self.url if origin == OWN else origin,  # type: ignore[arg-type]
                subprotocols=[Subprotocol("streamlit"), Subprotocol(token)],
                additional_headers=self._headers(),
                open_timeout=timeout,
                max_size=MAX_MESSAGE_BYTES,
                compression=None,
                ping_interval=None,  # a browser sends none
                proxy=None,
            )
            return self._open.enter_context(opening)
        except InvalidStatus as error:
            plain.close()
            said = error.response.body or b""
            status = error.response.status_code
            raise Refused(f"{status}: {said[:2000].decode('utf-8', 'replace')}") from error
        except (OSError, ValueError, ConnectionClosed, EOFError) as error:
            plain.close()
            raise Refused(str(error) or type(error).__name__) from error

    def _give(self, message: BackMsg) -> None:
        with contextlib.suppress(ConnectionClosed):
            self._socket.send(message.SerializeToString())

    def _read(self) -> None:
        try:
            for data in self._socket:
                message = ForwardMsg()
                message.ParseFromString(data if isinstance(data, bytes) else data.encode())
                with self._changed:
                    self.arrivals.append(time.monotonic())
                    self._take(message)
                    self._changed.notify_all()
            reason = "closed"
        except (ConnectionClosed, OSError) as error:
            reason = str(error)
        with self._changed:
            self.closed = reason or "closed"
            self._changed.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            if not message.metadata.run.fragment_ids:
                self._words.clear()
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "script_finished":
            self.runs += 1
        elif kind == "file_urls_response":
            found = message.file_urls_response
            urls = [(each.upload_url, each.file_id) for each in found.file_urls]
            self._urls[found.response_id] = urls
        elif kind == "delta":
            self._draw(message)

    def _draw(self, message: ForwardMsg) -> None:
        place = tuple(message.metadata.delta_path)
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind is None or (kind == "html" and "<style>" in element.html.body):
            return
        if kind == "chat_input":
            self._inputs[kind] = element.chat_input.id
        part = getattr(element, kind)
        words = [getattr(part, name, "") for name in ("label", "body", "code_text", "text", "icon")]
        self._words[place] = " ".join(word for word in words if isinstance(word, str) and word)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: condition() or bool(self.closed), seconds)
            return condition()
