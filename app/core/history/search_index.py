"""The search over titles and texts of conversations.

SQLite: FTS5 over trigrams finds parts of words in every script, from three characters on. Two
characters of Chinese or Japanese are often a whole word: a second index has each pair of them as a
word of its own. PostgreSQL: trigrams where its extension pg_trgm can be used, else a scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from tools.citations import WIDE

MAX_WORDS = 16
"""Words of a query that are looked for; further ones are ignored."""
MAX_WORD_CHARS = 200
MAX_MATCHES = 400
"""Newest matching messages that are read; several may be of one conversation."""
TRIGRAM = 3

_WIDE = re.compile(f"[{WIDE}]{{2,}}")

_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS message_trigrams USING fts5("
    "text, content='messages', content_rowid='number', tokenize='trigram')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS message_pairs USING fts5(pairs)",
    "CREATE TRIGGER IF NOT EXISTS message_added AFTER INSERT ON messages BEGIN "
    "INSERT INTO message_trigrams (rowid, text) VALUES (new.number, new.text); END",
    "CREATE TRIGGER IF NOT EXISTS message_removed AFTER DELETE ON messages BEGIN "
    "INSERT INTO message_trigrams (message_trigrams, rowid, text) "
    "VALUES ('delete', old.number, old.text); "
    "DELETE FROM message_pairs WHERE rowid = old.number; END",
)
_OWN = (
    "SELECT m.number, m.conversation FROM {tables} "
    "JOIN conversations c ON c.id = m.conversation "
    "WHERE {found} AND c.person = :person AND c.deleted IS NULL "
    "ORDER BY {order} DESC LIMIT :most"
)


def create(connection: Connection) -> None:
    """Makes the indexes, where they are missing."""
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                text(
                    "CREATE INDEX IF NOT EXISTS messages_trigrams ON messages "
                    "USING gin (text gin_trgm_ops)"
                )
            )
    except SQLAlchemyError:  # not every role may; a scan finds the same
        return


def add(connection: Connection, number: int, words: str) -> None:
    """Indexes what no trigger can: the pairs of wide characters of a message's text."""
    if connection.dialect.name == "sqlite" and (found := set(pairs(words))):
        connection.execute(
            text("INSERT INTO message_pairs (rowid, pairs) VALUES (:number, :pairs)"),
            {"number": number, "pairs": " ".join(sorted(found))},
        )


def matching(connection: Connection, person: str, words: list[str]) -> dict[str, int]:
    """The person's conversations with a message that has all `words`, the newest match first,
    each with the number of that message."""
    clauses: list[str] = []
    values: dict[str, object] = {"person": person, "most": MAX_MATCHES}
    if connection.dialect.name == "sqlite":
        tables, order = _sqlite_match(words, clauses, values)
    else:
        tables, order = "messages m", "m.number"
        for index, word in enumerate(words):
            clauses.append(f"m.text ILIKE :word{index} ESCAPE '!'")
            values[f"word{index}"] = f"%{escaped(word)}%"
    if not clauses:
        return {}
    statement = _OWN.format(tables=tables, found=" AND ".join(clauses), order=order)
    found: dict[str, int] = {}
    for number, conversation in connection.execute(text(statement), values):
        found.setdefault(conversation, number)
    return found


def _sqlite_match(
    words: list[str], clauses: list[str], values: dict[str, object]
) -> tuple[str, str]:
    """Adds the conditions and their values; returns the tables, and the column to sort by."""
    long = [word for word in words if len(word) >= TRIGRAM]
    wide = [word for word in words if len(word) < TRIGRAM and _WIDE.fullmatch(word)]
    if len(long) + len(wide) < len(words):
        return "messages m", "m.number"  # one letter, or two: titles alone have these
    tables, order = "messages m", "m.number"
    if long:
        tables, order = "message_trigrams t JOIN messages m ON m.number = t.rowid", "t.rowid"
        clauses.append("t.message_trigrams MATCH :trigrams")
        values["trigrams"] = _phrases(long)
    if wide and long:
        clauses.append(
            "m.number IN (SELECT rowid FROM message_pairs WHERE message_pairs MATCH :pairs)"
        )
    elif wide:
        tables, order = "message_pairs p JOIN messages m ON m.number = p.rowid", "p.rowid"
        clauses.append("p.message_pairs MATCH :pairs")
    if wide:
        values["pairs"] = _phrases(wide)
    return tables, order if clauses else "m.number"


def words_of(query: str) -> list[str]:
    """The words that a query asks for; all of them must be found."""
    words = [word[:MAX_WORD_CHARS] for word in query.replace("\0", " ").casefold().split()]
    return list(dict.fromkeys(words))[:MAX_WORDS]


def pairs(words: str) -> Iterator[str]:
    """Each two neighbouring wide characters of a text."""
    for run in _WIDE.finditer(words):
        for at in range(run.start(), run.end() - 1):
            yield words[at : at + 2]


def escaped(word: str) -> str:
    """A word for LIKE with ESCAPE '!'."""
    return re.sub(r"([!%_])", r"!\1", word)


def _phrases(words: list[str]) -> str:
    return " ".join('"{}"'.format(word.replace('"', '""')) for word in words)
