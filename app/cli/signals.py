"""What a command has of its process: the signals that stop it, and its standard streams."""

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

# Loaded ahead: between fork and exec next to nothing is safe.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class SignalHandler:
    """Ctrl-C, and the signals that ask a process to end.

    During a turn the first one cancels the turn; any other raises `KeyboardInterrupt`.
    `asked_to_end` tells whether one of them was more than Ctrl-C.
    """

    def __init__(self) -> None:
        self.asked_to_end = False
        self._cancel: threading.Event | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, self._hear)

    @contextlib.contextmanager
    def turn(self) -> Iterator[threading.Event]:
        """The turn's cancel flag; set at the end, for what an aborted turn leaves running."""
        cancel = self._cancel = threading.Event()
        try:
            yield cancel
        finally:
            self._cancel = None
            cancel.set()

    @contextlib.contextmanager
    def typing(self) -> Iterator[None]:
        """While a turn waits for what the user types, Ctrl-C raises `KeyboardInterrupt` as well."""
        cancel, self._cancel = self._cancel, None
        try:
            yield
        finally:
            self._cancel = cancel

    def _hear(self, number: int, _: FrameType | None) -> None:
        self.asked_to_end |= number != signal.SIGINT
        if self._cancel is None or self._cancel.is_set():
            raise KeyboardInterrupt
        self._cancel.set()


def end_with_parent() -> None:
    """Called in a child before its program begins: it is asked to end (SIGTERM) when the process
    that started it is gone, in whatever way. On Linux alone."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def private_streams() -> tuple[TextIO, TextIO]:
    """Standard output and input, for the caller alone.

    From here on a tool or a library that prints writes to standard error, and one that reads
    finds nothing: neither can get in among the answers or take a prompt away.
    """
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", newline="\n")
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8-sig", errors="replace", newline="\n")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return out, lines
