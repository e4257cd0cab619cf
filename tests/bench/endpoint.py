"""A model server for many sessions: `python -m tests.bench.endpoint` prints its address and serves
until it is ended. To each session, known by the number in its message, it streams a long text of
that session's own, 100 tokens a second."""

from __future__ import annotations

import re
import sys
from typing import Any

from tests.scripted_server import ScriptedServer
from tests.scripted_steps import MODEL, Answer, Finish, Text, Usage

RATE, SIZE = 100, 10
"""Tokens a second, and characters a token."""
PARAGRAPHS, WORDS = 24, 60


def message(session: int) -> str:
    """What a session sends."""
    return f"Session {session}, please."


def text(session: int) -> list[str]:
    """The paragraphs that it is sent; no other session has any of these words."""
    return [
        " ".join(f"w{session:02}x{paragraph:02}x{word:02}" for word in range(WORDS))
        for paragraph in range(PARAGRAPHS)
    ]


def answer(body: dict[str, Any]) -> Answer:
    """The script: by the last message's number."""
    found = re.search(r"\d+", str(body["messages"][-1]["content"]))
    said = "\n\n".join(text(int(found[0]) if found else 0))
    return [Text(said, SIZE, RATE), Finish(), Usage(10, len(said) // SIZE)]


def main() -> None:
    with ScriptedServer(answer) as server:
        print(f"{server.url}#{MODEL}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
