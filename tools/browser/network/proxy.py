"""The one way out: a small forward proxy on loopback through which every byte of the web comes.

It takes plain HTTP requests and CONNECT tunnels (TLS, WebSocket), asks the wall for each
connection, and counts what each session reads. Who has no account with it is sent away, so that
nobody else on the machine can use it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from tools.browser.network.address_guard import AddressGuard, Refused, Unreachable
from tools.browser.network.quota import ProxyQuota, QuotaExceeded

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
CONNECTIONS = 96  # at a time for one session; Chromium opens 32 to one proxy, and WebSockets
HEAD = 100 << 10  # bytes of a message's headers; as many as httpx takes
GREETING = 10.0  # seconds until a client must have sent its request's head

# Headers for this hop alone (RFC 9110, 7.6.1); h11 frames each side anew.
_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authorization proxy-authenticate te trailer "
    b"upgrade x-refused".split()
)


class Proxy:
    """Serves on a free port of 127.0.0.1 between `start` and `stop`, on the running loop."""

    def __init__(self, wall: AddressGuard, page_bytes: int = 30_000_000) -> None:
        self.wall = wall
        self._page_bytes = page_bytes
        self._accounts: dict[str, ProxyQuota] = {}
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Where it listens. Raises RuntimeError when it does not."""
        if self._server is None:
            raise RuntimeError("The proxy is not running.")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def open(self) -> ProxyQuota:
        """An account for one session."""
        account = ProxyQuota(self._page_bytes)
        self._accounts[account.name] = account
        return account

    def close(self, account: ProxyQuota) -> None:
        self._accounts.pop(account.name, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        client = _Side(h11.Connection(h11.SERVER, HEAD), reader, writer)
        try:
            await self._answer(client)
        except (OSError, EOFError, TimeoutError, h11.ProtocolError, QuotaExceeded):
            log.debug("A connection through the proxy ended early.", exc_info=True)
        except asyncio.CancelledError:
            pass  # by `stop`; asyncio's streams would log it as an error
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, client: _Side) -> None:
        async with asyncio.timeout(GREETING):
            request = await client.next()
        if not isinstance(request, h11.Request):
            return
        account = self._account(dict(request.headers).get(b"proxy-authorization", b""))
        if account is None:
            await client.refuse(407, "no account", [("Proxy-Authenticate", 'Basic realm="wall"')])
            return
        target = _target(request)
        if target is None:
            await client.refuse(400, "not a request to a proxy")
            return
        if account.connections >= CONNECTIONS or account.spent:
            await client.refuse(503, "too much at a time")
            return
        account.connections += 1
        try:
            await self._connect(client, request, account, target)
        finally:
            account.connections -= 1

    async def _connect(
        self, client: _Side, request: h11.Request, account: ProxyQuota, target: _Target
    ) -> None:
        try:
            reader, writer = await self.wall.connect(target.host, target.port)
        except (Refused, Unreachable) as trouble:
            account.note(target.host, target.port, str(trouble))
            await client.refuse(403 if isinstance(trouble, Refused) else 502, str(trouble))
            return
        account.note(target.host, target.port, "")
        try:
            if request.method == b"CONNECT":
                await _tunnel(client, reader, writer, account)
            else:
                server = _Side(h11.Connection(h11.CLIENT, HEAD), reader, writer, account)
                await _forward(client, request, server, target)
        finally:
            writer.close()

    def _account(self, credentials: bytes) -> ProxyQuota | None:
        for account in self._accounts.values():
            if hmac.compare_digest(account.credentials, credentials):
                return account
        return None


@dataclass(frozen=True)
class _Target:
    host: str
    port: int
    path: str


def _target(request: h11.Request) -> _Target | None:
    """Where a request to a proxy wants to go: `host:port`, or a whole http address."""
    text = request.target.decode("latin-1")
    tunnel = request.method == b"CONNECT"
    try:
        parts = urlsplit(f"//{text}" if tunnel else text)
        if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
            # httpcore forgets the brackets of IPv6, but not in the Host header.
            host, _, digits = text.rpartition(":")
            named = dict(request.headers).get(b"host", b"").decode("latin-1")
            authority = f"//[{host}]:{digits}" if tunnel else f"//{named}"
            parts = urlsplit(authority)._replace(path=parts.path, query=parts.query)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if tunnel:
        return _Target(host, port, "") if host and port else None
    if not host or not text.lower().startswith("http://"):
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(host, port or 80, path)


class _Side:
    """One of the two connections of a request, as events of h11. What comes from a server is
    counted on `account`."""

    def __init__(
        self,
        state: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        account: ProxyQuota | None = None,
    ) -> None:
        self.state = state
        self.reader = reader
        self.writer = writer
        self.account = account

    async def next(self) -> Any:
        """The next event. Raises h11.RemoteProtocolError, OSError and Spent."""
        while (event := self.state.next_event()) is h11.NEED_DATA:
            data = await self.reader.read(CHUNK_BYTES)
            if self.account is not None:
                self.account.spend(len(data))
            self.state.receive_data(data)
        return event

    async def body(self) -> AsyncIterator[Any]:
        """The events up to the end of a message, that end among them."""
        while True:
            event = await self.next()
            if isinstance(event, h11.Data | h11.EndOfMessage):
                yield event
            if not isinstance(event, h11.Data):
                return

    async def send(self, event: Any) -> None:
        if data := self.state.send(event):
            self.writer.write(data)
            await self.writer.drain()

    async def refuse(self, status: int, why: str, headers: Any = ()) -> None:
        # No body: in a frame it would look like the page's own text.
        lines = [("Content-Length", "0"), ("Connection", "close"), ("X-Refused", why)]
        reason = why.encode("ascii", "replace")
        response = h11.Response(status_code=status, headers=[*lines, *headers], reason=reason)
        await self.send(response)
        await self.send(h11.EndOfMessage())


async def _forward(client: _Side, request: h11.Request, server: _Side, target: _Target) -> None:
    """One plain request and its answer. The connection is closed after it on both sides, so
    that a next request, which may go elsewhere, is judged anew."""
    headers = [(name, value) for name, value in request.headers if name not in _HOP]
    headers.append((b"connection", b"close"))
    await server.send(h11.Request(method=request.method, target=target.path, headers=headers))
    async for event in client.body():
        await server.send(event)
    await _first(_pass_answer(client, server), client.reader.read(CHUNK_BYTES))


async def _pass_answer(client: _Side, server: _Side) -> None:
    while isinstance(answer := await server.next(), h11.InformationalResponse):
        pass
    if not isinstance(answer, h11.Response):
        return
    headers = [(name, value) for name, value in answer.headers if name not in _HOP]
    headers.append((b"connection", b"close"))
    status, reason = answer.status_code, answer.reason
    await client.send(h11.Response(status_code=status, headers=headers, reason=reason))
    async for event in server.body():
        await client.send(event)


async def _tunnel(
    client: _Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: ProxyQuota
) -> None:
    client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    early, _ = client.state.trailing_data
    writer.write(early)
    await _first(
        _pump(client.reader, writer, account),
        _pump(reader, client.writer, account),
    )


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: ProxyQuota
) -> None:
    while data := await reader.read(CHUNK_BYTES):
        account.spend(len(data))
        writer.write(data)
        await writer.drain()


async def _first(*works: Coroutine[Any, Any, Any]) -> None:
    """Ends with the first of `works` to end, and raises what it raised: when one side of a
    connection is gone, nobody waits for the other."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
