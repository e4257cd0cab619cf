"""Histories with many conversations, written quickly."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from sqlalchemy import insert

from app.core.history import search_index
from app.core.history.history import History
from app.core.history.schema import conversations, messages
from app.core.modes import Mode
from backends.messages import Message, Text, identified, user
from tests.support.stored_messages import row_of

VOCABULARY = 20_000
AT_ONCE = 5_000
AGE_S = 2 * 3600.0
"""The newest conversation's age: a page without an address opens one of the last hour."""


def fill(
    history: History, person: str, count: int, each: int, mode: Mode = "chat", seed: int = 1
) -> list[str]:
    """Stores that many conversations of the person, each with that many messages of made-up words;
    returns their ids, the oldest first."""
    chance = random.Random(seed)
    words = [_word(chance) for _ in range(VOCABULARY)]
    now = time.time()
    ids = [f"{seed:08x}{number:024x}" for number in range(count)]
    with history.database.writing() as connection:
        rows: list[dict[str, object]] = []
        for number, id in enumerate(ids):
            made = list(_messages(chance, words, each))
            created = now - AGE_S - (count - number) * 60
            connection.execute(
                insert(conversations).values(
                    id=id, person=person, mode=mode, title=made[0].text[:60], created=created,
                    updated=created, head=made[-1].id, version=1,
                )
            )  # fmt: skip
            before = None
            for message in made:
                row = row_of(message, before)
                rows.append(
                    {
                        "id": row.id, "conversation": id, "parent": before, "role": row.role,
                        "body": row.body, "citations": "[]", "text": row.text, "created": created,
                    }
                )  # fmt: skip
                before = message.id
            if len(rows) >= AT_ONCE or number == count - 1:
                connection.execute(insert(messages), rows)
                rows = []
        if history.database.is_sqlite:
            found = connection.exec_driver_sql("SELECT number, text FROM messages").all()
            for number, text in found:
                search_index.add(connection, number, text)
    return ids


def _messages(chance: random.Random, words: list[str], count: int) -> Iterator[Message]:
    for at in range(count):
        text = " ".join(chance.choices(words, k=12 if at % 2 == 0 else 40))
        yield identified(user(text) if at % 2 == 0 else Message("assistant", (Text(text),)))


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnoprstuvw", k=chance.randint(3, 9)))
