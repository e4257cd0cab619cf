"""Stands between the server and the sockets of a kernel that is not to be trusted.

Whoever runs in a sandbox can speak on the kernel's sockets in its place. The ZeroMQ library
would collect a message of any number of parts, and follow a link in the place of a socket; so it
is connected to sockets of ours, and the bytes are passed on and counted here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import threading
from collections.abc import Callable, Coroutine, Mapping
from functools import cache, partial
from pathlib import Path

RETRY = 0.01  # seconds until a kernel that starts is looked for again
CHUNK = 1 << 18


class Relay:
    """Makes the sockets that are the keys of `sockets`; each leads to the kernel's at its value.

    The kernel's lie in a folder of the code's. `broken` is called when the kernel hangs up, and,
    with True, when more than `most` bytes came from there since the last `begin`. Raises OSError.
    """

    def __init__(
        self, sockets: Mapping[Path, Path], most: int, broken: Callable[[bool], None]
    ) -> None:
        self._most, self._broken = most, broken
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = _loop()
        self._listening = [(_listen(near), far) for near, far in sockets.items()]
        self._loop.call_soon_threadsafe(self._start)

    def begin(self) -> None:
        """A call begins: bytes count from here."""
        self._count = 0

    def close(self) -> None:
        """Let go of all connections. May be called twice."""
        self._loop.call_soon_threadsafe(self._stop)

    # -- on the loop's thread --------------------------------------------------------------------

    def _start(self) -> None:
        for listening, path in self._listening:
            accepting = self._spawn(self._accept(listening, path))
            # Closed only after the loop has let go of it.
            accepting.add_done_callback(partial(_close, listening))

    def _stop(self) -> None:
        # A connection that has just come would find its task cancelled.
        for listening, _ in self._listening:
            if listening.fileno() >= 0:
                self._loop.remove_reader(listening)
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening: socket.socket, path: Path) -> None:
        while True:
            near, _ = await self._loop.sock_accept(listening)
            near.setblocking(False)
            self._spawn(self._join(near, path))

    async def _join(self, near: socket.socket, path: Path) -> None:
        with near, contextlib.suppress(OSError):
            while (far := _connected(path)) is None:
                await asyncio.sleep(RETRY)
            with far:
                to_kernel = self._loop.create_task(self._pass(near, far))
                from_kernel = self._loop.create_task(self._pass(far, near, count=True))
                both = (to_kernel, from_kernel)
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                    if from_kernel.done():
                        self._broken(self._count > self._most)
                finally:
                    for task in both:
                        task.cancel()
                    await asyncio.gather(*both, return_exceptions=True)

    async def _pass(
        self, source: socket.socket, target: socket.socket, *, count: bool = False
    ) -> None:
        while data := await self._loop.sock_recv(source, CHUNK):
            if count:
                self._count += len(data)
                if self._count > self._most:
                    return
            await self._loop.sock_sendall(target, data)


def _close(listening: socket.socket, _: object) -> None:
    listening.close()


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    listening.listen()
    return listening


def _connected(path: Path) -> socket.socket | None:
    """A connection to the socket at `path`, no link followed; None where there is none (yet)."""
    with contextlib.suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        try:
            if stat.S_ISSOCK(os.fstat(place).st_mode):
                connection = socket.socket(socket.AF_UNIX)
                connection.setblocking(False)
                connection.connect(f"/proc/self/fd/{place}")
                return connection
        finally:
            os.close(place)
    return None


_making = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _making:
        return _made_loop()


@cache
def _made_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="kernel-relay", daemon=True).start()
    return loop
