"""One Jupyter kernel: started, made ready, asked, interrupted, ended.

What lies between us and its process is a `Connection`: sockets on this machine, or a gateway.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Protocol

from tools.safe_files import delete_folder

log = logging.getLogger(__name__)

Message = Mapping[str, Any]
Channel = Literal["shell", "iopub"]
Reason = Literal["finished", "time", "limit", "cancelled", "died"]

STOP_POLL_INTERVAL_S = 0.05  # seconds between two looks at the Stop flag, the clock and the process
KILL_AFTER_CANCEL = 0.6  # seconds; a stopped turn has to end within one
KILL_AFTER_LIMIT = 3.0  # seconds that code may take to tidy up after its time limit
MISSING = 1.0  # seconds to wait for the second half of an answer whose first half came
CLOSE_TIMEOUT_S = (
    5.0  # seconds that a start which was given up is waited for; it ends by itself after that
)
SENT_PER_SHOWN = 5  # times the shown characters that a kernel sends from each end of an output
STARTUP = ("session.py", "figures.py", "rich_display.py")
STARTUP_AHEAD = "preload.py"

# A kernel that was started ahead lay in another folder, which has been renamed since.
UPDATE_FOLDER = (
    "(lambda os, shell: (setattr(shell, 'starting_dir', os.getcwd()),"
    " shell.user_ns['_dh'].__setitem__(0, os.getcwd()),"
    " os.environ.update(HOME=os.getcwd())))(__import__('os'), get_ipython())"
)

_open: weakref.WeakSet[Kernel] = weakref.WeakSet()


class KernelFailed(Exception):
    """The kernel did not become ready. `told` is what a user may read of it."""

    told = "Python could not be started. Try once more."


@dataclass(frozen=True)
class Ending:
    """How an execution ended, and whether the kernel with its variables is still there.

    `said`, in one sentence: the limit that was reached, or what became of a kernel that died.
    """

    reason: Reason
    alive: bool
    said: str = ""


class Connection(Protocol):
    """A kernel's channels and its process, near or far."""

    def send_request(self, kind: str, content: Mapping[str, Any]) -> str:
        """Send a request over the shell channel. Returns its id."""

    def receive(self, seconds: float) -> Sequence[tuple[Channel, Message | None]]:
        """What has come after that time at most; None for what could not be read."""

    def ended(self) -> str | None:
        """None while the kernel is there, else what became of it, in one sentence."""

    def begin(self) -> None:
        """A call comes: forget what the kernel said since the last; its use counts from here."""

    def exceeded(self) -> str | None:
        """The limit that the code went past, in one sentence, else None."""

    def hit_process_limit(self) -> bool:
        """Whether the code was refused processes or threads since the call began."""

    def full(self) -> Collection[str]:
        """The places that the code can write to and that have no room now: see `causes.DISK`."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code."""

    def kill(self) -> None:
        """End the kernel and what it started, without waiting long. May be called twice."""

    def close(self) -> None:
        """Let go of channels and folders once the kernel is killed. May be called twice."""

    def log(self) -> str:
        """What the kernel said while it started."""

    def finish_setup(self) -> None:
        """Put in place what the kernel need not wait for to be ready."""

    def use_workspace(self, workspace: Path) -> None:
        """Make `workspace` the folder that the kernel works in. Raises OSError."""


class Kernel:
    """A kernel at the other end of `connection`. Its process is on its way; `wait_ready` waits.

    `keep`: characters of output that it sends from each end of a call's output. `prelude` is
    run in it before anything else.
    """

    def __init__(self, connection: Connection, keep: int, prelude: str = "") -> None:
        self.connection = connection
        self._keep = keep
        self._prelude = prelude
        self._lock = threading.RLock()
        self._closed = False
        _open.add(self)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return when the kernel answers and is prepared. Raises `KernelFailed`.

        The kernel is asked until the reply and, on the other channel, the status that belongs
        to it have both come: the reply alone says nothing about whether output arrives. Its
        death is seen in its process, sooner than in a heartbeat that fails.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            while True:
                request = self.connection.send_request("kernel_info_request", {})
                ending = self._listen(request, _ignore, min(deadline, time.monotonic() + 1))
                if ending.reason == "finished":
                    break
                if ending.reason == "died" or time.monotonic() > deadline:
                    raise KernelFailed(self.connection.log())
            startup = (_startup_code(file, self._keep) for file in STARTUP)
            self.run_silently("\n".join((self._prelude, *startup)), deadline - time.monotonic())

    def prepare_ahead(self) -> None:
        """Import what most code begins with. Raises `KernelFailed`."""
        self.connection.finish_setup()
        self.run_silently(_startup_code(STARTUP_AHEAD, self._keep))

    def run_silently(self, code: str, seconds: float = 60.0) -> None:
        """Run code of our own that puts out nothing. Raises `KernelFailed`."""
        errors: list[Message] = []

        def note_error(message: Message) -> None:
            if message["msg_type"] == "error":
                errors.append(message)

        with self._lock:
            request = self._execute(code, silent=True)
            ending = self._listen(request, note_error, time.monotonic() + seconds)
        if ending.reason != "finished" or errors:
            raise KernelFailed(str(errors) if errors else self.connection.log())

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
                return Ending("died", alive=False, said="Python was closed.")
            request = self._execute(code)
            return self._listen(request, hear, time.monotonic() + seconds, cancel, interrupt=True)

    def use_workspace(self, workspace: Path) -> None:
        """Work in that folder from now on. Raises OSError and `KernelFailed`."""
        self.connection.use_workspace(workspace)
        self.run_silently(UPDATE_FOLDER)

    def begin(self) -> bool:
        """A call comes: what it may use counts from here. Whether the kernel is still there."""
        with self._lock:
            self.connection.begin()
        return self.alive

    @property
    def alive(self) -> bool:
        """Whether the kernel is there, as far as is known without listening to it."""
        return not self._closed and self.connection.ended() is None

    def close(self) -> None:
        """End the kernel and what it started, and what it held. May be called twice."""
        self._closed = True
        self.connection.kill()
        # A thread that listens sees the process gone within a tick, and lets the channels go.
        if self._lock.acquire(timeout=20 * STOP_POLL_INTERVAL_S):
            try:
                self.connection.close()
            finally:
                self._lock.release()
        _open.discard(self)

    def _execute(self, code: str, silent: bool = False) -> str:
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self.connection.send_request("execute_request", content)

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
        replied: float | None = None
        idle: float | None = None
        reason: Reason = "finished"
        said = ""
        interrupt_at = kill_at = float("inf")
        while True:
            ended = self.connection.ended()
            heard = self.connection.receive(0 if ended else STOP_POLL_INTERVAL_S)
            for channel, message in heard:
                if message is None or not _answers(message, request):
                    continue
                if channel == "shell":
                    replied = time.monotonic()
                    hear(message)
                elif message["msg_type"] != "status":
                    hear(message)
                elif message["content"].get("execution_state") == "idle":
                    idle = time.monotonic()
            now = time.monotonic()
            first = min((when for when in (replied, idle) if when is not None), default=now)
            quiet = all(channel != "iopub" for channel, _ in heard)
            if (replied and idle) or (quiet and now - first > MISSING):
                return Ending(reason, True, said)
            limit = self.connection.exceeded() if interrupt else None
            if ended is not None:
                if heard:
                    continue
                if reason == "finished":
                    return Ending("limit" if limit else "died", False, limit or ended)
                return Ending(reason, False, said)
            if cancel is not None and cancel.is_set() and reason != "cancelled":
                reason, interrupt_at, kill_at = "cancelled", now, now + KILL_AFTER_CANCEL
            elif now > deadline and reason == "finished":
                if not interrupt:
                    return Ending("time", alive=True)
                reason, interrupt_at, kill_at = "time", now, now + KILL_AFTER_LIMIT
            elif limit and reason == "finished":
                reason, said, interrupt_at, kill_at = "limit", limit, now, now + KILL_AFTER_LIMIT
            if now >= kill_at:
                self._closed = True
                self.connection.kill()
                return Ending(reason, False, said)
            if now >= interrupt_at:
                # Again after a while: the first may have come before the code began.
                self.connection.interrupt()
                interrupt_at = now + KILL_AFTER_CANCEL / 2 if reason == "cancelled" else now + 1


def _answers(message: Message, request: str) -> bool:
    """Whether it belongs to that request, and is of the right shape: the code can forge it."""
    parent = message.get("parent_header")
    return (
        isinstance(parent, dict)
        and parent.get("msg_id") == request
        and isinstance(message.get("msg_type"), str)
        and isinstance(message.get("content"), dict)
    )


def _ignore(_: Message) -> None:
    return None


def _startup_code(file: str, keep: int) -> str:
    source = resources.files("tools.python.kernels.startup").joinpath(file).read_text("utf-8")
    return (
        f"(lambda names: (exec(compile({source!r}, {file!r}, 'exec'), names),"
        f" names['prepare'](get_ipython(), {keep})))({{'__name__': {file!r}}})"
    )


@atexit.register
def _close_all() -> None:
    for kernel in list(_open):
        kernel.close()


class PendingKernel:
    """A kernel on its way, for `workspace`: begun at once in a thread of its own, and given up at
    any moment.

    One that is begun `ahead` of its session has more imported, and its folder, which is its own
    until `use_workspace`, is deleted with it.
    """

    def __init__(
        self, start: Callable[[Path], Kernel], workspace: Path, *, ahead: bool = False
    ) -> None:
        self.workspace = workspace
        self._start = start
        self._ahead = ahead
        self._lock = threading.Lock()
        self._closed = False
        self._kernel: Kernel | None = None
        self._ready: Future[Kernel] = Future()
        threading.Thread(target=self._run, name="kernel-start", daemon=True).start()

    @property
    def pending(self) -> bool:
        """Whether it is still on its way."""
        return not self._ready.done()

    @property
    def failure(self) -> BaseException | None:
        """What the start failed with, if it did."""
        return None if self.pending else self._ready.exception()

    @property
    def alive(self) -> bool:
        """Whether it is on its way, or there."""
        return self.pending or (self.failure is None and self._ready.result().alive)

    def wait(self, seconds: float) -> Kernel | None:
        """The kernel, or None when it is not ready by then. Raises what the start failed with."""
        try:
            return self._ready.result(timeout=seconds)
        except NotYet:
            return None

    def close(self) -> None:
        """End the kernel, or its start. Returns when it is gone, after `CLOSE_TIMEOUT_S` seconds at
        most; may be called twice."""
        with self._lock:
            self._closed = True
            kernel = self._kernel
        if kernel is not None:
            kernel.close()
        wait([self._ready], CLOSE_TIMEOUT_S)
        if self._ahead:
            delete_folder(self.workspace)

    def use_workspace(self, workspace: Path) -> None:
        """Have the kernel, which is ready, work in `workspace`. Raises OSError, `KernelFailed`."""
        if self.workspace != workspace:
            self._ready.result().use_workspace(workspace)
            self.workspace, self._ahead = workspace, False

    def _run(self) -> None:
        kernel: Kernel | None = None
        try:
            kernel = self._start(self.workspace)
            with self._lock:
                self._kernel = kernel
                if self._closed:
                    raise KernelFailed("It was given up.")
            kernel.wait_ready()
            if self._ahead:
                kernel.prepare_ahead()
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits
            if kernel is not None:
                kernel.close()
            self._ready.set_exception(_as_failure(error))
        else:
            self._ready.set_result(kernel)
            if not self._ahead:
                kernel.connection.finish_setup()


def _as_failure(error: Exception) -> KernelFailed:
    if isinstance(error, KernelFailed):
        return error
    failure = KernelFailed("The kernel could not be started.")
    failure.__cause__ = error
    return failure
