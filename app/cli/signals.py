"""The signals that stop a command, and its standard streams."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TextIO

# Loaded in advance, because it must not be loaded between fork and exec.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class SignalHandler:
    """Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP.

    During a turn, the first signal cancels the turn; any other one raises `KeyboardInterrupt`.
    `asked_to_end` is True after SIGTERM or SIGHUP.
    """

    def __init__(self) -> None:
        self.asked_to_end = False
        self._cancel: threading.Event | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored under nohup
            signal.signal(signal.SIGHUP, self._handle)

    @contextlib.contextmanager
    def turn(self) -> Iterator[threading.Event]:
        """The cancel flag of a turn; also set at its end, for what an aborted turn left running."""
        cancel = self._cancel = threading.Event()
        try:
            yield cancel
        finally:
            self._cancel = None
            cancel.set()

    @contextlib.contextmanager
    def typing(self) -> Iterator[None]:
        """While the user types during a turn, Ctrl-C raises `KeyboardInterrupt` as well."""
        cancel, self._cancel = self._cancel, None
        try:
            yield
        finally:
            self._cancel = cancel

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.asked_to_end |= number != signal.SIGINT
        if self._cancel is None or self._cancel.is_set():
            raise KeyboardInterrupt
        self._cancel.set()


def end_with_parent() -> None:
    """Have this process receive SIGTERM when its parent ends for any reason; only on Linux.

    Called in a child process before `exec`.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def private_streams() -> tuple[TextIO, TextIO]:
    """Standard output and input as text streams, for the caller only.

    Afterwards, tools and libraries that print write to standard error, and those that read get
    nothing, so that they can't mix with the answers or consume prompts.
    """
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", newline="\n")
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8-sig", errors="replace", newline="\n")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return out, lines
