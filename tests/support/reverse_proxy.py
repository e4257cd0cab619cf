"""A plain reverse proxy over several servers, in turn: connections are passed on as they are.

with ReverseProxy(["http://127.0.0.1:9001", "http://127.0.0.1:9002"]) as proxy:
    page.goto(proxy.url)
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

PIECE_BYTES = 1 << 16


class ReverseProxy:
    """Each new connection goes to the next server. `only` sends all to the one of that number."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._places = [
            (str(urlsplit(each).hostname), urlsplit(each).port or 80) for each in servers
        ]
        self._next = itertools.cycle(range(len(self._places)))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reverse-proxy", daemon=True)
        self.only: int | None = None
        self.url = ""

    def __enter__(self) -> ReverseProxy:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stopping.wait()
        server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = self._places[next(self._next) if self.only is None else self.only]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection(*place)
            await asyncio.gather(_pass(reader, back), _pass(there, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.close()
