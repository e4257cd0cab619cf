"""1,000 interleaved turns of 20 people over two processes on one database: leaks, losses, doubles.

Each person has one conversation, which is open in both processes; every turn is begun in one of
the two by chance, some at the same moment in both, and one of these is refused. Each question is
unlike all others, and the scripted endpoint answers with it. A leak is a word of another person, in
a request to the model or in a stored message; a loss is a question or an answer that is not stored,
a double one that is stored twice. The database is PostgreSQL where that is installed, else SQLite.
"""

from __future__ import annotations

import contextlib
import random
import re
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from app.core.agent.loop import TurnConfig
from app.core.history.history import History, person_key
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Busy, Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.bench.figures import Figure
from tests.support.postgres import installed, start_postgres
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Text
from tools.registry import Registry

PEOPLE, TURNS = 20, 1_000
AT_ONCE = 0.2
"""The share of turns that are begun in both processes at the same moment."""

_WORD = re.compile(r"person(\d+)-turn(\d+)-(\d)")


def measure() -> list[Figure]:
    leaks: list[str] = []

    def answer(body: dict[str, Any]) -> Answer:
        words = _WORD.findall(str(body["messages"]))
        if len({person for person, _, _ in words}) > 1:
            leaks.append(str(words))
        return Text("heard " + body["messages"][-1]["content"])

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(start_postgres()).new_database() if installed() else ""
        server = stack.enter_context(ScriptedServer(answer))
        both = [_process(stack, folder, url, server.url) for _ in range(2)]
        asked: list[list[str]] = [[] for _ in range(PEOPLE)]
        ids: list[str] = [""] * PEOPLE
        threads = [
            threading.Thread(target=_talk, args=(both, person, asked, ids))
            for person in range(PEOPLE)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        lost = doubled = 0
        history = both[0].history
        assert history is not None
        for person, questions in enumerate(asked):
            stored = history.load(person_key(f"person{person}"), ids[person])
            texts = Counter(row.text for row in stored.rows) if stored else Counter[str]()
            for text in [each for q in questions for each in (q, f"heard {q}")]:
                lost += texts[text] == 0
                doubled += texts[text] > 1
            words = {each[0] for text in texts for each in _WORD.findall(text)}
            if words - {str(person)}:
                leaks.append(str(words))
    turns = sum(map(len, asked))
    return [
        Figure("turns", str(turns), f"at least {TURNS}", turns >= TURNS),
        Figure("leaks", str(len(leaks)), "0", not leaks),
        Figure("lost messages", str(lost), "0", not lost),
        Figure("doubled messages", str(doubled), "0", not doubled),
        Figure("  database", "PostgreSQL" if url else "SQLite"),
    ]


def _process(stack: contextlib.ExitStack, folder: Path, url: str, model: str) -> Sessions:
    """What one process of the app has."""
    backend = OpenAIBackend(model, "scripted", None, retries=0)

    def make(mode: str, workspace: Path, visitor: Visitor) -> Session:
        return Session(workspace, Registry(()), ModelHost(lambda: backend), None, visitor)

    history = History.open(folder / "history", url)
    stack.callback(history.close)
    root = Path(tempfile.mkdtemp(dir=folder))
    sessions = Sessions(root, make, 3600.0, 3, history)
    stack.callback(sessions.close)
    return sessions


def _talk(both: list[Sessions], person: int, asked: list[list[str]], ids: list[str]) -> None:
    """All turns of one person."""
    chance, name = random.Random(person), f"person{person}"
    first = both[0].open(name, "chat")
    ids[person] = first.id
    turn = -1
    while len(asked[person]) < TURNS // PEOPLE:
        turn += 1
        sessions = [each.open(name, "chat", ids[person]) for each in both] if turn else [first]
        if chance.random() > AT_ONCE:
            sessions = [chance.choice(sessions)]
        started = [
            (session, text)
            for at, session in enumerate(sessions)
            if _starts(session, text := f"{name}-turn{turn}-{at}")
        ]
        for session, text in started:
            asked[person].append(text)
            while (view := session.view()).live is not None:
                session.wait(view.version, 1.0)


def _starts(session: Session, text: str) -> bool:
    """Begins a turn, unless another process has one."""
    try:
        session.start_turn(user(text), TurnConfig(tools=None))
    except Busy:
        return False
    return True
