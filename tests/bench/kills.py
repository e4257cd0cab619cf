"""A hundred kills (SIGKILL) at random moments of turns with calls and files.

A process has one turn after another in one conversation: words, a call that writes a file, words,
another call, words. It is killed at a random moment of the first seconds, and the next process
opens the conversation. A kill is well where every message that had been drawn is there, of the
running answer at most a second is missing, no call ran twice, the files are there, the database
passes SQLite's integrity check, and no process is left.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.killed_turns import KilledTurns

KILLS = 100
LONGEST_S = 4.0
ANEW = 5
"""Kills of one conversation; then another one begins."""


def measure() -> list[Figure]:
    chance = random.Random(14)
    faults: list[str] = []
    well = finished = 0
    for _ in range(KILLS // ANEW):
        with tempfile.TemporaryDirectory() as folder, KilledTurns(Path(folder)) as killed:
            for _ in range(ANEW):
                found = killed.kill(chance.uniform(0.1, LONGEST_S))
                well += not found
                faults += found
            finished += killed.finished
    return [
        Figure(
            "kills after which all was well",
            f"{well} of {KILLS}",
            f"{KILLS} of {KILLS}",
            well == KILLS,
        ),
        Figure("  messages that had been drawn", str(finished)),
        *(Figure("  a fault", fault) for fault in faults[:5]),
    ]
