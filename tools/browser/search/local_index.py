"""Search in a folder: a full-text index in SQLite, kept up to date, ranked by BM25."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from tools.base import ToolCancelled
from tools.browser.search.base import Progress, Result, SearchFailed, since
from tools.browser.search.index_terms import passage, spaced, terms
from tools.browser.search.local_folder import Folder, document

REFRESH_INTERVAL_S = 5.0
"""Seconds after which a search checks again whether files have changed."""

_VERSION = 1  # of the index's format; an index of another version is rebuilt
_LOCK_TIMEOUT_S = 20.0  # waiting time while another process writes
_BATCH_FILES = 100  # files in one transaction
_PROGRESS_INTERVAL_S = 0.2  # between two lines of progress
_MAX_TEXT_CHARS = 1_000_000  # of one file that are indexed
_CANDIDATES = 40  # pages by BM25 that are ranked again
_TITLE_BOOST = 2.0  # factor for a page whose title equals the query
_SEPARATOR = re.compile(r" [-—–|·:] ")  # between the titles of page and site
_RANK = "bm25(words, 8.0, 3.0, 1.0)"
_SCHEMA = f"""
create table files(id integer primary key, path text unique, size int, changed int, hash blob,
                   title text);
create virtual table words using fts5(title, headings, text,
                                      tokenize = 'porter unicode61 remove_diacritics 2');
pragma user_version = {_VERSION};
"""

_logger = logging.getLogger(__name__)


class LocalSearch:
    """Searches the pages of `folder` with an index in the folder `cache`, in memory without one.

    A result must have more than the fraction `share` of the query's words. With `dated`, the date
    of a page is that of its last change; without, pages have no date, and `recency_days` is
    ignored.
    """

    name = "local"

    def __init__(
        self, folder: Folder, cache: Path | None = None, *, share: float = 0.3, dated: bool = True
    ) -> None:
        self.folder = folder
        self._cache, self._share, self._dated = cache, share, dated
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._checked: float | None = None

    def prepare(self, progress: Progress, cancel: threading.Event) -> None:
        """Updates the index, unless it was checked less than `REFRESH_INTERVAL_S` ago.

        Raises `ToolCancelled` when `cancel` is set, which keeps the files indexed so far, and
        `SearchFailed`.
        """
        with self._lock:
            if self._checked is not None and time.monotonic() - self._checked < REFRESH_INTERVAL_S:
                return
            try:
                self._update(self._database(), progress, cancel)
            except sqlite3.OperationalError:  # another process writes: use the old index
                _logger.info("The index of %s was not updated.", self.folder.name, exc_info=True)
            except (OSError, sqlite3.Error):
                _logger.warning("The index of %s failed.", self.folder.name, exc_info=True)
                raise SearchFailed(f"the folder {self.folder.name} can't be indexed") from None
            self._checked = time.monotonic()

    def search(self, query: str, recency_days: int | None, limit: int) -> list[Result]:
        """See `SearchProvider`."""
        self.prepare(lambda _: None, threading.Event())
        wanted = terms(query)
        if not wanted:
            return []
        oldest = None if recency_days is None or not self._dated else since(recency_days)
        try:
            with self._lock:
                return self._found(self._database(), wanted, oldest, limit)
        except sqlite3.Error:
            _logger.warning("The index of %s failed.", self.folder.name, exc_info=True)
            raise SearchFailed(f"the index of {self.folder.name} can't be read") from None

    def close(self) -> None:
        """Closes the index. May be called twice."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        if self._cache is not None:
            root = hashlib.sha256(str(self.folder.root).encode()).hexdigest()[:16]
            file = self._cache / f"{self.folder.name}-{root}.sqlite"
            try:
                self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    return _connected(str(file))
                except sqlite3.DatabaseError as error:
                    if isinstance(error, sqlite3.OperationalError):
                        raise
                    file.unlink()  # damaged: no longer a database
                    return _connected(str(file))
            except (OSError, sqlite3.Error):
                _logger.warning("The index is kept in memory alone.", exc_info=True)
        return _connected(":memory:")

    def _update(
        self, database: sqlite3.Connection, progress: Progress, cancel: threading.Event
    ) -> None:
        files = self.folder.files().files
        known = {
            path: (size, changed)
            for path, size, changed in database.execute("select path, size, changed from files")
        }
        gone = [path for path in known if path not in files]
        new = [path for path, stamp in sorted(files.items()) if known.get(path) != stamp[:2]]
        reported = time.monotonic()
        for start in range(0, max(len(new), len(gone) and 1), _BATCH_FILES):
            with _transaction(database):
                for path in gone:
                    _forget(database, path)
                gone = []
                for done, path in enumerate(new[start : start + _BATCH_FILES], start):
                    if cancel.is_set():
                        raise ToolCancelled
                    if time.monotonic() - reported > _PROGRESS_INTERVAL_S:
                        reported = time.monotonic()
                        progress(f"indexing {self.folder.name}: {done:,} of {len(new):,} pages")
                    self._index_file(database, path, files[path][:2])

    def _index_file(self, database: sqlite3.Connection, path: str, stamp: tuple[int, int]) -> None:
        """Indexes one file, if its content has changed."""
        try:
            data = self.folder.read(path)
        except OSError:
            data = b""  # too large, or deleted: recorded, so that it is not tried each time
        digest = hashlib.sha256(data).digest()
        before = database.execute("select id, hash from files where path = ?", (path,)).fetchone()
        if before and before[1] == digest:
            database.execute(
                "update files set size = ?, changed = ? where id = ?", (*stamp, before[0])
            )
            return
        _forget(database, path)
        found = document(path, data)
        row = database.execute(
            "insert into files(path, size, changed, hash, title) values (?, ?, ?, ?, ?)",
            (path, *stamp, digest, found.title[:300]),
        )
        if data:
            parts = (each[:_MAX_TEXT_CHARS] for each in (found.title, found.headings, found.text))
            database.execute(
                "insert into words(rowid, title, headings, text) values (?, ?, ?, ?)",
                (row.lastrowid, *map(spaced, parts)),
            )

    def _found(
        self,
        database: sqlite3.Connection,
        wanted: Sequence[str],
        oldest: date | None,
        limit: int,
    ) -> list[Result]:
        results: list[Result] = []
        for id in self._ranked(database, wanted):
            path, title, changed, text = database.execute(
                "select path, files.title, changed, text from words "
                "join files on files.id = words.rowid where words.rowid = ?",
                (id,),
            ).fetchone()
            day = datetime.fromtimestamp(changed / 1e9).date() if self._dated else None
            if oldest is None or day is None or day >= oldest:
                results.append(Result(title, self.folder.address(path), passage(text, wanted), day))
            if len(results) == limit:
                break
        return results

    def _ranked(self, database: sqlite3.Connection, wanted: Sequence[str]) -> list[int]:
        """The IDs of the best pages, the best first.

        BM25 alone would rank a page with one rare word above a page with all the words, and a
        page about a subject below those that mention it often.
        """
        phrases = [f'"{term}"' for term in wanted]
        rows = database.execute(
            f"select words.rowid, {_RANK}, words.title from words where words match ? "
            "order by 2 limit ?",
            (" OR ".join(phrases), _CANDIDATES),
        ).fetchall()
        among = f"words.rowid in ({','.join('?' * len(rows))})"
        ids = [id for id, _, _ in rows]
        counts = dict.fromkeys(ids, 0)
        for phrase in phrases:
            for (id,) in database.execute(
                f"select words.rowid from words where words match ? and {among}", (phrase, *ids)
            ):
                counts[id] += 1
        shares = {id: count / len(phrases) for id, count in counts.items()}
        scores: dict[int, float] = {}
        for id, score, title in rows:
            named = set(terms(_SEPARATOR.split(title)[0])) == set(wanted)
            scores[id] = score * shares[id] ** 2 * (_TITLE_BOOST if named else 1)
        return [id for id in sorted(ids, key=scores.__getitem__) if shares[id] > self._share]


def _connected(file: str) -> sqlite3.Connection:
    """A database with the index's tables, rebuilt for a new format. Raises sqlite3.Error."""
    database = sqlite3.connect(
        file, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        with _transaction(database):  # other processes wait until the tables are complete
            if database.execute("pragma user_version").fetchone()[0] != _VERSION:
                database.execute("drop table if exists files")
                database.execute("drop table if exists words")
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
    except sqlite3.Error:
        database.close()
        raise
    return database


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is committed also when `ToolCancelled` ends it."""
    database.execute("begin immediate")
    try:
        yield
    except ToolCancelled:
        database.execute("commit")
        raise
    except BaseException:
        database.execute("rollback")
        raise
    database.execute("commit")


def _forget(database: sqlite3.Connection, path: str) -> None:
    for (id,) in database.execute("select id from files where path = ?", (path,)).fetchall():
        database.execute("delete from words where rowid = ?", (id,))
        database.execute("delete from files where id = ?", (id,))
