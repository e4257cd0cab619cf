"""Reads a file in a worker process, with limits.

A file can crash its reader, exhaust memory, or take forever to read. So the reader runs in a
process with limits, an empty environment and no network, which is killed at its time limit.
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
MAX_ANSWER_BYTES = 512 * MEGABYTE  # of one frame; a larger one is an error of the worker
POLL_INTERVAL_S = 0.05  # between two checks of `cancel` and the time

# One thread and few arenas, because OpenBLAS and glibc reserve memory for each thread.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUTF8": "1",
}
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Limits:
    """Limits of one file.

    Attributes:
        size: bytes of the file.
        memory: bytes of the worker's address space.
        seconds: wall-clock time.
        characters: characters of the file's text.
    """

    size: int = 200 * MEGABYTE
    memory: int = 2048 * MEGABYTE
    seconds: float = 300.0
    characters: int = 20_000_000


LIMITS = Limits()


class WorkerEnded(Exception):
    """The worker ended, or was ended, before its last answer; `why`: the reason."""

    def __init__(self, why: Literal["stopped", "time", "memory", "crash"]) -> None:
        super().__init__(why)
        self.why = why


def run_worker(
    question: Mapping[str, Any], limits: Limits, cancel: threading.Event | None = None
) -> Generator[dict[str, Any]]:
    """Start a worker, and yield its answers as they arrive; the last one is `{"end": true}`.

    The worker is killed when the generator is closed. Raises `WorkerEnded`.

    Arguments:
        question: the request, see `worker.main`.
        limits: limits of the file.
        cancel: ends the worker when it is set.
    """
    process = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        request = {**question, "limits": dataclasses.asdict(limits)}
        # Standard input stays open: the worker exits when it is closed, as when this process ends.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        yield from _answers(process, monotonic() + limits.seconds, cancel)
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
        # -P: modules in the working directory are not imported.
        [sys.executable, "-P", "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment | _ENVIRONMENT,
        start_new_session=True,
    )


def _answers(
    process: subprocess.Popen[bytes], deadline: float, cancel: threading.Event | None
) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    stream = process.stdout.fileno()
    ready = select.poll()
    ready.register(stream, select.POLLIN | select.POLLHUP)
    buffer = bytearray()
    while True:
        if cancel is not None and cancel.is_set():
            raise WorkerEnded("stopped")
        if monotonic() > deadline:
            raise WorkerEnded("time")
        if not ready.poll(POLL_INTERVAL_S * 1000):
            continue
        data = os.read(stream, MEGABYTE)
        if not data:
            raise _end_reason(process)
        buffer += data
        while (answer := _take_answer(buffer)) is not None:
            yield answer
            if "end" in answer:
                return


def _take_answer(buffer: bytearray) -> dict[str, Any] | None:
    """Remove the first answer from `buffer`, and return it; None while it is incomplete."""
    if len(buffer) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack_from(buffer)
    if length > MAX_ANSWER_BYTES:
        raise WorkerEnded("crash")
    end = LENGTH.size + length
    if len(buffer) < end:
        return None
    answer: dict[str, Any] = json.loads(buffer[LENGTH.size : end])
    del buffer[:end]
    return answer


def _end_reason(process: subprocess.Popen[bytes]) -> WorkerEnded:
    """The reason why the worker ended."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return WorkerEnded("crash")
    log.error("a reader ended with code %d", code)
    if code == -signal.SIGXCPU:
        return WorkerEnded("time")
    # Linux kills a process when the machine runs out of memory.
    return WorkerEnded("memory" if code == -signal.SIGKILL else "crash")


# -- one reading -----------------------------------------------------------------------------------

Progress = Callable[[int, int | None], None]
"""Called with the number of pages read, and of all pages (None while unknown)."""

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
    """Read a file in a worker. Remarks of the result name the limits that cut it.

    Arguments:
        path: path of the file.
        name: the user's name for it; its suffix helps to tell the format.
        limits: limits of the file.
        options: how the file is read.
        cancel: stops the reading when it is set.
        progress: called while pages are read.

    Raises `DocumentError`, also when `cancel` is set.
    """
    _check_size(path, limits.size)
    reading = _Reading(progress)
    question = {
        "path": str(path),
        "name": name,
        "options": {
            "max_pages": options.max_pages,
            "password": options.password,
            "ocr": options.ocr,
        },
    }
    try:
        with contextlib.closing(run_worker(question, limits, cancel)) as answers:
            for answer in answers:
                reading.handle(answer)
    except WorkerEnded as ended:
        reading.end(ended.why, limits)
    return reading.result()


class _Reading:
    """Collects a worker's answers into a `Reading`."""

    def __init__(self, progress: Progress | None) -> None:
        self.kind = ""
        self.pages: list[Page] = []
        self.remarks: list[str] = []
        self._total: int | None = None
        self._complete = True
        self._progress = progress

    def handle(self, answer: dict[str, Any]) -> None:
        match answer:
            case {"kind": kind}:
                self.kind = kind
            case {"length": count}:
                self._total = count
                self._report_progress()
            case {"pages": pages}:
                self.pages += [
                    Page(number, text, tuple(unreadable), ocr, _tuples(places))
                    for number, text, unreadable, ocr, places in pages
                ]
                self._report_progress()
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
        """Keep the pages read before a limit on time or memory ended the worker.

        Raises `DocumentError` if there are none, or if the worker ended for another reason.
        """
        if why not in ("time", "memory"):
            raise DocumentError(STOPPED if why == "stopped" else CRASHED) from None
        limit = (
            f"{limits.seconds / 60:.3g} minutes"
            if why == "time"
            else f"{limits.memory // MEGABYTE:,} MB of memory"
        )
        if not self.pages:
            raise DocumentError(f"Reading the file takes more than {limit}.") from None
        self._complete = False
        read = f"{len(self.pages):,}"
        read += f" of {self._total:,} pages" if self._total else " pages"
        self.remarks.append(
            f"Reading the file takes more than {limit}: the first {read} were read."
        )

    def result(self) -> Reading:
        return Reading(self.kind, tuple(self.pages), tuple(self.remarks), self._complete)

    def _report_progress(self) -> None:
        if self._progress is not None:
            self._progress(len(self.pages), self._total)


def _tuples(places: list[list[int]]) -> tuple[WordBox, ...]:
    return tuple((signs, *edges) for signs, *edges in places)  # type: ignore[misc]


def _check_size(path: Path, max_bytes: int) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        raise DocumentError("The file is no longer there.") from None
    if size == 0:
        raise DocumentError("The file is empty.")
    if size > max_bytes:
        raise DocumentError(f"The file is larger than {max_bytes // MEGABYTE:,} MB.")
