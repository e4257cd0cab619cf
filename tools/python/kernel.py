"""One Jupyter kernel: started, ready, asked, ended.

The kernel takes its orders over unix sockets in a folder that only this user can open, not
over ports that are open to everybody on the machine.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from tools.python.launcher import KernelLauncher

log = logging.getLogger(__name__)

Message = Mapping[str, Any]
Reason = Literal["finished", "time", "cancelled", "died"]

TICK = 0.05  # seconds between two looks at the Stop flag, the clock and the process
KILL_AFTER_CANCEL = 0.6  # seconds; a stopped turn has to end within one
KILL_AFTER_LIMIT = 3.0  # seconds that code may take to tidy up after its time limit
MISSING = 1.0  # seconds to wait for the second half of an answer whose first half came
STARTUP = ("startup.py", "startup_figures.py")
LONGEST_SOCKET_PATH = 107  # bytes, sun_path of <sys/un.h> on Linux less its final zero

# One context serves all kernels with one I/O thread. Its options hold for every socket: a
# kernel is the user's code, and must not fill the server's memory.
_context = zmq.Context()
_context.setsockopt(zmq.LINGER, 0)
_context.setsockopt(zmq.RECONNECT_IVL, 10)
_context.setsockopt(zmq.RCVHWM, 200)
_context.setsockopt(zmq.MAXMSGSIZE, 64 * 1024 * 1024)

_alive: weakref.WeakSet[Kernel] = weakref.WeakSet()


class KernelFailed(Exception):
    """The kernel did not become ready."""


@dataclass(frozen=True)
class Ending:
    """How an execution ended, and whether the kernel with its variables is still there."""

    reason: Reason
    alive: bool
    status: int | None = None


class Kernel:
    """A kernel in `workspace`. The process is started at once; `wait_ready` waits for it.

    `keep`: characters of output that it sends from each end of a call's output.
    Raises `KernelFailed`.
    """

    def __init__(self, workspace: Path, launcher: KernelLauncher, keep: int) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._closed = False
        self.private = _private_folder()
        try:
            connection = self.private / "connection.json"
            write_connection_file(
                str(connection),
                transport="ipc",
                ip=str(self.private / "k"),
                key=secrets.token_hex(32).encode(),
                shell_port=1,
                iopub_port=2,
                stdin_port=3,
                hb_port=4,
                control_port=5,
            )
            self._process = launcher.launch(connection, workspace)
        except OSError as error:
            shutil.rmtree(self.private, ignore_errors=True)
            raise KernelFailed("The kernel's process could not be started.") from error
        self._client = BlockingKernelClient(context=_context)
        self._client.load_connection_file(str(connection))
        self._client.start_channels(stdin=False, hb=False, control=False)
        _alive.add(self)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return when the kernel answers and is prepared. Raises `KernelFailed`.

        The kernel is asked until the reply and, on the other channel, the status that belongs
        to it have both come: the reply alone says nothing about whether output arrives. Its
        death is seen in its process, sooner than in a heartbeat that fails.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            while True:
                request = self._client.kernel_info()
                ending = self._listen(request, _ignore, min(deadline, time.monotonic() + 1))
                if ending.reason == "finished":
                    break
                if ending.reason == "died" or time.monotonic() > deadline:
                    raise KernelFailed(self._startup_log())
            code = "\n".join(_startup_code(file, self._keep) for file in STARTUP)
            errors: list[Message] = []

            def note_error(message: Message) -> None:
                if message["msg_type"] == "error":
                    errors.append(message)

            request = self._client.execute(code, silent=True, allow_stdin=False)
            ending = self._listen(request, note_error, deadline)
            if ending.reason != "finished" or errors:
                raise KernelFailed(str(errors) if errors else self._startup_log())

    def execute(
        self,
        code: str,
        hear: Callable[[Message], None],
        seconds: float,
        cancel: threading.Event,
    ) -> Ending:
        """Run `code` and give every message that belongs to it to `hear`, until it is done.

        Output that threads of earlier calls write meanwhile belongs to those calls, and is
        dropped. Code that runs longer than `seconds`, or past `cancel`, is interrupted, and
        where that does not help the kernel is killed: the ending says which.
        """
        with self._lock:
            if self._closed:
                return Ending("died", alive=False)
            request = self._client.execute(code, allow_stdin=False, stop_on_error=False)
            return self._listen(request, hear, time.monotonic() + seconds, cancel, interrupt=True)

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return not self._closed and self._process.poll() is None

    def close(self) -> None:
        """End the kernel and what it started, and remove its folder. May be called twice."""
        self._closed = True
        self._process.kill()
        # A thread that listens sees the process gone within a tick, and lets the sockets go.
        if self._lock.acquire(timeout=20 * TICK):
            try:
                self._client.stop_channels()
            finally:
                self._lock.release()
        shutil.rmtree(self.private, ignore_errors=True)
        _alive.discard(self)

    def _listen(
        self,
        request: str,
        hear: Callable[[Message], None],
        deadline: float,
        cancel: threading.Event | None = None,
        *,
        interrupt: bool = False,
    ) -> Ending:
        """Receive until the reply and the idle status of `request` are there, or time is up."""
        shell, iopub = self._client.shell_channel.socket, self._client.iopub_channel.socket
        poller = zmq.Poller()
        poller.register(shell, zmq.POLLIN)
        poller.register(iopub, zmq.POLLIN)
        replied: float | None = None
        idle: float | None = None
        reason: Reason = "finished"
        interrupt_at = kill_at = float("inf")
        while True:
            status = self._process.poll()
            ready = dict(poller.poll(0 if status is not None else round(TICK * 1000)))
            for socket in ready:
                message = self._receive(socket)
                if message is None or message["parent_header"].get("msg_id") != request:
                    continue
                if socket is shell:
                    replied = time.monotonic()
                    hear(message)
                elif message["msg_type"] != "status":
                    hear(message)
                elif message["content"].get("execution_state") == "idle":
                    idle = time.monotonic()
            now = time.monotonic()
            first = min((when for when in (replied, idle) if when is not None), default=now)
            if (replied and idle) or (iopub not in ready and now - first > MISSING):
                return Ending(reason, alive=True)
            if status is not None:
                if not ready:
                    return Ending("died" if reason == "finished" else reason, False, status)
                continue
            if cancel is not None and cancel.is_set() and reason != "cancelled":
                reason, interrupt_at, kill_at = "cancelled", now, now + KILL_AFTER_CANCEL
            elif now > deadline and reason == "finished":
                if not interrupt:
                    return Ending("time", alive=True)
                reason, interrupt_at, kill_at = "time", now, now + KILL_AFTER_LIMIT
            if now >= kill_at:
                self.close()
                return Ending(reason, alive=False)
            if now >= interrupt_at:
                # Again after a while: the first may have come before the code began.
                self._process.interrupt()
                interrupt_at = now + KILL_AFTER_CANCEL / 2 if reason == "cancelled" else now + 1

    def _receive(self, socket: zmq.Socket[bytes]) -> Message | None:
        """The next message, or None where there is none that can be read."""
        try:
            message: Message | None = self._client.session.recv(socket)[1]
        except (ValueError, TypeError, KeyError):
            log.warning("A message of the kernel could not be read.", exc_info=True)
            return None
        return message

    def _startup_log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.private / "log").read_text("utf-8", "replace")[-4000:]
        return "The kernel said nothing."


def _ignore(_: Message) -> None:
    return None


def _startup_code(file: str, keep: int) -> str:
    source = resources.files(__package__).joinpath(file).read_text("utf-8")
    return (
        f"(lambda names: (exec(compile({source!r}, {file!r}, 'exec'), names),"
        f" names['prepare'](get_ipython(), {keep})))({{'__name__': {file!r}}})"
    )


def _private_folder() -> Path:
    """A new folder for one kernel, with a path that is short enough for unix sockets."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=parent)).resolve()
            if len(bytes(folder / "k-5")) <= LONGEST_SOCKET_PATH:
                return folder
            folder.rmdir()
    raise KernelFailed("No folder for temporary files has a path short enough for sockets.")


@atexit.register
def _close_all() -> None:
    for kernel in list(_alive):
        kernel.close()
