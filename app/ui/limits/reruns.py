"""Limits how often pages rerun the script: a few times per second for a visitor and an address.

Faster requests are merged where that loses no value and no click (see `merging`); others wait.
While too many wait, the connection is not read, so that TCP's flow control slows the sender.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.ui.limits.buckets import Bucket, Buckets, Queue
from app.ui.limits.merging import merged
from app.ui.limits.visitors import ClientIdentity

BURST_SECONDS = 2.0
"""The burst, in seconds of the rate: opening a page and its first clicks are not delayed."""
ADDRESS_SHARE = 5
"""The rate of one address, in rates of a visitor; a higher one would take the whole process."""
MAX_WAITING = 8
"""Messages of one connection that wait and can't be merged."""
MAX_WAITING_BYTES = 4 << 20


class Turns:
    """Paces the messages of all connections."""

    def __init__(self, rate: float) -> None:
        self._visitors = Buckets(rate, rate * BURST_SECONDS)
        self._rate = rate * ADDRESS_SHARE
        self._queues: dict[str, Queue] = {}

    def of(self, visitor: str, address: str) -> Callable[[], Awaitable[None]]:
        """Returns the coroutine function that a connection of that visitor awaits before each
        message."""
        if address not in self._queues:
            if len(self._queues) >= Buckets.MAX_KEPT:
                self._queues = {n: each for n, each in self._queues.items() if not each.idle}
            bucket = Bucket(self._rate, self._rate * BURST_SECONDS)
            self._queues[address] = Queue(bucket)
        queue = self._queues[address]

        async def turn() -> None:
            own = self._visitors[visitor]
            while not own.take():
                await asyncio.sleep(own.wait)
            await queue.take(visitor)

        return turn


class RerunLimits:
    """ASGI middleware for the pages' WebSockets. `rate` is in runs per second and visitor."""

    def __init__(self, app: ASGIApp, rate: float, identity: ClientIdentity) -> None:
        self._app, self._identity = app, identity
        self._turns = Turns(rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        # A page without a cookie is a visitor of its own.
        visitor = self._identity.visitor(scope) or f"connection {id(scope)}"
        paced = Paced(receive, self._turns.of(visitor, self._identity.address(scope)))
        try:
            await self._app(scope, paced.receive, send)
        finally:
            await paced.close()


class Paced:
    """A connection's messages, each delivered after its `turn`."""

    def __init__(self, receive: Receive, turn: Callable[[], Awaitable[None]]) -> None:
        self._receive, self._turn = receive, turn
        self._waiting: deque[Message] = deque()
        self._reading: asyncio.Task[Message] | None = None
        self._ended = False

    async def receive(self) -> Message:
        """The next message, for the app."""
        if not self._waiting:
            message = await self._read()
            if message["type"] != "websocket.receive":
                return message
            self._waiting.append(message)
        elif self._waiting[0]["type"] != "websocket.receive":
            return self._waiting.popleft()
        turn = asyncio.ensure_future(self._turn())
        try:
            while not turn.done():
                if self._has_room():
                    reading = self._read_on()
                    await asyncio.wait((turn, reading), return_when=asyncio.FIRST_COMPLETED)
                    if reading.done():
                        self._reading = None
                        self._add(reading.result())
                else:
                    await turn
        finally:
            turn.cancel()
        return self._waiting.popleft()

    async def close(self) -> None:
        """Stops reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    def _has_room(self) -> bool:
        size = sum(len(each.get("bytes") or each.get("text") or "") for each in self._waiting)
        return not self._ended and len(self._waiting) < MAX_WAITING and size < MAX_WAITING_BYTES

    def _add(self, message: Message) -> None:
        self._ended = message["type"] == "websocket.disconnect"
        last = self._waiting[-1]
        older, newer = last.get("bytes"), message.get("bytes")
        both = merged(older, newer) if older is not None and newer is not None else None
        if both is None:
            self._waiting.append(message)
        else:
            self._waiting[-1] = {**message, "bytes": both}

    def _read_on(self) -> asyncio.Task[Message]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read_next())
        return self._reading

    async def _read_next(self) -> Message:
        return await self._receive()

    async def _read(self) -> Message:
        if self._reading is None:
            return await self._receive()
        reading, self._reading = self._reading, None
        return await reading
