"""A file read in a process of its own, within its limits: what the child is asked and answers.

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
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from tools.documents.base import DocumentError, Options, Page, PasswordNeeded, Reading, WordBox
from tools.documents.worker.main import LENGTH

log = logging.getLogger(__name__)

MEGABYTE = 1 << 20
ROOT = Path(__file__).resolve().parents[3]
CHILD = "tools.documents.worker.main"
MAX_ANSWER_BYTES = 512 * MEGABYTE  # bytes; more is a child that lost its mind
POLL_INTERVAL_S = 0.05  # seconds between two looks at Stop

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


class WorkerEnded(Exception):
    """The child did not come to its end."""

    def __init__(self, why: Literal["stopped", "time", "memory", "crash"]) -> None:
        super().__init__(why)
        self.why = why


def run_worker(
    question: Mapping[str, Any], limits: Limits, cancel: threading.Event | None = None
) -> Generator[dict[str, Any]]:
    """What a child answers, each as it comes, the last one being `{"end": true}`; it is gone
    when the iterator is closed. Raises `WorkerEnded`."""
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
            raise WorkerEnded("stopped")
        if monotonic() > deadline:
            raise WorkerEnded("time")
        if not ready.poll(POLL_INTERVAL_S * 1000):
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
    if length > MAX_ANSWER_BYTES:
        raise WorkerEnded("crash")
    end = LENGTH.size + length
    if len(heard) < end:
        return None
    answer: dict[str, Any] = json.loads(heard[LENGTH.size : end])
    del heard[:end]
    return answer


def _why(process: subprocess.Popen[bytes]) -> WorkerEnded:
    """Why the child fell silent."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return WorkerEnded("crash")
    log.error("a reader ended with code %d", code)
    if code == -signal.SIGXCPU:
        return WorkerEnded("time")
    # The kernel ends who takes more memory than there is.
    return WorkerEnded("memory" if code == -signal.SIGKILL else "crash")


# -- one reading -----------------------------------------------------------------------------------

Progress = Callable[[int, int | None], None]
"""Called with the pages done, and of how many, None while that isn't known."""

OPTIONS = Options()
STOPPED = "Reading was stopped."
CRASHED = "The file made its reader crash: it is damaged, or was made to do so."


def read(
    path: Path,
    name: str,
    limits: Limits = LIMITS,
    options: Options = OPTIONS,
    cancel: threading.Event | None = None,
    progress: Progress | None = None,
) -> Reading:
    """The file at `path`, which its user calls `name`. What the limits cut is in its remarks.

    Raises `DocumentError`, also when `cancel` is set, which is noticed at once.
    """
    _check_size(path, limits.size)
    reading = _Reading(progress)
    question = {
        "path": str(path),
        "name": name,
        "options": {
            "most_pages": options.most_pages,
            "password": options.password,
            "ocr": options.ocr,
        },
    }
    try:
        with contextlib.closing(run_worker(question, limits, cancel)) as heard:
            for answer in heard:
                reading.hear(answer)
    except WorkerEnded as ended:
        reading.end(ended.why, limits)
    return reading.result()


class _Reading:
    """What was heard of a file so far."""

    def __init__(self, progress: Progress | None) -> None:
        self.kind = ""
        self.pages: list[Page] = []
        self.remarks: list[str] = []
        self._total: int | None = None
        self._complete = True
        self._progress = progress

    def hear(self, answer: dict[str, Any]) -> None:
        match answer:
            case {"kind": kind}:
                self.kind = kind
            case {"length": count}:
                self._total = count
                self._tell()
            case {"pages": pages}:
                self.pages += [
                    Page(number, text, tuple(unreadable), ocr, _tuples(places))
                    for number, text, unreadable, ocr, places in pages
                ]
                self._tell()
            case {"remark": text}:
                self.remarks.append(text)
            case {"log": text}:
                log.error("while a file was read: %s", text)
            case {"memory": _}:
                raise WorkerEnded("memory")
            case {"error": sentence, "locked": True}:
                raise PasswordNeeded(sentence)
            case {"error": sentence}:
                raise DocumentError(sentence)

    def end(self, why: str, limits: Limits) -> None:
        """Keep what was read where the limits ended it. Raises `DocumentError` where there is
        nothing, and for any other end."""
        if why not in ("time", "memory"):
            raise DocumentError(STOPPED if why == "stopped" else CRASHED) from None
        most = (
            f"{limits.seconds / 60:.3g} minutes"
            if why == "time"
            else f"{limits.memory // MEGABYTE:,} MB of memory"
        )
        if not self.pages:
            raise DocumentError(f"Reading the file takes more than {most}.") from None
        self._complete = False
        read = f"{len(self.pages):,}"
        read += f" of {self._total:,} pages" if self._total else " pages"
        self.remarks.append(f"Reading the file takes more than {most}: the first {read} were read.")

    def result(self) -> Reading:
        return Reading(self.kind, tuple(self.pages), tuple(self.remarks), self._complete)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(len(self.pages), self._total)


def _tuples(places: list[list[int]]) -> tuple[WordBox, ...]:
    return tuple((signs, *edges) for signs, *edges in places)  # type: ignore[misc]


def _check_size(path: Path, most: int) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        raise DocumentError("The file is no longer there.") from None
    if size == 0:
        raise DocumentError("The file is empty.")
    if size > most:
        raise DocumentError(f"The file is larger than {most // MEGABYTE:,} MB.")
