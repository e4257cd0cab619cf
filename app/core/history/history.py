"""The history: the conversations of all people, each person's apart."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, case, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from app.core.history import search_index
from app.core.history.blobs import Blobs
from app.core.history.catalog import Catalog, entry_of, is_id
from app.core.history.database import Database, HistoryError, memory, open_database
from app.core.history.schema import conversations, files, messages
from app.core.history.shared.processes import Processes
from app.core.history.shared.turns import Turns
from app.core.history.stored import Row, Stored
from app.core.modes import Mode
from tools.text import encodable

UNDO_S = 600.0
"""How long a deleted conversation can be brought back."""
MAX_TITLE_CHARS = 60
MAX_NAME_CHARS = 200


class History:
    """Conversations in a database, with their files beside it. Safe to use from several threads.

    Every method but `close` and `purge` raises `HistoryError`. What belongs to one person is asked
    for with `person`, see `person_key`; somebody else's conversation is as good as none.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.catalog = Catalog(database)
        self.blobs = Blobs(folder / "blobs")
        self.processes = Processes(database, folder)
        self.turns = Turns(database, self.processes)

    @classmethod
    def open(cls, folder: Path, url: str = "") -> History:
        """The history in `folder`, or at the database `url`; in memory where that fails."""
        return cls(open_database(folder, url), folder)

    @classmethod
    def in_memory(cls, folder: Path, problem: str = "") -> History:
        """A history that ends with the process; its files go to `folder`."""
        return cls(memory(problem), folder)

    @property
    def process(self) -> str:
        """This process, by a name that no other one has."""
        return self.processes.id

    @property
    def problem(self) -> str:
        """A sentence for the page, empty where conversations are kept."""
        return self.database.problem

    def close(self) -> None:
        """Says that this process has ended, and closes the database."""
        self.processes.close()
        self.database.close()

    # -- writing ---------------------------------------------------------------------------------

    def save(
        self,
        person: str,
        id: str,
        mode: Mode,
        rows: Sequence[Row],
        head: str | None,
        *,
        finished: bool = True,
        choices: Mapping[str, Any] | None = None,
        model: str = "",
        title: str = "",
        expected: tuple[str | None, ...] = (),
    ) -> str | None:
        """Stores messages and which one is shown last; makes the conversation where it is new.

        Args:
            person: whose conversation it is.
            id: the conversation.
            mode: the mode of a new conversation.
            rows: messages, each after its parent; those that are stored already stay as they are.
            head: the last message of the branch that is shown.
            finished: whether the answer that was being written is done.
            choices: settings of the conversation, None to leave them.
            model: the model's name, empty to leave it.
            title: names a new conversation without a message, and until one has words.
            expected: the heads in whose place `head` may come; where another process has put
                one of its own, that stays. Empty for any.

        Returns the message that is shown last now.
        """
        now = time.time()
        with self.database.writing() as connection:
            if not self._is_own(connection, person, id):
                self._insert(connection, person, id, mode, title, now)
            there = connection.scalar(
                select(conversations.c.head).where(conversations.c.id == id).with_for_update()
            )
            if expected and there not in expected:
                head = there
            values: dict[str, Any] = {"head": head, "version": conversations.c.version + 1}
            if rows:  # a conversation that was only looked at keeps its place in the list
                values["updated"] = now
            said = (row.text for row in rows if row.role == "user" and row.text.strip())
            if words := next(said, ""):
                untitled = (conversations.c.head.is_(None)) & conversations.c.renamed.is_(False)
                values["title"] = case((untitled, title_of(words)), else_=conversations.c.title)
            if choices is not None:
                values["choices"] = json.dumps(dict(choices))
            if model:
                values["model"] = model
            connection.execute(update(conversations).where(conversations.c.id == id).values(values))
            self._add(connection, id, rows, now)
            if finished:
                self.turns.end(connection, id)
            elif self.turns.owner(connection, id) is None:
                self.turns.begin(connection, id)
            return head

    def _insert(
        self,
        connection: Connection,
        person: str,
        id: str,
        mode: Mode,
        title: str,
        now: float,
    ) -> None:
        add = insert_sqlite if self.database.is_sqlite else insert_postgresql
        connection.execute(
            add(conversations).values(
                id=id, person=person, mode=mode, title=title_of(title), renamed=False,
                pinned=False, created=now, updated=now, version=0, choices="{}", model="",
            ).on_conflict_do_nothing()  # another process may make it at the same time
        )  # fmt: skip

    def _add(self, connection: Connection, id: str, rows: Sequence[Row], now: float) -> None:
        ids = [row.id for row in rows]
        known: set[str] = set()
        for at in range(0, len(ids), 500):  # SQLite takes 32,766 parameters
            known |= set(
                connection.scalars(
                    select(messages.c.id).where(messages.c.id.in_(ids[at : at + 500]))
                )
            )
        new = {row.id: row for row in rows if row.id not in known}
        if not new:
            return
        words = {id: encodable(row.text).replace("\0", "") for id, row in new.items()}
        values = [
            {
                "id": row.id, "conversation": id, "parent": row.parent, "role": row.role,
                "body": row.body, "citations": row.citations, "text": words[row.id],
                "created": row.created or now,
            }
            for row in new.values()
        ]  # fmt: skip
        connection.execute(insert(messages), values)
        wide = [id for id, text in words.items() if any(search_index.short_words(text))]
        for at in range(0, len(wide), 500):
            numbers = select(messages.c.number, messages.c.id)
            for number, each in connection.execute(
                numbers.where(messages.c.id.in_(wide[at : at + 500]))
            ):
                search_index.add(connection, number, words[each])

    def save_running(self, id: str, parent: str | None, body: str) -> None:
        """Stores the answer that is being written, in place of what it was."""
        now = time.time()
        self.processes.beat()
        self.turns.write(id, parent, body, now)

    def save_files(self, id: str, changed: Mapping[tuple[str, str], tuple[str, int]],
                   gone: Sequence[tuple[str, str]] = ()) -> None:  # fmt: skip
        """Stores which files a conversation has: digest and size by root and path."""
        with self.database.writing() as connection:
            for root, path in [*changed, *gone]:
                connection.execute(
                    delete(files).where(
                        files.c.conversation == id, files.c.root == root, files.c.path == path
                    )
                )
            for (root, path), (digest, size) in changed.items():
                connection.execute(
                    insert(files).values(
                        conversation=id, root=root, path=path, digest=digest, size=size
                    )
                )

    def set_head(self, person: str, id: str, head: str) -> None:
        """Stores which branch of a conversation is shown."""
        self._change(person, id, head=head)

    def rename(self, person: str, id: str, title: str) -> None:
        """Gives a conversation another title; an empty one is not taken."""
        if title := " ".join(encodable(title).replace("\0", "").split())[:MAX_NAME_CHARS]:
            self._change(person, id, title=title, renamed=True)

    def pin(self, person: str, id: str, pinned: bool) -> None:
        """Keeps a conversation on top of the list, or no longer."""
        self._change(person, id, pinned=pinned)

    def delete(self, person: str, id: str) -> None:
        """Deletes a conversation; `restore` can undo that for `UNDO_S`."""
        self._change(person, id, deleted=time.time())

    def delete_all(self, person: str) -> int:
        """Deletes all conversations of a person, for good, with the files that no other one has;
        returns how many."""
        own = conversations.c.person == person
        mine = select(conversations.c.id).where(own)
        with self.database.writing() as connection:
            found = select(files.c.digest).where(files.c.conversation.in_(mine))
            digests = set(connection.scalars(found))
            count = connection.execute(delete(conversations).where(own)).rowcount
        if digests:
            with self.database.reading() as connection:
                self.blobs.discard(digests - set(connection.scalars(select(files.c.digest))))
        return count

    def restore(self, person: str, id: str) -> None:
        """Undoes `delete`."""
        self._change(person, id, deleted=None)

    def _change(self, person: str, id: str, **values: Any) -> None:
        with self.database.writing() as connection:
            connection.execute(
                update(conversations)
                .where(conversations.c.id == id, conversations.c.person == person)
                .values(**values, version=conversations.c.version + 1)
            )

    def _is_own(self, connection: Connection, person: str, id: str) -> bool:
        """Raises `HistoryError` for somebody else's conversation."""
        owner = connection.scalar(select(conversations.c.person).where(conversations.c.id == id))
        if owner not in (None, person):
            raise HistoryError("This conversation is somebody else's.")
        return owner is not None

    # -- reading ---------------------------------------------------------------------------------

    def load(self, person: str, id: str) -> Stored | None:
        """A whole conversation of the person, None where there is none."""
        if not is_id(id):
            return None
        c = conversations.c
        with self.database.reading() as connection:
            row = connection.execute(
                select(conversations).where(c.id == id, c.person == person, c.deleted.is_(None))
            ).first()
            if row is None:
                return None
            m = messages.c
            columns = (m.id, m.parent, m.role, m.body, m.text, m.citations, m.created)
            stored = connection.execute(
                select(*columns).where(m.conversation == id).order_by(m.number)
            )
            own = connection.execute(
                select(files.c.root, files.c.path, files.c.digest).where(files.c.conversation == id)
            )
            return Stored(
                entry_of(row),
                row.head,
                row.version,
                _choices(row.choices),
                tuple(Row(*each) for each in stored),
                {(root, path): digest for root, path, digest in own},
                self.turns.read(connection, id),
            )

    def version(self, person: str, id: str) -> int | None:
        """How often a conversation was changed; None where there is none. Another process's
        changes show in it."""
        c = conversations.c
        with self.database.reading() as connection:
            return connection.scalar(select(c.version).where(c.id == id, c.person == person))

    # -- upkeep ----------------------------------------------------------------------------------

    def purge(self, older_than_days: float | None = None) -> None:
        """Removes for good what was deleted, conversations that nobody wrote to for
        `older_than_days` (None keeps them), and files that nothing refers to."""
        now = time.time()
        c = conversations.c
        with self.database.writing() as connection:
            gone = c.deleted < now - UNDO_S
            if older_than_days is not None:
                gone = or_(gone, c.updated < now - older_than_days * 86_400)
            connection.execute(delete(conversations).where(gone))
            self.processes.forget(connection)
        with self.database.reading() as connection:
            used = set(connection.scalars(select(files.c.digest)))
        self.blobs.sweep(used)


def move_in(connection: Connection, person: str, to: str) -> int:
    """Gives all conversations of a person to another one, within a transaction; returns how
    many."""
    statement = update(conversations).where(conversations.c.person == person).values(person=to)
    return connection.execute(statement).rowcount


def _choices(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def person_key(identity: str) -> str:
    """The key of a person for the database: a digest, from which nobody finds the identity."""
    return hashlib.sha256(identity.encode()).hexdigest()


def new_conversation_id() -> str:
    """A fresh conversation's id; whoever knows another one's can't guess it."""
    return secrets.token_hex(16)


def title_of(text: str) -> str:
    """A title made of a first message: its beginning, on one line."""
    line = " ".join(encodable(text[: 10 * MAX_TITLE_CHARS]).replace("\0", "").split())
    if len(line) <= MAX_TITLE_CHARS:
        return line
    cut = line[:MAX_TITLE_CHARS]
    whole = cut.rsplit(" ", 1)[0]
    return (whole if len(whole) > MAX_TITLE_CHARS // 2 else cut) + "…"
