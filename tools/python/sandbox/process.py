"""A sandboxed kernel's process: how it is stopped, and the relay that its messages pass.

Code in a sandbox can take over the kernel's sockets. ZeroMQ accepts messages of any number of
parts, and follows a symbolic link in a socket's place. So ZeroMQ connects to sockets of the relay,
which forwards and counts the bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from functools import cache, partial
from pathlib import Path

from tools.python.limits import PythonLimits
from tools.python.limits.monitor import ResourceMonitor

MAX_OUTPUT_MB = 128  # that a kernel may send in one call; a call shows far less
EXIT_GRACE_S = 1.0  # until a kernel that closed its connections is killed, if it has not ended
CONNECTIONS_CLOSED = "The code closed the connections of Python itself, and Python was ended."
EXIT_TIMEOUT_S = 5.0  # for the processes of a killed sandbox to end
RETRY_INTERVAL_S = 0.01  # between two attempts to connect to a kernel that is starting
CHUNK_BYTES = 1 << 18


class SandboxedProcess:
    """A `KernelProcess`. `inner`: the sandbox's first process, with which all others in it end."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        inner: int,
        limits: PythonLimits,
        folders: Iterable[Path],
        sockets: Mapping[Path, Path],
        refused_at: int | None,
    ) -> None:
        self._process, self._inner = process, inner
        self._lock = threading.Lock()
        self._ended = False
        self._handle: int | None = os.pidfd_open(inner)
        self._monitor = ResourceMonitor(
            inner, limits, folders, self._end, limits.in_memory, refused_at
        )
        self._relay = Relay(sockets, MAX_OUTPUT_MB << 20, self._on_relay_broken)

    def poll(self) -> int | None:
        status = self._process.poll()
        if status is None and self._ended:
            return -signal.SIGKILL  # bubblewrap itself ends a moment later
        # bubblewrap reports a signal as shells do: 128 plus its number.
        return 128 - status if status is not None and status > 128 else status

    def interrupt(self) -> None:
        """Signal the kernel and its children, as a terminal does; the first process ignores it."""
        with contextlib.suppress(OSError):
            if self._process.poll() is None:
                os.killpg(self._inner, signal.SIGINT)

    def begin(self) -> None:
        self._relay.begin()
        self._monitor.begin()

    def exceeded(self) -> str | None:
        return self._monitor.exceeded()

    def hit_process_limit(self) -> bool:
        return self._monitor.hit_process_limit()

    def full(self) -> Collection[str]:
        return self._monitor.full()

    def kill(self) -> None:
        self._end()
        with self._lock:
            if self._handle is not None:
                select.select([self._handle], [], [], EXIT_TIMEOUT_S)
                os.close(self._handle)
                self._handle = None
                self._monitor.end()
                self._relay.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=EXIT_TIMEOUT_S)

    def _end(self) -> None:
        self._ended = True
        with contextlib.suppress(OSError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _on_relay_broken(self, flooded: bool) -> None:
        if flooded:
            self._monitor.stop(f"limit of {MAX_OUTPUT_MB} MB of output")
        else:
            # The kernel is about to end; or its code removed the sockets, and no message can arrive
            # any more.
            ending = threading.Timer(EXIT_GRACE_S, self._end_disconnected)
            ending.daemon = True
            ending.start()

    def _end_disconnected(self) -> None:
        if self._process.poll() is None and not self._ended:
            self._monitor.stop_with(CONNECTIONS_CLOSED)
            self._end()


# -- the proxy between the server's ZeroMQ sockets and those of the untrusted kernel ---------------


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
