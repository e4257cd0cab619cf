"""Takes conversations from a file into the history.

The file is read in a process of its own (`worker`): a visitor's import neither holds the
interpreter nor takes the server's memory. What comes of it is stored in small pieces, so that
others who write wait for none of it long.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from app.core.exchange.imports.drafts import BadImport
from app.core.history.history import History, new_conversation_id
from app.core.history.schema import conversations
from app.core.history.stored import Row
from app.core.people.limits import LimitReached

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[4]
WORKER = "app.core.exchange.imports.worker"
MAX_AT_ONCE = 2
"""Imports that are read at the same time; more wait."""
PAUSE_S = 0.01
"""Between two pieces that are stored: who waits for SQLite's lock looks again after some
milliseconds, and would else find it taken each time."""
SECONDS = 600.0
"""After which an import is given up."""

ENDED = "The file made its reader fail: it is damaged, too large, or was made to do so."
_slots = threading.BoundedSemaphore(MAX_AT_ONCE)


@dataclass(frozen=True)
class Imported:
    """The conversations that were imported, and a sentence for what was not."""

    ids: tuple[str, ...]
    problems: tuple[str, ...] = ()


def import_file(
    history: History,
    person: str,
    path: Path,
    *,
    may_keep: Callable[[], None] = lambda: None,
    fresh: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Imports the conversations of a file, which become the person's.

    Args:
        history: where they are stored.
        person: whose they become.
        path: our JSON or archive, ChatGPT's, or OpenAI's messages.
        may_keep: called before each conversation; raises `LimitReached` where no more is kept.
        fresh: whether they count as written to now, where old conversations are deleted.
        progress: called with the number of conversations so far.

    Raises `HistoryError`: what was stored before stays.
    """
    ids: list[str] = []
    problems: list[str] = []
    with _slots, contextlib.closing(_answers(path, history.blobs.folder)) as answers:
        try:
            for answer in answers:
                if "conversation" in answer:
                    may_keep()
                    if fresh:
                        answer["conversation"]["updated"] = time.time()
                    ids.append(_store(history, person, answer["conversation"], answers))
                    progress(len(ids))
                if "log" in answer:
                    log.error("an import failed:\n%s", answer["log"])
                problems += (answer[name] for name in ("problem", "error") if name in answer)
        except (BadImport, LimitReached) as error:
            problems.append(str(error))
    return Imported(tuple(ids), tuple(problems))


def _store(
    history: History, person: str, known: dict[str, Any], answers: Iterator[dict[str, Any]]
) -> str:
    """Stores one conversation; if that fails, nothing of it stays."""
    id = new_conversation_id()
    count = 0
    try:
        while count < known["count"]:
            rows = [_row(each) for each in next(answers)["rows"]]
            count += len(rows)
            head = known["head"] if count == known["count"] else rows[-1].id
            choices = known["settings"]
            history.save(person, id, known["mode"], rows, head, choices=choices)
            time.sleep(PAUSE_S)
        history.save_files(id, {(root, path): (d, n) for root, path, d, n in known["files"]})
        values: dict[str, Any] = {"pinned": known["pinned"]}
        if known["title"]:
            values |= {"title": known["title"], "renamed": True}
        updated = known["updated"] or known["created"]
        values |= {"updated": updated} if updated else {}
        values |= {"created": known["created"] or updated} if updated else {}
        with history.database.writing() as connection:
            own = conversations.c.id == id
            connection.execute(update(conversations).where(own).values(values))
    except BaseException:
        with contextlib.suppress(Exception), history.database.writing() as connection:
            connection.execute(delete(conversations).where(conversations.c.id == id))
        raise
    return id


def _row(values: list[Any]) -> Row:
    id, parent, role, body, text, citations, created = values
    return Row(id, parent, role, body, text, citations, created)


def _answers(path: Path, blobs: Path) -> Generator[dict[str, Any]]:
    """What the worker has to say. Raises `BadImport` where it ends before its last answer."""
    environment = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", WORKER, str(path.resolve()), str(blobs.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    watch = threading.Timer(SECONDS, process.kill)
    watch.daemon = True
    watch.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "end" in answer:
                return
            yield answer
        raise BadImport(ENDED)
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
