"""Reads the documents of all sessions: a few at a time, visitors in turn, with a cache.

Each file is copied before it is read, and the cache key is the hash of the copy. So nobody can put
a wrong reading into the cache, and a reading is returned only for the same content.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tools.documents.base import DocumentError, Options, Reading
from tools.documents.worker.reading import LIMITS, MEGABYTE, OPTIONS, Limits, Progress, read
from tools.fair_queue import FairOrder
from tools.safe_files import open_regular

log = logging.getLogger(__name__)

MAX_CONCURRENT = 2  # files, read at the same time
CACHE_BYTES = 128 * MEGABYTE  # of text in the cache of readings

Work = Callable[[], None]
_Key = tuple[str, str, Options]


@dataclass(frozen=True, eq=False)
class _Job:
    """A queued piece of work; compared by identity, so that the same work can be queued twice."""

    work: Work


class DocumentLoader:
    """Reads files in the background; one for the process.

    Arguments:
        limits: limits of each file.
        options: how files are read; passwords are given with each.
        max_concurrent: files that are read at the same time.
        cache_bytes: size of the cache of readings, in bytes of text.
    """

    def __init__(
        self,
        limits: Limits = LIMITS,
        options: Options = OPTIONS,
        max_concurrent: int = MAX_CONCURRENT,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.limits = limits
        self.options = options
        self._max_concurrent = max_concurrent
        self._lock = threading.Lock()
        self._waiting: FairOrder[_Job] = FairOrder()
        self._working: set[threading.Thread] = set()
        self._cache = _Cache(cache_bytes)

    def submit(self, owner: Hashable, work: Work) -> None:
        """Run `work` in the background; the owners take turns."""
        with self._lock:
            self._waiting.join(_Job(work), owner)
            if len(self._working) < self._max_concurrent:
                thread = threading.Thread(target=self._work, name="reading", daemon=True)
                self._working.add(thread)
                thread.start()

    def read(
        self,
        path: Path,
        name: str,
        password: str | None,
        cancel: threading.Event,
        progress: Progress,
    ) -> Reading:
        """The reading of the file at `path`, from the cache if the same content was read before.

        Arguments:
            path: absolute path of the file.
            name: the user's name for it; its suffix helps to tell the format.
            password: opens a locked file.
            cancel: stops the reading when it is set.
            progress: see `Progress`.

        Raises `DocumentError`.
        """
        options = replace(self.options, password=password)
        with snapshot(path, self.limits.size, cancel) as copy:
            # The suffix belongs to the key, because the format depends on it.
            key = (copy.digest, Path(name).suffix.lower() or name.lower(), options)
            with self._lock:
                reading = self._cache.get(key)
            if reading is None:
                reading = read(copy.path, name, self.limits, options, cancel, progress)
                if reading.complete:
                    with self._lock:
                        self._cache.put(key, reading)
        return reading

    def _work(self) -> None:
        while True:
            with self._lock:
                job = self._waiting.first
                if job is None:
                    self._working.discard(threading.current_thread())
                    return
                self._waiting.serve(job)
            try:
                job.work()
            except Exception:
                log.exception("work on a document failed")


class _Cache:
    """An LRU cache of readings by content, of at most `max_bytes` bytes of text."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._readings: OrderedDict[_Key, Reading] = OrderedDict()
        self._bytes = 0

    def get(self, key: _Key) -> Reading | None:
        if key in self._readings:
            self._readings.move_to_end(key)
        return self._readings.get(key)

    def put(self, key: _Key, reading: Reading) -> None:
        if key in self._readings:
            return
        self._readings[key] = reading
        self._bytes += _bytes(reading)
        while self._bytes > self._max_bytes:
            _, last = self._readings.popitem(last=False)
            self._bytes -= _bytes(last)


def _bytes(reading: Reading) -> int:
    return sum(sys.getsizeof(page.text) for page in reading.pages)


# -- a copy of a file, taken before it is read -----------------------------------------------------


@dataclass(frozen=True)
class Snapshot:
    """A copy of a file, and the SHA-256 of its content in hexadecimal digits.

    A copy is needed because code of a model can replace the file at any moment, also by a link
    to another visitor's file.
    """

    path: Path
    digest: str


@contextlib.contextmanager
def snapshot(
    path: Path, max_bytes: int, cancel: threading.Event | None = None
) -> Iterator[Snapshot]:
    """A copy of the file at an absolute path, which exists while the context is open.

    Raises `DocumentError` if the file has more than `max_bytes` bytes, is gone, or `cancel` is
    set.
    """
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="glm-reading-") as folder:
        copy = Path(folder, "file")
        size = 0
        try:
            with open_regular(path) as source, copy.open("wb") as target:
                while piece := source.read(MEGABYTE):
                    size += len(piece)
                    if size > max_bytes:
                        raise DocumentError(
                            f"The file is larger than {max_bytes // MEGABYTE:,} MB."
                        )
                    if cancel is not None and cancel.is_set():
                        raise DocumentError("Reading was stopped.")
                    digest.update(piece)
                    target.write(piece)
        except OSError:
            log.warning("a document could not be copied", exc_info=True)
            raise DocumentError("The file is no longer there.") from None
        yield Snapshot(copy, digest.hexdigest())
