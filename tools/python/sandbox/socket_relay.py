"""A proxy between the server's ZeroMQ sockets and those of an untrusted kernel.

Code in a sandbox can take over the kernel's sockets. ZeroMQ accepts messages of any number of
parts, and follows a symbolic link in a socket's place. So ZeroMQ connects to sockets of this
proxy, which forwards and counts the bytes.
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

RETRY_INTERVAL_S = 0.01  # between two attempts to connect to a kernel that is starting
CHUNK_BYTES = 1 << 18


class Relay:
    """Listens on one socket for each of the kernel's, and forwards connections to it.

    Arguments:
        sockets: path of each socket to create -> path of the kernel's socket, which lies in a
            folder that the code can write to.
        max_bytes: bytes that the kernel may send in one call.
        on_broken: called with False when the kernel closes a connection, with True when it sent
            more than `max_bytes`.

    Raises OSError.
    """

    def __init__(
        self, sockets: Mapping[Path, Path], max_bytes: int, on_broken: Callable[[bool], None]
    ) -> None:
        self._max_bytes, self._on_broken = max_bytes, on_broken
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = _loop()
        self._listeners = [(_listen(near), far) for near, far in sockets.items()]
        self._loop.call_soon_threadsafe(self._start)

    def begin(self) -> None:
        """Mark the beginning of a call, from which bytes are counted."""
        self._count = 0

    def close(self) -> None:
        """Close all connections. May be called twice."""
        self._loop.call_soon_threadsafe(self._stop)

    # -- on the loop's thread --------------------------------------------------------------------

    def _start(self) -> None:
        for listener, path in self._listeners:
            accepting = self._spawn(self._accept(listener, path))
            # The socket is closed only after the loop has stopped watching it.
            accepting.add_done_callback(partial(_close, listener))

    def _stop(self) -> None:
        # A connection that arrives now would be accepted for a task that is cancelled.
        for listener, _ in self._listeners:
            if listener.fileno() >= 0:
                self._loop.remove_reader(listener)
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listener: socket.socket, path: Path) -> None:
        while True:
            near, _ = await self._loop.sock_accept(listener)
            near.setblocking(False)
            self._spawn(self._join(near, path))

    async def _join(self, near: socket.socket, path: Path) -> None:
        with near, contextlib.suppress(OSError):
            while (far := _connected(path)) is None:
                await asyncio.sleep(RETRY_INTERVAL_S)
            with far:
                to_kernel = self._loop.create_task(self._pass(near, far))
                from_kernel = self._loop.create_task(self._pass(far, near, count=True))
                both = (to_kernel, from_kernel)
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                    if from_kernel.done():
                        self._on_broken(self._count > self._max_bytes)
                finally:
                    for task in both:
                        task.cancel()
                    await asyncio.gather(*both, return_exceptions=True)

    async def _pass(
        self, source: socket.socket, target: socket.socket, *, count: bool = False
    ) -> None:
        while data := await self._loop.sock_recv(source, CHUNK_BYTES):
            if count:
                self._count += len(data)
                if self._count > self._max_bytes:
                    return
            await self._loop.sock_sendall(target, data)


def _close(listener: socket.socket, _: object) -> None:
    listener.close()


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.setblocking(False)
    listener.bind(str(path))
    listener.listen()
    return listener


def _connected(path: Path) -> socket.socket | None:
    """A connection to the socket at `path`; None where there is none yet, or a symbolic link."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                connection = socket.socket(socket.AF_UNIX)
                connection.setblocking(False)
                connection.connect(f"/proc/self/fd/{descriptor}")
                return connection
        finally:
            os.close(descriptor)
    return None


_loop_lock = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _loop_lock:
        return _made_loop()


@cache
def _made_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="kernel-relay", daemon=True).start()
    return loop
