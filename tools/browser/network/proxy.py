"""A forward proxy on loopback, through which all of the browser's network traffic goes.

The proxy accepts plain HTTP requests and CONNECT tunnels (TLS, WebSocket), has the SSRF guard
check each connection, and counts the bytes of each session. It refuses requests without a
session's credentials, so that no other program on the machine can use it.
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
MAX_CONNECTIONS = 96  # of one session; Chromium opens 32 to one proxy, and WebSockets
MAX_HEADER_BYTES = 100 << 10  # of one message; the limit of httpx
REQUEST_TIMEOUT_S = 10.0  # until a client has sent the headers of its request

# Hop-by-hop headers (RFC 9110, 7.6.1), which are not forwarded; h11 frames both sides itself.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authorization proxy-authenticate te trailer "
    b"upgrade x-refused".split()
)


class Proxy:
    """Serves on a free port of 127.0.0.1 between `start` and `stop`, on the running loop.

    `page_bytes` is the quota of one page with all its resources.
    """

    def __init__(self, guard: AddressGuard, page_bytes: int = 30_000_000) -> None:
        self.guard = guard
        self._page_bytes = page_bytes
        self._quotas: dict[str, ProxyQuota] = {}
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """The proxy's URL. Raises RuntimeError while it is not running."""
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
        """Credentials and a quota for one session; `close` ends their validity."""
        quota = ProxyQuota(self._page_bytes)
        self._quotas[quota.name] = quota
        return quota

    def close(self, quota: ProxyQuota) -> None:
        self._quotas.pop(quota.name, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        client = _Connection(h11.Connection(h11.SERVER, MAX_HEADER_BYTES), reader, writer)
        try:
            await self._answer(client)
        except (OSError, EOFError, TimeoutError, h11.ProtocolError, QuotaExceeded):
            log.debug("A connection through the proxy ended early.", exc_info=True)
        except asyncio.CancelledError:
            pass  # by `stop`; asyncio's streams would log it as an error
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, client: _Connection) -> None:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            request = await client.next()
        if not isinstance(request, h11.Request):
            return
        quota = self._quota_of(dict(request.headers).get(b"proxy-authorization", b""))
        if quota is None:
            await client.refuse(407, "no account", [("Proxy-Authenticate", 'Basic realm="wall"')])
            return
        target = _target(request)
        if target is None:
            await client.refuse(400, "not a request to a proxy")
            return
        if quota.connections >= MAX_CONNECTIONS or quota.spent:
            await client.refuse(503, "too much at a time")
            return
        quota.connections += 1
        try:
            await self._connect(client, request, quota, target)
        finally:
            quota.connections -= 1

    async def _connect(
        self, client: _Connection, request: h11.Request, quota: ProxyQuota, target: _Target
    ) -> None:
        try:
            reader, writer = await self.guard.connect(target.host, target.port)
        except (Refused, Unreachable) as trouble:
            quota.note(target.host, target.port, str(trouble))
            await client.refuse(403 if isinstance(trouble, Refused) else 502, str(trouble))
            return
        quota.note(target.host, target.port, "")
        try:
            if request.method == b"CONNECT":
                await _tunnel(client, reader, writer, quota)
            else:
                server = _Connection(
                    h11.Connection(h11.CLIENT, MAX_HEADER_BYTES), reader, writer, quota
                )
                await _forward(client, request, server, target)
        finally:
            writer.close()

    def _quota_of(self, credentials: bytes) -> ProxyQuota | None:
        for quota in self._quotas.values():
            if hmac.compare_digest(quota.credentials, credentials):
                return quota
        return None


@dataclass(frozen=True)
class _Target:
    host: str
    port: int
    path: str


def _target(request: h11.Request) -> _Target | None:
    """The destination of a request: `host:port` of a tunnel, or an absolute http URL. Else None."""
    text = request.target.decode("latin-1")
    tunnel = request.method == b"CONNECT"
    try:
        parts = urlsplit(f"//{text}" if tunnel else text)
        if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
            # httpcore omits the brackets of IPv6 addresses, except in the Host header.
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


class _Connection:
    """One of the two connections of a request (client or server), as events of h11.

    Data from a server counts towards `quota`.
    """

    def __init__(
        self,
        state: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        quota: ProxyQuota | None = None,
    ) -> None:
        self.state = state
        self.reader = reader
        self.writer = writer
        self.quota = quota

    async def next(self) -> Any:
        """The next event. Raises h11.RemoteProtocolError, OSError and QuotaExceeded."""
        while (event := self.state.next_event()) is h11.NEED_DATA:
            data = await self.reader.read(CHUNK_BYTES)
            if self.quota is not None:
                self.quota.spend(len(data))
            self.state.receive_data(data)
        return event

    async def body(self) -> AsyncIterator[Any]:
        """The remaining events of a message, `EndOfMessage` included."""
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
        # No body: Chromium would show it in a frame as if it were text of the page.
        lines = [("Content-Length", "0"), ("Connection", "close"), ("X-Refused", why)]
        reason = why.encode("ascii", "replace")
        response = h11.Response(status_code=status, headers=[*lines, *headers], reason=reason)
        await self.send(response)
        await self.send(h11.EndOfMessage())


async def _forward(
    client: _Connection, request: h11.Request, server: _Connection, target: _Target
) -> None:
    """Forwards one plain HTTP request and its response.

    Both connections are closed afterwards, so that the guard also checks a next request, which
    may go to another host.
    """
    headers = [(name, value) for name, value in request.headers if name not in _HOP_BY_HOP]
    headers.append((b"connection", b"close"))
    await server.send(h11.Request(method=request.method, target=target.path, headers=headers))
    async for event in client.body():
        await server.send(event)
    await _first(_pass_answer(client, server), client.reader.read(CHUNK_BYTES))


async def _pass_answer(client: _Connection, server: _Connection) -> None:
    while isinstance(answer := await server.next(), h11.InformationalResponse):
        pass
    if not isinstance(answer, h11.Response):
        return
    headers = [(name, value) for name, value in answer.headers if name not in _HOP_BY_HOP]
    headers.append((b"connection", b"close"))
    status, reason = answer.status_code, answer.reason
    await client.send(h11.Response(status_code=status, headers=headers, reason=reason))
    async for event in server.body():
        await client.send(event)


async def _tunnel(
    client: _Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    quota: ProxyQuota,
) -> None:
    client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    early, _ = client.state.trailing_data
    writer.write(early)
    await _first(
        _pump(client.reader, writer, quota),
        _pump(reader, client.writer, quota),
    )


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, quota: ProxyQuota
) -> None:
    while data := await reader.read(CHUNK_BYTES):
        quota.spend(len(data))
        writer.write(data)
        await writer.drain()


async def _first(*works: Coroutine[Any, Any, Any]) -> None:
    """Waits for the first of `works` to end, cancels the others, and raises its exception.

    When one side of a connection is closed, the other side is not waited for.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
