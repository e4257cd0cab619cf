"""Whoever is forgotten leaves nothing: rows, files and counters; others keep theirs."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import sqlalchemy as sa

from app.core.history.history import History, new_conversation_id, person_key
from app.core.history.stored import Row
from app.core.people.accounts import of_header
from app.core.people.linking import AccountLinking
from app.core.service import Service
from app.core.settings import Loaded, Settings

WORDS = "words that nobody shall find"


def keep(history: History, person: str, content: bytes) -> Path:
    """A conversation with a file, kept an hour ago; the file's place."""
    id = new_conversation_id()
    row = Row(new_conversation_id(), None, "user", "{}", WORDS)
    history.save(person_key(person), id, "chat", [row], row.id)
    digest, size = history.blobs.put(io.BytesIO(content))
    history.save_files(id, {("workspace", "a.txt"): (digest, size)})
    path = history.blobs.path(digest)
    os.utime(path, (time.time() - 600, time.time() - 600))
    return path


def test_all_that_a_person_has_is_deleted(tmp_path: Path) -> None:
    ann, bob = of_header("ann"), of_header("bob")
    service = Service(Loaded(Settings(data=str(tmp_path)), {}), history=True)
    history, meter = service.history, service.meter
    assert history is not None and meter is not None and service.linking is not None
    keep(history, "a browser", b"from the browser")
    for person in (ann, bob):
        service.linking.meet(person, "a browser" if person is ann else None)
    mine, both = keep(history, ann.id, b"Ann's"), keep(history, ann.id, b"of both")
    keep(history, bob.id, b"of both")
    os.utime(both, (time.time() - 600, time.time() - 600))
    session = service.sessions.open(ann.id, "chat")

    service.forget(ann.id)
    assert not session.workspace.exists() and not mine.exists() and both.exists()
    assert history.catalog.count(person_key(ann.id)) == 0
    assert history.catalog.count(person_key(bob.id)) == 1
    with history.database.reading() as connection:
        tables = sa.inspect(history.database.engine).get_table_names()
        kept = [
            str(row)
            for table in tables
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))
        ]
    assert not [row for row in kept if person_key(ann.id) in row or "'ann'" in row]
    assert [e.id for e in history.catalog.search(person_key(bob.id), "nobody shall")]
    assert not history.catalog.search(person_key(ann.id), "nobody shall")
    # The account can begin anew.
    service.linking.forget(ann)
    AccountLinking(history, service.sessions.hand_over).meet(ann, None)
    assert history.catalog.count(person_key(ann.id)) == 0
    service.close()
