"""A page without a browser: what Streamlit's own page says to the server, over its WebSocket.

    async with open_page(app.url) as page:
        await page.rerun()
        await page.until(lambda page: page.at_rest)
        await page.send("hello")

Dozens of these cost what one Chromium page costs. It keeps what it is told by the server: the
elements by their places, the times of the draws, whether the script runs.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MAX_MESSAGE_BYTES = 256 << 20


@dataclass(frozen=True)
class Drawn:
    """At `time`, a monotonic time in seconds, a piece of Markdown came to read `text`."""

    time: float
    text: str


@dataclass
class PageClient:
    """One open page. `cookies` are those of its visitor."""

    url: str
    cookies: dict[str, str]
    socket: ClientConnection
    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    draws: list[Drawn] = field(default_factory=list)
    runs: int = 0
    """Script runs that the server began."""
    at_rest: bool = False
    """Whether the last script run has come to its end."""
    session: str = ""
    heard: float = 0.0
    """When the server was last heard of, a monotonic time in seconds."""
    closed: bool = False
    page: str = ""
    query: str = ""
    """What the page's address has after the question mark."""
    _run: str = ""
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _files: dict[str, list[str]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The Markdown on the page, in arbitrary order."""
        every = self.elements.values()
        return [each.markdown.body for each in every if each.WhichOneof("type") == "markdown"]

    @property
    def toasts(self) -> list[str]:
        """The toasts of the page since its last run began."""
        every = self.elements.values()
        return [each.toast.body for each in every if each.WhichOneof("type") == "toast"]

    @property
    def answered(self) -> bool:
        """Whether the last answer has come to its end and the page is at rest."""
        every = self.elements.values()
        return self.at_rest and any(each.button.label == "Retry" for each in every)

    def widget(self, kind: str, label: str = "") -> str:
        """The id of the first widget of that type of `Element` whose label begins so.

        Raises `LookupError` where there is none.
        """
        for element in self.elements.values():
            if element.WhichOneof("type") == kind:
                found = getattr(element, kind)
                if str(getattr(found, "label", "")).startswith(label):
                    return str(found.id)
        raise LookupError(f"no {kind} {label!r} is on the page")

    async def rerun(self, *states: WidgetState, name: str = "") -> None:
        """Asks for a run of the script with these widgets' values; at first by the page's name."""
        message = BackMsg()
        client = message.rerun_script
        client.page_script_hash, client.page_name = self.page, name
        client.query_string = self.query
        client.widget_states.widgets.extend(states)
        await self.socket.send(message.SerializeToString())

    async def send(self, text: str) -> None:
        """Writes a message into the message box and sends it."""
        state = WidgetState(id=self.widget("chat_input"))
        state.chat_input_value.data = text
        await self.rerun(state)

    async def press(self, label: str) -> None:
        """Presses the first button whose label begins so."""
        await self.rerun(WidgetState(id=self.widget("button", label), trigger_value=True))

    async def upload(self, name: str, data: bytes) -> int:
        """Gives a file to the message box, unsent; the status of the server's answer."""
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        await self.socket.send(message.SerializeToString())
        await self.until(lambda page: name in page._files)
        place = self._files.pop(name)[0]
        token = self.cookies.get("_streamlit_xsrf", "")
        async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
            answer = await http.put(
                f"{self.url}{place}",
                files={"file": (name, data)},
                headers={"X-Xsrftoken": token, "Cookie": _header(self.cookies), "Origin": self.url},
            )
        return answer.status_code

    async def until(self, holds: Callable[[PageClient], bool], seconds: float = 60.0) -> None:
        """Waits until `holds` of this page. Raises `TimeoutError` after `seconds`, and
        `ConnectionError` where the server closed the connection."""
        async with asyncio.timeout(seconds):
            while not holds(self):
                if self.closed:
                    raise ConnectionError("the server closed the page's connection")
                self._heard.clear()
                await self._heard.wait()

    async def _listen(self) -> None:
        try:
            async for data in self.socket:
                message = ForwardMsg()
                message.ParseFromString(data if isinstance(data, bytes) else data.encode())
                self._take(message)
                self._heard.set()
        except ConnectionClosed:
            pass
        finally:
            self.closed = True
            self._heard.set()

    def _take(self, message: ForwardMsg) -> None:
        self.heard = time.monotonic()
        match message.WhichOneof("type"):
            case "new_session":
                self.runs, self.at_rest = self.runs + 1, False
                self._run = message.metadata.run.script_run_id
                new = message.new_session
                self.session = new.initialize.session_id or self.session
                self.page = new.page_script_hash
                if not message.metadata.run.fragment_ids:
                    self.elements.clear()
            case "navigation":
                self.page = message.navigation.page_script_hash
            case "delta":
                self._draw(message)
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "script_finished":
                # A run that gave way to another one may say so after that has begun.
                self.at_rest = self.at_rest or message.metadata.run.script_run_id == self._run
            case "file_urls_response":
                answer = message.file_urls_response
                self._files[answer.response_id] = [each.upload_url for each in answer.file_urls]
            case _:
                pass

    def _draw(self, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        self.elements[tuple(message.metadata.delta_path)] = element
        if element.WhichOneof("type") == "markdown":
            self.draws.append(Drawn(self.heard, element.markdown.body))


@asynccontextmanager
async def open_page(
    url: str,
    path: str = "",
    cookies: dict[str, str] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    source: str | None = None,
) -> AsyncIterator[PageClient]:
    """Opens a page as a visitor of its own, or with the cookies of one who was there before.
    `headers` are sent with the WebSocket's request; `source` is the address it comes from.

    Raises `websockets.exceptions.InvalidStatus` where the server refuses.
    """
    known = (
        dict(cookies) if cookies is not None else await asyncio.to_thread(visit, f"{url}/{path}")
    )
    host = urlsplit(url).netloc
    async with connect(
        f"ws://{host}/_stcore/stream",
        origin=url,  # type: ignore[arg-type]
        subprotocols=["streamlit", known.get("_streamlit_xsrf", "none")],  # type: ignore[list-item]
        additional_headers={"Cookie": _header(known), **headers},
        max_size=MAX_MESSAGE_BYTES,
        proxy=None,
        local_addr=None if source is None else (source, 0),
    ) as socket:
        page = PageClient(url, known, socket)
        listening = asyncio.create_task(page._listen())
        try:
            yield page
        finally:
            listening.cancel()


def visit(url: str) -> dict[str, str]:
    """Asks for a page and what it reads at its start; the cookies that a browser then has."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    given: dict[str, str] = {}
    base = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    for place in (url, f"{base}/_stcore/health"):
        asked = urllib.request.Request(place, headers={"Accept": "text/html"})
        with direct.open(asked, timeout=60) as answer:
            for line in answer.headers.get_all("Set-Cookie", []):
                given |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
    return given


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
