"""One Jupyter kernel: how it is started, prepared, given code, interrupted and ended.

A `Connection` carries the messages to its process: over sockets on this machine, or a gateway.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Protocol

log = logging.getLogger(__name__)

Message = Mapping[str, Any]
Channel = Literal["shell", "iopub"]
Reason = Literal["finished", "time", "limit", "cancelled", "died"]

STOP_POLL_INTERVAL_S = 0.05  # between two checks of the Stop flag, the clock and the process
CANCEL_GRACE_S = 0.6  # from Stop until the kernel is killed: a stopped turn ends within a second
LIMIT_GRACE_S = 3.0  # from a limit until the kernel is killed, in which the code can clean up
REPLY_TIMEOUT_S = 1.0  # from the reply to the idle status of the same request, or the reverse
SENT_PER_SHOWN = 5  # a kernel sends so many times the shown characters, from each end of an output
STARTUP = ("session.py", "figures.py", "rich_display.py")
STARTUP_AHEAD = "preload.py"

# Run in a kernel that was started ahead, after its working folder was renamed.
UPDATE_FOLDER = (
    "(lambda os, shell: (setattr(shell, 'starting_dir', os.getcwd()),"
    " shell.user_ns['_dh'].__setitem__(0, os.getcwd()),"
    " os.environ.update(HOME=os.getcwd())))(__import__('os'), get_ipython())"
)

_open: weakref.WeakSet[Kernel] = weakref.WeakSet()


class KernelFailed(Exception):
    """The kernel did not become ready. `user_message`: the text shown to users."""

    user_message = "Python could not be started. Try once more."


@dataclass(frozen=True)
class Ending:
    """How an execution ended. `alive`: whether the kernel, with its variables, still runs.

    `message`: one sentence on the limit that was reached, or on how the kernel died; else empty.
    """

    reason: Reason
    alive: bool
    message: str = ""


class Connection(Protocol):
    """A kernel's channels and process, on this machine or behind a gateway."""

    def send_request(self, kind: str, content: Mapping[str, Any]) -> str:
        """Send a request of type `kind` over the shell channel. Returns the message's id."""

    def receive(self, seconds: float) -> Sequence[tuple[Channel, Message | None]]:
        """The messages that arrive within `seconds`; None for an unreadable one."""

    def ended(self) -> str | None:
        """None while the kernel runs, else one sentence on how it ended."""

    def begin(self) -> None:
        """Mark the beginning of a call: drop earlier messages, count the use of resources anew."""

    def exceeded(self) -> str | None:
        """One sentence on the limit that the code exceeded, else None."""

    def hit_process_limit(self) -> bool:
        """Whether the system refused processes or threads since the call began."""

    def full(self) -> Collection[str]:
        """The full file systems that the code can write to: `causes.DISK`, or their paths."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running code."""

    def kill(self) -> None:
        """Kill the kernel and its processes, without blocking for long. May be called twice."""

    def close(self) -> None:
        """Close the channels and delete private folders of a killed kernel. May be called twice."""

    def log(self) -> str:
        """The kernel's own output while it started."""

    def finish_setup(self) -> None:
        """Complete the setup with what a kernel can be ready without, such as the list of fonts."""

    def use_workspace(self, workspace: Path) -> None:
        """Make `workspace` the kernel's working folder. Raises OSError."""


class Kernel:
    """One kernel. Its process is still starting at first; `wait_ready` waits for it.

    Arguments:
        connection: the channels and the process.
        keep: characters that the kernel sends from each end of a call's output.
        prelude: code to run in the kernel before its startup code.
    """

    def __init__(self, connection: Connection, keep: int, prelude: str = "") -> None:
        self.connection = connection
        self._keep = keep
        self._prelude = prelude
        self._lock = threading.RLock()
        self._closed = False
        _open.add(self)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return when the kernel replies and its startup code has run. Raises `KernelFailed`.

        A request is repeated until both its reply (shell channel) and its idle status (iopub
        channel) have arrived, because the reply alone does not show that output arrives. The
        process is polled, which shows its death sooner than a heartbeat.
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
        """Import the packages that most code begins with. Raises `KernelFailed`."""
        self.connection.finish_setup()
        self.run_silently(_startup_code(STARTUP_AHEAD, self._keep))

    def run_silently(self, code: str, seconds: float = 60.0) -> None:
        """Run setup code without output, for `seconds` at most. Raises `KernelFailed`."""
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
        on_message: Callable[[Message], None],
        seconds: float,
        cancel: threading.Event,
    ) -> Ending:
        """Run `code` until it ends, and call `on_message` with each message of this execution.

        Output from threads of earlier calls is dropped. Code that runs longer than `seconds`,
        or that still runs when `cancel` is set, is interrupted; if it goes on, the kernel is
        killed. The returned `Ending` has the reason.
        """
        with self._lock:
            if self._closed:
                return Ending("died", alive=False, message="Python was closed.")
            request = self._execute(code)
            return self._listen(
                request, on_message, time.monotonic() + seconds, cancel, interrupt=True
            )

    def use_workspace(self, workspace: Path) -> None:
        """Make `workspace` the working folder. Raises OSError, `KernelFailed`."""
        self.connection.use_workspace(workspace)
        self.run_silently(UPDATE_FOLDER)

    def begin(self) -> bool:
        """Mark the beginning of a call. Returns whether the kernel still runs."""
        with self._lock:
            self.connection.begin()
        return self.alive

    @property
    def alive(self) -> bool:
        """Whether the kernel's process runs; no message is read for this."""
        return not self._closed and self.connection.ended() is None

    def close(self) -> None:
        """End the kernel and its processes, and free its resources. May be called twice."""
        self._closed = True
        self.connection.kill()
        # A thread in `_listen` notices within one poll that the process is gone, and returns.
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
        on_message: Callable[[Message], None],
        deadline: float,
        cancel: threading.Event | None = None,
        *,
        interrupt: bool = False,
    ) -> Ending:
        """Receive until `request` has its reply and its idle status, or until the deadline."""
        replied: float | None = None
        idle: float | None = None
        reason: Reason = "finished"
        text = ""
        interrupt_at = kill_at = float("inf")
        while True:
            ended = self.connection.ended()
            received = self.connection.receive(0 if ended else STOP_POLL_INTERVAL_S)
            for channel, message in received:
                if message is None or not _belongs_to(message, request):
                    continue
                if channel == "shell":
                    replied = time.monotonic()
                    on_message(message)
                elif message["msg_type"] != "status":
                    on_message(message)
                elif message["content"].get("execution_state") == "idle":
                    idle = time.monotonic()
            now = time.monotonic()
            first = min((moment for moment in (replied, idle) if moment is not None), default=now)
            quiet = all(channel != "iopub" for channel, _ in received)
            if (replied and idle) or (quiet and now - first > REPLY_TIMEOUT_S):
                return Ending(reason, True, text)
            limit = self.connection.exceeded() if interrupt else None
            if ended is not None:
                if received:
                    continue
                if reason == "finished":
                    return Ending("limit" if limit else "died", False, limit or ended)
                return Ending(reason, False, text)
            if cancel is not None and cancel.is_set() and reason != "cancelled":
                reason, interrupt_at, kill_at = "cancelled", now, now + CANCEL_GRACE_S
            elif now > deadline and reason == "finished":
                if not interrupt:
                    return Ending("time", alive=True)
                reason, interrupt_at, kill_at = "time", now, now + LIMIT_GRACE_S
            elif limit and reason == "finished":
                reason, text, interrupt_at, kill_at = "limit", limit, now, now + LIMIT_GRACE_S
            if now >= kill_at:
                self._closed = True
                self.connection.kill()
                return Ending(reason, False, text)
            if now >= interrupt_at:
                # Repeated, because the first interrupt may arrive before the code begins.
                self.connection.interrupt()
                interrupt_at = now + CANCEL_GRACE_S / 2 if reason == "cancelled" else now + 1


def _belongs_to(message: Message, request: str) -> bool:
    """Whether a message is a well-formed one of `request`; the code can forge messages."""
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
