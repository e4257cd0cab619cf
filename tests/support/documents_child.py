"""The worker process of `tools.documents`, with readers that fail in ways no file reliably causes.

The text of a file names the reader that reads it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tools.documents import formats
from tools.documents.base import Length, Options, Page, PasswordNeeded, ReaderEvent
from tools.documents.worker.main import main


def crash(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield Page(1, "read before")
    os.kill(os.getpid(), signal.SIGSEGV)


def spin(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield Length(3)
    yield Page(1, "read before")
    time.sleep(0.2)
    yield Page(2, "read before, too")
    while True:
        pass


def stuck(path: Path, options: Options) -> Iterator[ReaderEvent]:
    while True:
        pass
    yield Page(1, "")


def hungry(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield Page(1, "read before")
    held = []
    while True:
        held.append(bytearray(1 << 24))


def deep(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield from deep(path, options)


def curious(path: Path, options: Options) -> Iterator[ReaderEvent]:
    refused = []
    for ask in (
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: subprocess.run(["true"]),
    ):
        try:
            ask()
        except PermissionError:
            refused.append("refused")
    yield Page(1, " ".join(refused))
    yield Page(2, " ".join(sorted(os.environ)))


def wordy(path: Path, options: Options) -> Iterator[ReaderEvent]:
    print("a library prints")
    for number in range(1, 100):
        yield Page(number, "word\ud800 " * 100)


def slow(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield Length(1000)
    for number in range(1, 1001):
        time.sleep(0.15)
        yield Page(number, path.read_text())


def faulty(path: Path, options: Options) -> Iterator[ReaderEvent]:
    yield Page(1, "")
    raise ZeroDivisionError(str(path))


def locked(path: Path, options: Options) -> Iterator[ReaderEvent]:
    if options.password != "open":
        raise PasswordNeeded("It is locked.")
    yield Page(1, "opened")


READERS = {
    each.__name__: each
    for each in (crash, spin, stuck, hungry, deep, curious, wordy, slow, faulty, locked)
}


def by_text(path: Path, name: str) -> formats.Kind:
    word = path.read_text().split()[0]
    return word if word in READERS else "text"  # type: ignore[return-value]


if __name__ == "__main__":
    known, formats.kind_of = formats.reader, by_text
    formats.reader = lambda kind: READERS.get(kind) or known(kind)
    main()
