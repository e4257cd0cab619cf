"""A file read in a process of its own, within its limits."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.documents.base import DocumentError, Options, Page, PasswordNeeded, Place, Reading
from tools.documents.worker.client import LIMITS, MEGABYTE, Ended, Limits, answers

log = logging.getLogger(__name__)

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
        with contextlib.closing(answers(question, limits, cancel)) as heard:
            for answer in heard:
                reading.hear(answer)
    except Ended as ended:
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
                raise Ended("memory")
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


def _tuples(places: list[list[int]]) -> tuple[Place, ...]:
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
