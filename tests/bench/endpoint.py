"""A model server for many sessions: `python -m tests.bench.endpoint` prints its address and serves
until it is ended. To each session, known by the number in its message, it streams a long text of
that session's own, 100 tokens a second, or what `--rate` and `--tokens` say."""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.support.running_app import ROOT
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import MODEL, Answer, Finish, Text, Usage

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


def answer(body: dict[str, Any], rate: float = RATE, tokens: int | None = None) -> Answer:
    """The script: by the last message's number, at most `tokens` of its text."""
    found = re.search(r"\d+", str(body["messages"][-1]["content"]))
    said = "\n\n".join(text(int(found[0]) if found else 0))
    said = said[: None if tokens is None else tokens * SIZE]
    return [Text(said, SIZE, rate), Finish(), Usage(10, len(said) // SIZE)]


@contextlib.contextmanager
def endpoint(*options: str) -> Iterator[str]:
    """The endpoint in a process of its own; what `GLM_MODEL` is set to for it."""
    command = [sys.executable, "-m", "tests.bench.endpoint", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=None, help="of an answer, at most")
    given = parser.parse_args()
    with ScriptedServer(lambda body: answer(body, given.rate, given.tokens)) as server:
        print(f"{server.url}#{MODEL}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
