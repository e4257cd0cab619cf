"""A child process that does one thing with one file: what it is asked, and what it answers.

Files exist that crash a reader, fill all memory, or are never done with. There they cost a child:
it has the limits given here, an empty environment and no network, and is killed when it is late.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from tools.documents.worker.main import LENGTH

log = logging.getLogger(__name__)

MEGABYTE = 1 << 20
ROOT = Path(__file__).resolve().parents[3]
CHILD = "tools.documents.worker.main"
LONGEST_ANSWER = 512 * MEGABYTE  # bytes; more is a child that lost its mind
TICK = 0.05  # seconds between two looks at Stop

# OpenBLAS reserves memory for each thread, and glibc for each that allocates.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUTF8": "1",
}
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Limits:
    """What one file may take: its `size` in bytes, the `memory` of its reader in bytes of address
    space, `seconds` by the clock, and the `characters` of its text."""

    size: int = 200 * MEGABYTE
    memory: int = 2048 * MEGABYTE
    seconds: float = 300.0
    characters: int = 20_000_000


LIMITS = Limits()


class Ended(Exception):
    """The child did not come to its end."""

    def __init__(self, why: Literal["stopped", "time", "memory", "crash"]) -> None:
        super().__init__(why)
        self.why = why


def answers(
    question: Mapping[str, Any], limits: Limits, cancel: threading.Event | None = None
) -> Generator[dict[str, Any]]:
    """What a child answers, each as it comes, the last one being `{"end": true}`; it is gone
    when the iterator is closed. Raises `Ended`."""
    process = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        asked = {**question, "limits": dataclasses.asdict(limits)}
        # Left open: the child ends when it is closed, as it is when this process ends.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        yield from _heard(process, monotonic() + limits.seconds, cancel)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _start() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return subprocess.Popen(
        # -P: what lies in the working directory is not imported.
        [sys.executable, "-P", "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment | _ENVIRONMENT,
        start_new_session=True,
    )


def _heard(
    process: subprocess.Popen[bytes], deadline: float, cancel: threading.Event | None
) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    stream = process.stdout.fileno()
    ready = select.poll()
    ready.register(stream, select.POLLIN | select.POLLHUP)
    heard = bytearray()
    while True:
        if cancel is not None and cancel.is_set():
            raise Ended("stopped")
        if monotonic() > deadline:
            raise Ended("time")
        if not ready.poll(TICK * 1000):
            continue
        data = os.read(stream, MEGABYTE)
        if not data:
            raise _why(process)
        heard += data
        while (answer := _next(heard)) is not None:
            yield answer
            if "end" in answer:
                return


def _next(heard: bytearray) -> dict[str, Any] | None:
    """The first answer, taken away from what was heard; None while it is not complete."""
    if len(heard) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack_from(heard)
    if length > LONGEST_ANSWER:
        raise Ended("crash")
    end = LENGTH.size + length
    if len(heard) < end:
        return None
    answer: dict[str, Any] = json.loads(heard[LENGTH.size : end])
    del heard[:end]
    return answer


def _why(process: subprocess.Popen[bytes]) -> Ended:
    """Why the child fell silent."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return Ended("crash")
    log.error("a reader ended with code %d", code)
    if code == -signal.SIGXCPU:
        return Ended("time")
    # The kernel ends who takes more memory than there is.
    return Ended("memory" if code == -signal.SIGKILL else "crash")
