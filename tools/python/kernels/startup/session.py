"""What every kernel runs once, silently, before the first call.

The text of this file and of `figures` is sent to the kernel and executed there, in a
namespace of its own, so that the user's variables start out empty. It stands on the standard
library and what a kernel has loaded anyway.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from functools import partial
from typing import Any

# Says how many characters are missing: beside "text/plain" in its middle, alone at its place.
LEFT_OUT = "application/vnd.left-out+json"

LARGEST_VALUE = 24_000_000  # characters of one displayed value that is not plain text


def prepare(shell: Any, keep: int) -> None:
    """Make an IPython shell answer as the tool promises.

    `keep`: how many characters of a call's output are sent from its beginning, and as many
    from its end; what lies between is only counted, so that printing costs no memory.
    """
    shell.compile.get_code_name = lambda raw, code, number: f"<cell {number}>"
    gate = _Gate(shell, keep)
    _shorten_tracebacks(shell, gate)
    _limit_displays(shell.display_formatter, gate)
    _refuse_input(shell.kernel)
    _survive_exit(shell)
    _bind_threads_to_calls(shell, gate.streams)
    shell.events.register("pre_execute", gate.open)
    shell.events.register("post_execute", gate.close)


class _Gate:
    """Both output streams of one call: in the order of writing, and no more than was asked for.

    The first `keep` characters pass. Of the rest the last `keep` are held back and follow at
    the end of the call.
    """

    def __init__(self, shell: Any, keep: int) -> None:
        self.shell, self.keep = shell, keep
        self.lock = threading.RLock()
        self.streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
        self.last = self.streams[0]
        self.written = 0.0
        self.process = os.getpid()
        pipes = (getattr(s, "_fid", None) for s in self.streams)
        self.pipes = [pipe for pipe in pipes if pipe is not None]
        self.readers = [getattr(s, "watch_fd_thread", None) for s in self.streams]
        self.originals = {s: partial(type(s).write, s) for s in self.streams}
        self.writers = {s: partial(self.write, s) for s in self.streams}
        self.open()
        # IPython would keep a copy of all that was ever printed.
        shell._tee = lambda channel: contextlib.nullcontext()
        for stream in self.streams:
            # What is written to the file descriptor is sent like all the rest; ipykernel also
            # echoes it to the server's own stream, where nobody wants it.
            copy = getattr(stream, "_original_stdstream_copy", None)
            if copy is not None:
                with open(os.devnull, "wb") as nowhere:
                    os.dup2(nowhere.fileno(), copy)

    def open(self) -> None:
        with self.lock:
            self.room, self.gone, self.size = self.keep, 0, 0
            self.held: deque[tuple[Any, str]] = deque()
            for stream in self.streams:
                stream.write = self.writers[stream]

    def write(self, stream: Any, text: str) -> int:
        original = self.originals[stream]
        if not isinstance(text, str):
            return int(original(text))  # which raises the usual TypeError
        if os.getpid() != self.process:
            original(_sendable(text))
            return len(text)
        now = time.monotonic()
        if now - self.written > 0.0005 and threading.current_thread() not in self.readers:
            self.drain(0.05)  # a child process may have written in between
        self.written = now
        with self.lock:
            if self.last is not stream:
                self.last.flush()
                self.last = stream
            if self.room:
                original(_sendable(text[: self.room]))
            if len(text) > self.room:
                self.hold(stream, text)
            self.room = max(0, self.room - len(text))
        return len(text)

    def hold(self, stream: Any, text: str) -> None:
        rest = len(text) - self.room
        tail = _sendable(text[-min(rest, self.keep) :])
        self.gone += max(0, rest - self.keep)
        if stream.parent_header != self.shell.display_pub.parent_header:
            return  # a thread of an earlier call: nobody reads it any more
        self.held.append((stream, tail))
        self.size += len(tail)
        while self.size - len(self.held[0][1]) >= self.keep:
            dropped = len(self.held.popleft()[1])
            self.size -= dropped
            self.gone += dropped

    def release(self) -> None:
        """Let out what was held back: something else is about to be shown."""
        self.drain(0.05)
        with self.lock:
            gone, held = self.gone, self.held
            self.gone, self.size, self.held = 0, 0, deque()
            if gone:
                self.shell.display_pub.publish({LEFT_OUT: gone})
            for stream, text in held:
                if self.last is not stream:
                    self.last.flush()
                    self.last = stream
                self.originals[stream](text)

    def close(self) -> None:
        time.sleep(0.001)
        self.drain(0.5)
        time.sleep(0.001)
        self.release()
        self.open()

    def drain(self, seconds: float) -> None:
        """Wait for what a child process or a C library wrote to the file descriptors.

        ipykernel reads it in threads. A pipe that is empty was read, and the sleep lets the
        thread go from reading to writing.
        """
        deadline = time.monotonic() + seconds
        while select.select(self.pipes, [], [], 0)[0] and time.monotonic() < deadline:
            time.sleep(0.001)


def _limit_displays(formatter: Any, gate: _Gate) -> None:
    """A value of any size is displayed by the two ends of its text."""
    plain_format, keep = formatter.format, gate.keep

    def short_format(*args: Any, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        gate.release()
        data, metadata = plain_format(*args, **kwargs)
        text = data.get("text/plain")
        if isinstance(text, str) and len(text) > 2 * keep:
            data["text/plain"] = text[:keep] + text[-keep:]
            data[LEFT_OUT] = len(text) - 2 * keep
        for kind, value in list(data.items()):
            if isinstance(value, str | bytes) and len(value) > LARGEST_VALUE:
                del data[kind]
            elif isinstance(value, str):
                data[kind] = _sendable(value)
        return data, metadata

    formatter.format = short_format


def _shorten_tracebacks(shell: Any, gate: _Gate) -> None:
    """Errors as Python itself prints them, with the frames of the user's own code alone."""

    def is_own(frame: traceback.FrameSummary) -> bool:
        home = (
            shell.starting_dir + os.sep
        )  # the folder's name may change once, see `Kernel.use_workspace`
        return frame.filename.startswith(("<cell ", home)) and "site-packages" not in frame.filename

    def shorten(error: traceback.TracebackException | None) -> None:
        if error is None:
            return
        error.stack = traceback.StackSummary.from_list([f for f in error.stack if is_own(f)])
        if not error.stack:
            error.stack = None  # type: ignore[assignment]
        shorten(error.__cause__)
        shorten(error.__context__)
        for part in getattr(error, "exceptions", None) or ():
            shorten(part)

    def show(exc_tuple: Any = None, *_: Any, **__: Any) -> None:
        kind, value, trace = shell._get_exc_info(exc_tuple)
        if isinstance(value, SystemExit) and not value.code:
            return  # the code said that it is done
        short = traceback.TracebackException(kind, value, trace, lookup_lines=False, compact=True)
        shorten(short)
        try:
            message = str(value)
        except Exception:  # noqa: BLE001  an exception of the user's own making
            message = ""
        text = "".join(short.format())
        gate.release()
        shell._showtraceback(kind, _sendable(message), [_sendable(text)])

    # For its history IPython formats every error once more, at length: seconds for a deep one.
    shell._format_exception_for_storage = lambda *_, **__: {}
    shell.showtraceback = show
    shell.showsyntaxerror = show
    shell.show_usage_error = lambda error: shell._showtraceback(
        type(error), str(error), [f"{type(error).__name__}: {error}"]
    )


def _sendable(text: str) -> str:
    """The text with half surrogate pairs spelled out: they can't be sent."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _refuse_input(kernel: Any) -> None:
    from IPython.core.error import StdinNotImplementedError

    def refuse(*_: Any, **__: Any) -> str:
        raise StdinNotImplementedError(
            "nobody can type while the code runs. Write the value into the code instead."
        )

    kernel.raw_input = kernel.getpass = refuse


def _survive_exit(shell: Any) -> None:
    """`exit()` ends the call, not the kernel."""

    def leave() -> None:
        raise SystemExit

    shell.ask_exit = leave
    warnings.filterwarnings("ignore", message="To exit: use")


def _bind_threads_to_calls(shell: Any, streams: tuple[Any, ...]) -> None:
    """What a thread puts out belongs to the call that started it, however late it comes.

    Not so for the threads of a pool: they serve whichever call gives them work.
    """
    start = threading.Thread.start
    senders = (*streams, shell.display_pub, shell.displayhook)

    def start_for_call(self: Any) -> None:
        of_pool = ("concurrent.futures.thread", "multiprocessing.pool")
        if getattr(getattr(self, "_target", None), "__module__", None) not in of_pool:
            header, run = shell.display_pub.parent_header, self.run

            def run_for_call() -> None:
                for sender in senders:
                    sender.set_thread_parent(header)
                run()

            self.run = run_for_call
        start(self)

    threading.Thread.start = start_for_call  # type: ignore[method-assign]
