"""Startup code that every kernel runs once, silently, before the first call.

The source of this file, and of its siblings, is sent to the kernel and executed there in a
namespace of its own, so that the user's variables start out empty. It imports only the standard
library and modules that a kernel has loaded already.
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

# MIME type for a number of characters left out: in the middle of the "text/plain" beside it,
# or, alone, at that place of the output.
LEFT_OUT = "application/vnd.left-out+json"

MAX_VALUE_CHARS = 24_000_000  # of one representation of a displayed value, except plain text


def prepare(shell: Any, keep: int) -> None:
    """Set up an IPython shell for the tool.

    `keep`: characters of a call's output that are sent from its beginning, and as many from its
    end. Those in between are only counted, so that printing takes no memory.
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
    """Limits the output of a call, on both streams, and keeps its order.

    The first `keep` characters are sent at once. Of the rest the last `keep` are held, and sent
    at the end of the call.
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
        # IPython would keep a copy of all printed text.
        shell._tee = lambda channel: contextlib.nullcontext()
        for stream in self.streams:
            # ipykernel sends what is written to the file descriptor, but also echoes it to the
            # server's own stream; the echo is discarded here.
            copy = getattr(stream, "_original_stdstream_copy", None)
            if copy is not None:
                with open(os.devnull, "wb") as nowhere:
                    os.dup2(nowhere.fileno(), copy)

    def open(self) -> None:
        with self.lock:
            self.remaining, self.dropped_chars, self.size = self.keep, 0, 0
            self.held: deque[tuple[Any, str]] = deque()
            for stream in self.streams:
                stream.write = self.writers[stream]

    def write(self, stream: Any, text: str) -> int:
        original = self.originals[stream]
        if not isinstance(text, str):
            return int(original(text))  # raises the usual TypeError
        if os.getpid() != self.process:
            original(_sendable(text))
            return len(text)
        now = time.monotonic()
        if now - self.written > 0.0005 and threading.current_thread() not in self.readers:
            self.await_output(0.05)  # a child process may have written before this text
        self.written = now
        with self.lock:
            if self.last is not stream:
                self.last.flush()
                self.last = stream
            if self.remaining:
                original(_sendable(text[: self.remaining]))
            if len(text) > self.remaining:
                self.hold(stream, text)
            self.remaining = max(0, self.remaining - len(text))
        return len(text)

    def hold(self, stream: Any, text: str) -> None:
        rest = len(text) - self.remaining
        tail = _sendable(text[-min(rest, self.keep) :])
        self.dropped_chars += max(0, rest - self.keep)
        if stream.parent_header != self.shell.display_pub.parent_header:
            return  # a thread of an earlier call, whose output is dropped
        self.held.append((stream, tail))
        self.size += len(tail)
        while self.size - len(self.held[0][1]) >= self.keep:
            dropped = len(self.held.popleft()[1])
            self.size -= dropped
            self.dropped_chars += dropped

    def release(self) -> None:
        """Send the held text, because a value or an error follows it."""
        self.await_output(0.05)
        with self.lock:
            dropped_chars, held = self.dropped_chars, self.held
            self.dropped_chars, self.size, self.held = 0, 0, deque()
            if dropped_chars:
                self.shell.display_pub.publish({LEFT_OUT: dropped_chars})
            for stream, text in held:
                if self.last is not stream:
                    self.last.flush()
                    self.last = stream
                self.originals[stream](text)

    def close(self) -> None:
        time.sleep(0.001)
        self.await_output(0.5)
        time.sleep(0.001)
        self.release()
        self.open()

    def await_output(self, seconds: float) -> None:
        """Wait until output of child processes and C libraries has been read, `seconds` at most.

        Threads of ipykernel read it from pipes. Once the pipes are empty, the sleep gives a
        thread the time to pass on what it has read.
        """
        deadline = time.monotonic() + seconds
        while select.select(self.pipes, [], [], 0)[0] and time.monotonic() < deadline:
            time.sleep(0.001)


def _limit_displays(formatter: Any, gate: _Gate) -> None:
    """Cut a displayed value's text to its two ends, and drop other values that are too large."""
    plain_format, keep = formatter.format, gate.keep

    def short_format(*args: Any, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        gate.release()
        data, metadata = plain_format(*args, **kwargs)
        text = data.get("text/plain")
        if isinstance(text, str) and len(text) > 2 * keep:
            data["text/plain"] = text[:keep] + text[-keep:]
            data[LEFT_OUT] = len(text) - 2 * keep
        for kind, value in list(data.items()):
            if isinstance(value, str | bytes) and len(value) > MAX_VALUE_CHARS:
                del data[kind]
            elif isinstance(value, str):
                data[kind] = _sendable(value)
        return data, metadata

    formatter.format = short_format


def _shorten_tracebacks(shell: Any, gate: _Gate) -> None:
    """Show errors as Python prints them, with the stack frames of the user's code only."""

    def is_own(frame: traceback.FrameSummary) -> bool:
        home = shell.starting_dir + os.sep  # the folder may be renamed, see `Kernel.use_workspace`
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
            return  # `exit()` is no error
        short = traceback.TracebackException(kind, value, trace, lookup_lines=False, compact=True)
        shorten(short)
        try:
            message = str(value)
        except Exception:  # noqa: BLE001  an exception class of the user's code
            message = ""
        text = "".join(short.format())
        gate.release()
        shell._showtraceback(kind, _sendable(message), [_sendable(text)])

    # For its history IPython formats every error again, which takes seconds for a deep stack.
    shell._format_exception_for_storage = lambda *_, **__: {}
    shell.showtraceback = show
    shell.showsyntaxerror = show
    shell.show_usage_error = lambda error: shell._showtraceback(
        type(error), str(error), [f"{type(error).__name__}: {error}"]
    )


def _sendable(text: str) -> str:
    """The text with lone surrogates escaped, which can't be sent."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _refuse_input(kernel: Any) -> None:
    from IPython.core.error import StdinNotImplementedError

    def refuse(*_: Any, **__: Any) -> str:
        raise StdinNotImplementedError(
            "nobody can type while the code runs. Write the value into the code instead."
        )

    kernel.raw_input = kernel.getpass = refuse


def _survive_exit(shell: Any) -> None:
    """Make `exit()` end the call, not the kernel."""

    def leave() -> None:
        raise SystemExit

    shell.ask_exit = leave
    warnings.filterwarnings("ignore", message="To exit: use")


def _bind_threads_to_calls(shell: Any, streams: tuple[Any, ...]) -> None:
    """Assign a thread's output to the call that started the thread, however late it is written.

    Threads of a pool are exempt, because they work for any call.
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
