"""The search over titles and texts of conversations.

SQLite: FTS5 over trigrams finds parts of words in every script, from three characters on. One or
two characters of Chinese or Japanese are often a whole word: a second index has each pair of them
as a word of its own, and the words of one or two letters of other scripts, which are found as whole
words. PostgreSQL: trigrams where its extension pg_trgm can be used, else a scan.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, text
from sqlalchemy.exc import SQLAlchemyError

from tools.citations import WIDE
from tools.text import encodable

MAX_WORDS = 16
"""Words of a query that are looked for; further ones are ignored."""
MAX_WORD_CHARS = 200
MAX_MATCHES = 5000
"""Newest matching messages that are looked at; many may be of one conversation."""
TRIGRAM = 3

_WIDE = re.compile(f"[{WIDE}]+")
_SHORT = re.compile(f"(?<![^\\W_])[^\\W_{WIDE}]{{1,{TRIGRAM - 1}}}(?![^\\W_])")
"""A word of fewer letters than a trigram has, of a script with spaces between words."""

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


def prepare(connection: sqlite3.Connection) -> None:
    """Gives a connection to SQLite what `in_title` needs: its own LIKE folds ASCII alone."""
    connection.create_function("folded", 1, str.casefold, deterministic=True)


def in_title(connection: Connection, title: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """The condition that a title has a word, or a part of one."""
    if connection.dialect.name == "sqlite":
        return func.instr(func.folded(title), word.casefold()) > 0
    return title.ilike(f"%{escaped(word)}%", escape="!")


def add(connection: Connection, number: int, words: str) -> None:
    """Indexes what no trigger can: the short words of a message's text."""
    if connection.dialect.name == "sqlite" and (found := set(short_words(words))):
        connection.execute(
            text("INSERT INTO message_pairs (rowid, pairs) VALUES (:number, :pairs)"),
            {"number": number, "pairs": " ".join(sorted(found))},
        )


def matching(connection: Connection, person: str, words: list[str], most: int) -> dict[str, int]:
    """The person's `most` conversations with a message that has all `words`, the newest match
    first, each with the number of that message."""
    clauses: list[str] = []
    values: dict[str, Any] = {"person": person, "most": MAX_MATCHES}
    if connection.dialect.name == "sqlite":
        tables, order = _sqlite_match(words, clauses, values)
    else:
        tables, order = "messages m", "m.number"
        for word in words:
            if _SHORT.fullmatch(word):  # as in SQLite, for one language of the search
                _add(clauses, values, "m.text ~* {}", rf"\m{word}\M")
            else:
                _add(clauses, values, "m.text ILIKE {} ESCAPE '!'", f"%{escaped(word)}%")
    if not clauses:
        return {}
    statement = _OWN.format(tables=tables, found=" AND ".join(clauses), order=order)
    found: dict[str, int] = {}
    for number, conversation in connection.execute(text(statement), values):
        found.setdefault(conversation, number)
        if len(found) >= most:
            break
    return found


def _sqlite_match(words: list[str], clauses: list[str], values: dict[str, Any]) -> tuple[str, str]:
    """Adds the conditions and their values; returns the tables, and the column to sort by."""
    long = [_phrase(word) for word in words if len(word) >= TRIGRAM]
    short: list[str] = []
    for word in words:
        if len(word) < TRIGRAM:
            known = _WIDE.fullmatch(word) or _SHORT.search(word)
            if known is not None:
                prefix = " *" if len(word) == 1 and _WIDE.fullmatch(word) else ""
                short.append(_phrase(known[0]) + prefix)
            if known is None or known[0] != word:
                _add(clauses, values, "m.text LIKE {} ESCAPE '!'", f"%{escaped(word)}%")
    tables, order = "messages m", "m.number"
    if long:
        tables, order = "message_trigrams t JOIN messages m ON m.number = t.rowid", "t.rowid"
        _add(clauses, values, "t.message_trigrams MATCH {}", " ".join(long))
    if short and long:
        in_pairs = "m.number IN (SELECT rowid FROM message_pairs WHERE message_pairs MATCH {})"
        _add(clauses, values, in_pairs, " AND ".join(short))
    elif short:
        tables, order = "message_pairs p JOIN messages m ON m.number = p.rowid", "p.rowid"
        _add(clauses, values, "p.message_pairs MATCH {}", " AND ".join(short))
    elif not long:
        clauses.clear()  # signs alone are looked for in titles: no index has them
    return tables, order


def _add(clauses: list[str], values: dict[str, Any], clause: str, value: str) -> None:
    name = f"value{len(values)}"
    clauses.append(clause.format(f":{name}"))
    values[name] = value


def words_of(query: str) -> list[str]:
    """The words that a query asks for; all of them must be found."""
    words = [word[:MAX_WORD_CHARS] for word in encodable(query).replace("\0", " ").split()]
    return list({word.casefold(): word for word in words}.values())[:MAX_WORDS]


def short_words(words: str) -> Iterator[str]:
    """Each two neighbouring wide characters of a text, the last one of a row, and the words of one
    or two letters."""
    for run in _WIDE.finditer(words):
        for at in range(run.start(), run.end()):
            yield words[at : min(at + 2, run.end())]
    for short in _SHORT.finditer(words):
        yield short[0]


def escaped(word: str) -> str:
    """A word for LIKE with ESCAPE '!'."""
    return re.sub(r"([!%_])", r"!\1", word)


def _phrase(word: str) -> str:
    return '"{}"'.format(word.replace('"', '""'))
